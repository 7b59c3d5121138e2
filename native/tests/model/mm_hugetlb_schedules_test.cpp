// hugetlb under random schedules: faults, copies on write, pins, forks, unmapping and a
// parent that takes its page back meet in every order. No page of the pool is lost or
// had by two, no store is lost, no pin holds what its process does not see, and the
// audit is clean after each.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "tests/both/mm_hugetlb_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kHugetlbRuns = 300;

struct HugetlbMeeting {
  const std::uint64_t pool;
  MmBox box{4, "folio-pincount", 1 << 12, 0, with_pool(pool)};
  std::unique_ptr<Mm> mm, child;
  std::vector<Pfn> held;
  std::uint64_t wrong = 0, pins = 0, refused = 0;

  explicit HugetlbMeeting(std::uint64_t pages) : pool(pages) {}

  static std::uint64_t at(std::uint64_t page) { return kTestBase + page * kPageBytes; }
  void expect(bool right) { wrong += right ? 0 : 1; }
  void finish() {
    if (mm == nullptr) return;
    std::vector<Mm*> mms = {mm.get()};
    if (child) mms.push_back(child.get());
    std::vector<HeldReference> references;
    for (const Pfn pfn : held) references.push_back({.pfn = pfn, .pinned = true});
    wrong += box.audit(mms, references).size();
    if (child) child->exit(box.cpu());
    mm->exit(box.cpu());
    for (const Pfn pfn : held) unpin_user_page(box.cpu(), pfn);
    held.clear();
    wrong += box.audit({}).size();
    const HugetlbCounts counts = box.machine->hugetlb.counts();
    expect(counts.free == pool && counts.reserved == 0);
    child = nullptr;
    mm = nullptr;
  }
  /// Before each run: one huge page, with 30 in page 3; and a child, if there is one.
  void renew(std::uint64_t pages, bool forks) {
    finish();
    mm = box.create_mm();
    ASSERT_EQ(map_hugetlb(box.cpu(), *mm, kTestBase, pages * kHuge), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, at(3), 30), FaultResult::kOk);
    if (forks) fork(0);
  }
  void fork(unsigned cpu) {
    auto fresh = box.create_mm();
    if (dup_mmap(box.cpu(cpu), *fresh, *mm) == Errc::kOk) {
      child = std::move(fresh);
    } else {
      ++refused;
      fresh->exit(box.cpu(cpu));
    }
  }
  FaultResult store(unsigned cpu, Mm& of, std::uint64_t page, std::uint64_t value) {
    const FaultResult result = store_word(box.cpu(cpu), of, at(page), value);
    if (result == FaultResult::kSigbus) ++refused;
    return result;
  }
  void store_and_look(unsigned cpu, Mm& of, std::uint64_t page, std::uint64_t value) {
    if (store(cpu, of, page, value) != FaultResult::kOk) return;
    std::uint64_t word = 0;
    expect(load_word(box.cpu(cpu), of, at(page), word) == FaultResult::kOk && word == value);
  }
  void pin_and_look(unsigned cpu, std::uint32_t flags, bool keep) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, at(3), flags, std::span(&pfn, 1)).pages != 1) return;
    ++pins;
    // What is pinned stays what the process sees.
    std::uint64_t word = 0;
    if (load_word(box.cpu(cpu), *mm, at(3), word) == FaultResult::kOk)
      expect(box.machine->frames.word(pfn) == word);
    if (keep)
      held.push_back(pfn);
    else
      unpin_user_page(box.cpu(cpu), pfn);
  }
  void expect_clean(const Ends& ends) {
    finish();
    EXPECT_EQ(ends[Outcome::kClean], kHugetlbRuns);
    EXPECT_EQ(wrong, 0U);
  }
};

TEST(MmHugetlbSchedules, TwoFaultsForTheLastPageHaveTheSameOne) {
  HugetlbMeeting meeting(2);
  auto first = [&] { meeting.store_and_look(1, *meeting.mm, kHuge + 1, 11); };
  auto second = [&] { meeting.store_and_look(2, *meeting.mm, kHuge + 2, 12); };
  const FiberBody bodies[] = {body(first), body(second)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(2, false); }));
  EXPECT_EQ(meeting.refused, 0U);
}

TEST(MmHugetlbSchedules, CopiesOfParentAndChildAgainstAPin) {
  HugetlbMeeting meeting(3);
  auto parent = [&] { meeting.store_and_look(1, *meeting.mm, 5, 50); };
  auto child = [&] { meeting.store_and_look(2, *meeting.child, 5, 60); };
  auto pin = [&] { meeting.pin_and_look(3, kFollWrite, false); };
  const FiberBody bodies[] = {body(parent), body(child), body(pin)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(1, true); }));
  EXPECT_EQ(meeting.refused, 0U);
  EXPECT_GT(meeting.pins, 0U);
}

