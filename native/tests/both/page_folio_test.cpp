// Compound pages, word by word.
#include "page/folio.h"

#include <gtest/gtest.h>

#include "page/allocator.h"

namespace pagebox {
namespace {

struct FoliosOf {
  explicit FoliosOf(std::string_view layout) {
    EXPECT_EQ(Memmap::create(*find_layout(layout), 4096, 4096, memmap), Errc::kOk);
    allocator = std::make_unique<Allocator>(*memmap, Pfn{0}, Pfn{4096});
  }
  Pfn compound(unsigned order) {
    const Pfn head = allocator->alloc(order).value;
    prep_compound(*memmap, head, order);
    return head;
  }
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Allocator> allocator;
};

TEST(Folio, EveryTailLeadsToItsHead) {
  for (const Layout& layout : builtin_layouts()) {
    FoliosOf f(layout.name);
    (void)f.compound(0);
    const Pfn head = f.compound(9);
    EXPECT_EQ(folio_order(*f.memmap, f.memmap->page(head)), 9U);
    for (std::uint64_t i = 0; i < 512; ++i) {
      const Page page = f.memmap->page(head + i);
      EXPECT_EQ(is_tail(page), i != 0);
      EXPECT_EQ(compound_head(*f.memmap, page), f.memmap->page(head));
      EXPECT_EQ(page.refcount(), i == 0 ? 1 : 0);
      EXPECT_EQ(page.mapcount_raw(), -1);
      const std::uint64_t poison = f.memmap->addresses().tail_mapping();
      EXPECT_EQ(page.word(3) == poison, i > 2 || (i == 1 && layout.name.starts_with("linux-4.20") &&
                                                  layout.word_bytes == 8))
          << layout.name << " " << i;
    }
  }
}

TEST(Folio, FirstTailOf420) {
  FoliosOf f("linux-4.20");
  const Pfn head = f.compound(9);
  const Page first = f.memmap->page(head + 1), second = f.memmap->page(head + 2);
  EXPECT_EQ(first.word(2) & 0xff, 3U);  // TRANSHUGE_PAGE_DTOR
  EXPECT_EQ(first.word(2) >> 8 & 0xff, 9U);
  EXPECT_EQ(first.word(2) >> 32, 0xffffffffU);
  EXPECT_EQ(first.word(3), f.memmap->addresses().tail_mapping());
  const std::uint64_t self = f.memmap->addresses().of_page(head + 2) + 24;
  EXPECT_EQ(second.word(3), self);
  EXPECT_EQ(second.word(4), self);
}

TEST(Folio, FirstTailOf612) {
  FoliosOf f("linux-6.12");
  const Pfn head = f.compound(9);
  const Page first = f.memmap->page(head + 1);
  EXPECT_EQ(first.word(0) & 0xff, 9U);
  EXPECT_EQ(first.word(2), ~0ULL);  // both mapcounts
  EXPECT_EQ(first.word(3), 0U);     // pages mapped, pins
  EXPECT_EQ(first.word(4), 512U);
  EXPECT_EQ(f.memmap->page(head + 2).word(2), f.memmap->addresses().of_page(head + 2) + 16);
}

TEST(Folio, OrderOneHasNoSecondTail) {
  FoliosOf f("linux-6.12");
  const Pfn head = f.compound(1);
  const Pfn next = f.allocator->alloc(0).value;
  EXPECT_EQ(next, head + 2);
  EXPECT_FALSE(is_tail(f.memmap->page(next)));
  EXPECT_EQ(folio_order(*f.memmap, f.memmap->page(head)), 1U);
}

TEST(Folio, DestroyedPagesAreSingle) {
  for (const Layout& layout : builtin_layouts()) {
    FoliosOf f(layout.name);
    const Pfn head = f.compound(4);
    destroy_compound(*f.memmap, head);
    EXPECT_FALSE(f.memmap->page(head).test(Flag::kHead));
    EXPECT_EQ(folio_order(*f.memmap, f.memmap->page(head)), 0U);
    const std::uint64_t flags = f.memmap->page(head).word(0);
    for (std::uint64_t i = 1; i < 16; ++i) {
      const Page page = f.memmap->page(head + i);
      EXPECT_EQ(compound_head(*f.memmap, page), page);
      EXPECT_EQ(page.word(0), flags) << layout.name;
      for (unsigned word = 1; word <= 5; ++word) EXPECT_EQ(page.word(word), 0U);
    }
    destroy_compound(*f.memmap, head);  // a single page: nothing to do
  }
}

TEST(Folio, ATailThatPointsNowhereIsCorrupt) {
  FoliosOf f("linux-6.12");
  const Pfn head = f.compound(2);
  const Page tail = f.memmap->page(head + 1);
  for (const std::uint64_t word : {std::uint64_t{1}, ~std::uint64_t{0}, tail.word(1) + 8,
                                   f.memmap->addresses().of_page({4096}) | 1}) {
    tail.set_word(1, word);
    Errc error = Errc::kOk;
    EXPECT_EQ(compound_head(*f.memmap, tail, &error), tail);
    EXPECT_EQ(error, Errc::kCorrupt) << word;
    EXPECT_EQ(compound_head(*f.memmap, tail), tail);
  }
}

TEST(Folio, AnImpossibleOrderIsNone) {
  FoliosOf f("linux-4.20");
  const Pfn head = f.compound(2);
  f.memmap->page(head + 1).set_word(2, 0xff00);
  EXPECT_EQ(folio_order(*f.memmap, f.memmap->page(head)), 0U);
  const Page last = f.memmap->page({4095});
  last.set(Flag::kHead);  // its page[1] would lie behind the array
  EXPECT_EQ(folio_order(*f.memmap, last), 0U);
}

}  // namespace
}  // namespace pagebox
