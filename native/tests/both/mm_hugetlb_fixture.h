// A small machine with a pool of huge pages.
#pragma once

#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {

inline constexpr std::uint64_t kHuge = kPagesPerPmd;

inline MachineOptions with_pool(std::uint64_t pages) {
  MachineOptions options = with_huge_pages();
  options.hugetlb_pages = pages;
  return options;
}

inline Errc map_hugetlb(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                        std::uint64_t prot = kVmRead | kVmWrite) {
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  request.hugetlb = true;
  return do_mmap(cpu, mm, request);
}

/// A machine with a pool, by scheme.
struct MmHugetlbBox : ::testing::TestWithParam<const char*> {
  static constexpr std::uint64_t kPool = 4;
  MmBox box{2, GetParam(), 1 << 13, 0, with_pool(kPool)};
  std::unique_ptr<Mm> mm = box.create_mm();
  std::unique_ptr<Mm> child;

  void TearDown() override {
    if (child) child->exit(box.cpu());
    mm->exit(box.cpu());
    EXPECT_EQ(box.audit({}), std::vector<std::string>{});
    expect_pool(kPool, 0);
  }
  void expect_pool(std::uint64_t free, std::uint64_t reserved) const {
    const HugetlbCounts counts = box.machine->hugetlb.counts();
    EXPECT_EQ(counts.pages, kPool);
    EXPECT_EQ(counts.free, free);
    EXPECT_EQ(counts.reserved, reserved);
  }
  void map(std::uint64_t huge_pages = 1, std::uint64_t prot = kVmRead | kVmWrite) {
    ASSERT_EQ(map_hugetlb(box.cpu(), *mm, kTestBase, huge_pages * kHuge, prot), Errc::kOk);
  }
  static std::uint64_t at(std::uint64_t page) { return kTestBase + page * kPageBytes; }
  FaultResult store(Mm& of, std::uint64_t page, std::uint64_t value) {
    return store_word(box.cpu(), of, at(page), value);
  }
  FaultResult touch(Mm& of, std::uint64_t page) {
    std::uint64_t word = 0;
    return load_word(box.cpu(), of, at(page), word);
  }
  std::uint64_t load(Mm& of, std::uint64_t page) {
    std::uint64_t word = ~0ULL;
    EXPECT_EQ(load_word(box.cpu(), of, at(page), word), FaultResult::kOk);
    return word;
  }
  Pte leaf(Mm& of, std::uint64_t nth = 0) const {
    return of.page_table.find_pmd(kTestBase + nth * kPmdBytes).get();
  }
  Page folio(Mm& of, std::uint64_t nth = 0) const { return box.machine->page(leaf(of, nth).pfn()); }
  void fork() {
    child = box.create_mm();
    ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  }
  std::vector<Pfn> pin(Mm& of, std::uint64_t page, std::uint64_t pages, std::uint32_t flags) {
    std::vector<Pfn> pins(pages);
    pins.resize(pin_user_pages_fast(box.cpu(), of, at(page), flags, pins).pages);
    return pins;
  }
  void unpin(const std::vector<Pfn>& pins) {
    for (const Pfn pfn : pins) unpin_user_page(box.cpu(), pfn);
  }
  static std::vector<HeldReference> held(const std::vector<Pfn>& pins) {
    std::vector<HeldReference> out;
    for (const Pfn pfn : pins) out.push_back({.pfn = pfn, .pinned = true});
    return out;
  }
  std::vector<std::string> audit(std::vector<HeldReference> held = {}) {
    return child ? box.audit({mm.get(), child.get()}, std::move(held))
                 : box.audit({mm.get()}, std::move(held));
  }
  void expect_clean(const std::vector<Pfn>& pins = {}) {
    EXPECT_EQ(audit(held(pins)), std::vector<std::string>{});
  }
};

}  // namespace pagebox::testing
