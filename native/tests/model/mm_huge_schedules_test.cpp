// A huge page under random schedules: splits of its mapping and of itself, pins, stores
// and a fork meet in every order. No store is lost, no pin holds a page that is not
// mapped, and the audit is clean after each.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kHugeRuns = 40;

struct HugeMeeting {
  MmBox box{4, "folio-pincount", 1 << 12, 0, with_huge_pages()};
  std::unique_ptr<Mm> mm, child;
  std::uint64_t findings = 0, lost = 0, strays = 0, splits = 0, pins = 0;

  /// Before each run, and once more at the end: what the last one left is clean.
  void renew() {
    Cpu& cpu = box.cpu();
    if (mm != nullptr) {
      findings += child ? box.audit({mm.get(), child.get()}).size() : box.audit({mm.get()}).size();
      std::uint64_t word = 0;
      lost +=
          load_word(cpu, *mm, kTestBase + 5 * kPageBytes, word) == FaultResult::kOk && word == 50
              ? 0
              : 1;
      if (!mm->page_table.find_pmd(kTestBase).get().huge()) ++splits;
      if (child) child->exit(cpu);
      mm->exit(cpu);
      lru_add_drain_all(cpu);
      box.machine->rcu.barrier();
      findings += box.audit({}).size();
    }
    child = nullptr;
    mm = box.create_mm();
    ASSERT_EQ(map_anon(cpu, *mm, kTestBase, kPagesPerPmd), Errc::kOk);
    ASSERT_EQ(do_madvise(cpu, *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
    ASSERT_EQ(store_word(cpu, *mm, kTestBase + 3 * kPageBytes, 30), FaultResult::kOk);
  }
  void store(unsigned cpu) { (void)store_word(box.cpu(cpu), *mm, kTestBase + 5 * kPageBytes, 50); }
  void pin(unsigned cpu) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kTestBase + 3 * kPageBytes, kFollWrite,
                            std::span(&pfn, 1))
            .pages != 1)
      return;
    ++pins;
    // What is pinned stays what the process sees.
    if (box.machine->frames.word(pfn) != 30) ++strays;
    box.machine->frames.set_word(pfn, 0, 31);
    std::uint64_t word = 0;
    (void)load_word(box.cpu(cpu), *mm, kTestBase + 3 * kPageBytes, word);
    if (word != 31) ++strays;
    box.machine->frames.set_word(pfn, 0, 30);
    unpin_user_page(box.cpu(cpu), pfn);
  }
  void split(unsigned cpu) {
    (void)do_madvise(box.cpu(cpu), *mm, kTestBase + 8 * kPageBytes, 1, Advice::kCold);
  }
  void protect(unsigned cpu) {
    (void)do_mprotect(box.cpu(cpu), *mm, kTestBase + 9 * kPageBytes, 1, kVmRead);
  }
  void fork(unsigned cpu) {
    auto fresh = box.create_mm();
    (void)dup_mmap(box.cpu(cpu), *fresh, *mm);
    child = std::move(fresh);
  }
  void expect_clean(const Ends& ends) {
    renew();
    EXPECT_EQ(ends[Outcome::kClean], kHugeRuns);
    EXPECT_EQ(findings, 0U);
    EXPECT_EQ(lost, 0U);
    EXPECT_EQ(strays, 0U);
    EXPECT_GT(pins, 0U);
    EXPECT_GT(splits, 0U);
    mm->exit(box.cpu());
  }
};

TEST(MmHugeSchedules, SplitOfTheFolioAgainstPinAndStore) {
  HugeMeeting meeting;
  auto splits = [&] { meeting.split(1); };
  auto pins = [&] { meeting.pin(2); };
  auto stores = [&] { meeting.store(3); };
  const FiberBody bodies[] = {body(splits), body(pins), body(stores)};
  meeting.expect_clean(random_runs(bodies, kHugeRuns, [&] { meeting.renew(); }));
}

TEST(MmHugeSchedules, SplitOfTheMappingAndForkAgainstPinAndStore) {
  HugeMeeting meeting;
  auto protects = [&] { meeting.protect(1); };
  auto forks = [&] { meeting.fork(0); };
  auto pins = [&] { meeting.pin(2); };
  auto stores = [&] { meeting.store(3); };
  const FiberBody bodies[] = {body(protects), body(forks), body(pins), body(stores)};
  meeting.expect_clean(random_runs(bodies, kHugeRuns, [&] { meeting.renew(); }));
}

}  // namespace
}  // namespace pagebox::testing
