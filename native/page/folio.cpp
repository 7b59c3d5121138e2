#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint8_t kCompoundPageDtor = 1, kTranshugePageDtor = 3;  // v4.20's table

std::uint8_t* byte_at(Page page, std::uint16_t offset) {
  return reinterpret_cast<std::uint8_t*>(page.at() + offset);
}
void store_count(Page page, std::uint16_t offset, std::uint32_t value) {
  if (offset != 0) atomics::store(page.u32(offset), value);
}

/// No pins, whatever lies beside their count.
void clear_pincount(Page tail, const Shape& shape) {
  atomics::fetch_and(tail.u32(shape.pincount), ~shape.pincount_mask);
}

/// The first tail's own fields, over the poison that every tail has.
void prep_first_tail(Page tail, const Shape& shape, unsigned order) {
  constexpr std::uint32_t kNone = 0xffffffff;  // a mapcount of nothing
  atomics::store(byte_at(tail, shape.order), static_cast<std::uint8_t>(order));
  if (shape.compound_dtor != 0)
    atomics::store(byte_at(tail, shape.compound_dtor),
                   order > 1 ? kTranshugePageDtor : kCompoundPageDtor);
  store_count(tail, shape.large_mapcount, kNone);
  store_count(tail, shape.entire_mapcount, kNone);
  store_count(tail, shape.nr_pages_mapped, 0);
  store_count(tail, shape.folio_nr_pages, 1U << order);
}

void prep_second_tail(const Memmap& memmap, Page tail, const Shape& shape) {
  if (shape.deferred_list != 0) {
    const std::uint64_t self =
        memmap.addresses().of_page(memmap.pfn_of(tail)) + shape.deferred_list;
    tail.set_word_at(shape.deferred_list, self);
    tail.set_word_at(shape.deferred_list + std::size_t{shape.word_bytes}, self);
  }
}

}  // namespace

std::uint64_t compound_head_word(const Memmap& memmap, Pfn head, unsigned order) {
  const Shape& shape = memmap.shape();
  if (!shape.compound_head_is_mask) return memmap.addresses().of_page(head) | 1;
  const std::uint64_t mask = ~((std::uint64_t{shape.stride_bytes} << order) - 1);
  return (shape.word_bytes == 4 ? mask & 0xffffffff : mask) | 1;
}

void prep_compound(Memmap& memmap, Pfn head, unsigned order) {
  if (order == 0) return;
  const Shape& shape = memmap.shape();
  const AddressMap& addresses = memmap.addresses();
  const std::uint64_t head_word = compound_head_word(memmap, head, order);
  for (std::uint64_t i = 1; i < 1ULL << order; ++i) {
    const Page tail = memmap.page(head + i);
    tail.set_refcount(0);
    tail.set_word_at(shape.tail_mapping, addresses.tail_mapping());
    if (i == 1) prep_first_tail(tail, shape, order);
    if (i == 2) prep_second_tail(memmap, tail, shape);
    if (i == shape.pincount_tail) clear_pincount(tail, shape);
    // Last: a lockless reader that sees the bit finds the rest in place.
    tail.set_word_at(shape.word(1), head_word);
  }
  memmap.page(head).set(Flag::kHead);
}

void destroy_compound(Memmap& memmap, Pfn head) {
  const Page page = memmap.page(head);
  const unsigned order = folio_order(memmap, page);
  if (order == 0) return;
  const Shape& shape = memmap.shape();
  atomics::store(byte_at(memmap.page(head + 1), shape.order), std::uint8_t{0});
  page.clear(Flag::kHead);
  for (std::uint64_t i = 1; i < 1ULL << order; ++i) {
    const Page tail = memmap.page(head + i);
    for (unsigned word = 1; word <= 5; ++word) tail.set_word(word, 0);
    if (shape.tail_mapping > shape.word(5)) tail.set_word_at(shape.tail_mapping, 0);
    // A count that sticks goes with the folio.
    if (i == shape.pincount_tail) clear_pincount(tail, shape);
  }
}

bool folio_is_whole(const Memmap& memmap, Pfn head, unsigned order) {
  const std::uint64_t pages = 1ULL << order;
  if (head.value % pages != 0 || head.value + pages > memmap.capacity()) return false;
  const std::uint64_t expected = compound_head_word(memmap, head, order);
  for (std::uint64_t i = 1; i < pages; ++i)
    if (memmap.page(head + i).compound_head_word() != expected) return false;
  return true;
}

bool is_tail(Page page) { return page.is_tail(); }

Page compound_head(const Memmap& memmap, Page page, Errc* error) {
  if (error != nullptr) *error = Errc::kOk;
  const std::uint64_t word1 = page.compound_head_word();
  return (word1 & 1) == 0 ? page : head_of_tail(memmap, page, word1, error);
}

Page head_of_tail(const Memmap& memmap, Page page, std::uint64_t word1, Errc* error) {
  const AddressMap& addresses = memmap.addresses();
  // A mask has bit 0 too, and the address of a descriptor has not.
  const std::uint64_t address = memmap.shape().compound_head_is_mask
                                    ? addresses.of_page(memmap.pfn_of(page)) & word1
                                    : word1 - 1;
  if (const auto head = addresses.page_at(address, memmap.capacity())) return memmap.page(*head);
  if (error != nullptr) *error = Errc::kCorrupt;
  return page;
}

unsigned folio_order(const Memmap& memmap, Page head) {
  if (!head.test(Flag::kHead)) return 0;
  const Pfn second = memmap.pfn_of(head) + 1;
  if (second.value >= memmap.capacity()) return 0;
  const unsigned order = atomics::load(byte_at(memmap.page(second), memmap.shape().order));
  return order <= kMaxOrder ? order : 0;
}

}  // namespace pagebox::inline PAGEBOX_ENV