TEST(MmHugetlbSchedules, TheParentTakesItsPageBackWhileTheChildReads) {
  HugetlbMeeting meeting(1);  // nothing to copy to
  std::uint64_t kept = 0;
  auto parent = [&] { meeting.expect(meeting.store(1, *meeting.mm, 5, 50) == FaultResult::kOk); };
  auto reader = [&] {
    for (unsigned i = 0; i < 6; ++i) {
      std::uint64_t word = 0;
      const FaultResult result =
          load_word(meeting.box.cpu(2), *meeting.child, HugetlbMeeting::at(3), word);
      // Its data, or the news that it has lost them; never zeroes.
      meeting.expect(result == FaultResult::kOk ? word == 30 : result == FaultResult::kSigbus);
      (result == FaultResult::kOk ? kept : meeting.refused) += 1;
    }
  };
  const FiberBody bodies[] = {body(parent), body(reader)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(1, true); }));
  EXPECT_GT(meeting.refused, 0U);
  EXPECT_GT(kept, 0U);
}

TEST(MmHugetlbSchedules, TheParentTakesItsPageBackWhileTheChildMovesAndUnmapsIt) {
  HugetlbMeeting meeting(1);
  constexpr std::uint64_t kTo = kTestBase + 16 * kPmdBytes;
  auto parent = [&] { meeting.expect(meeting.store(1, *meeting.mm, 5, 50) == FaultResult::kOk); };
  auto child = [&] {
    Cpu& cpu = meeting.box.cpu(2);
    meeting.expect(do_mremap(cpu, *meeting.child, kTestBase, kHuge, kTo) == Errc::kOk);
    std::uint64_t word = 0;
    const FaultResult result = load_word(cpu, *meeting.child, kTo + 3 * kPageBytes, word);
    meeting.expect(result == FaultResult::kOk ? word == 30 : result == FaultResult::kSigbus);
    meeting.expect(do_munmap(cpu, *meeting.child, kTo, kHuge) == Errc::kOk);
  };
  const FiberBody bodies[] = {body(parent), body(child)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(1, true); }));
}

TEST(MmHugetlbSchedules, ForkAgainstPinsAndStores) {
  HugetlbMeeting meeting(3);
  auto forks = [&] { meeting.fork(0); };
  auto pins = [&] { meeting.pin_and_look(1, kFollWrite, true); };
  auto reads = [&] { meeting.pin_and_look(2, 0, false); };
  auto stores = [&] { meeting.store_and_look(3, *meeting.mm, 5, 50); };
  const FiberBody bodies[] = {body(forks), body(pins), body(reads), body(stores)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(1, false); }));
  EXPECT_GT(meeting.pins, 0U);
}

TEST(MmHugetlbSchedules, ACopyAgainstDontneedOfWhatIsCopied) {
  HugetlbMeeting meeting(3);
  auto stores = [&] { (void)meeting.store(1, *meeting.child, 5, 60); };
  auto drops = [&] {
    (void)do_madvise(meeting.box.cpu(2), *meeting.child, kTestBase, kHuge, Advice::kDontneed);
  };
  const FiberBody bodies[] = {body(stores), body(drops)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(1, true); }));
  EXPECT_EQ(meeting.refused, 0U);
}

TEST(MmHugetlbSchedules, UnmappingAndDontneedAgainstFaultsAndPins) {
  HugetlbMeeting meeting(3);
  auto drops = [&] {
    (void)do_madvise(meeting.box.cpu(1), *meeting.mm, kTestBase, 2 * kHuge, Advice::kDontneed);
    (void)do_munmap(meeting.box.cpu(1), *meeting.mm, kTestBase + kPmdBytes, kHuge);
  };
  auto stores = [&] {
    (void)meeting.store(2, *meeting.mm, 5, 50);
    (void)meeting.store(2, *meeting.mm, kHuge + 5, 50);
  };
  auto pins = [&] {
    Pfn pfn;
    if (pin_user_pages_fast(meeting.box.cpu(3), *meeting.mm, kTestBase, kFollWrite,
                            std::span(&pfn, 1))
            .pages == 1)
      meeting.held.push_back(pfn);
  };
  const FiberBody bodies[] = {body(drops), body(stores), body(pins)};
  meeting.expect_clean(random_runs(bodies, kHugetlbRuns, [&] { meeting.renew(2, false); }));
}

}  // namespace
}  // namespace pagebox::testing
