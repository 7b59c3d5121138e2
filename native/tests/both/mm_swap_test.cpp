// Swap slots: as many as there are and no more, side by side where they were taken in a row.
#include <set>
#include <vector>

#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/swap/swap.h"
#include "mm/swap/swap_slots.h"
#include "mm/swap/swap_writes.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

TEST(MmSwap, TheLastSlotIsHandedOutAndNoneBehindIt) {
  MmBox box;
  Swap& swap = box.machine->swap;
  for (std::uint64_t i = 0; i < swap.slots(); ++i)
    ASSERT_TRUE(swap.alloc_slot(Pfn{i + 1}, 0)) << i << " of " << swap.slots();
  EXPECT_EQ(swap.alloc_slot(Pfn{1}, 0).error, Errc::kNoSpc);
  EXPECT_EQ(swap.used_slots(), swap.slots());
}

/// Pages that are paged out together, and one among them that cannot go.
struct PagedOut {
  static constexpr std::uint64_t kPages = 70, kPinned = 40;
  MmBox box;
  std::unique_ptr<Mm> mm = box.create_mm();

  Pte entry(std::uint64_t nth) const {
    return mm->page_table.find(kTestBase + nth * kPageBytes).get();
  }
  void store_all() {
    for (std::uint64_t i = 0; i < kPages; ++i)
      for (const std::uint64_t at : {std::uint64_t{0}, kPageBytes - 8})
        ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes + at, 100 + i + at),
                  FaultResult::kOk);
  }
  void expect_all() {
    for (std::uint64_t i = 0; i < kPages; ++i)
      for (const std::uint64_t at : {std::uint64_t{0}, kPageBytes - 8}) {
        std::uint64_t word = 0;
        ASSERT_EQ(load_word(box.cpu(), *mm, kTestBase + i * kPageBytes + at, word),
                  FaultResult::kOk);
        EXPECT_EQ(word, 100 + i + at);
      }
  }
  Errc pageout() { return do_madvise(box.cpu(), *mm, kTestBase, kPages, Advice::kPageout); }
};

TEST(MmSwap, PagesThatAreWrittenTogetherKeepWhatTheyHoldAndOneThatIsPinnedStays) {
  PagedOut test;
  ASSERT_EQ(map_anon(test.box.cpu(), *test.mm, kTestBase, PagedOut::kPages), Errc::kOk);
  test.store_all();
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(test.box.cpu(), *test.mm, kTestBase + PagedOut::kPinned * kPageBytes,
                           kFollWrite, std::span(&pinned, 1))
                .pages,
            1U);
  ASSERT_EQ(test.pageout(), Errc::kOk);
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < PagedOut::kPages; ++i) {
    const Pte pte = test.entry(i);
    if (i == PagedOut::kPinned) {
      const Page page = test.box.machine->page(pinned);
      EXPECT_EQ(pte.pfn(), pinned);
      for (const Flag flag : {Flag::kLocked, Flag::kWriteback}) EXPECT_FALSE(page.test(flag));
      continue;
    }
    ASSERT_TRUE(pte.is_entry() && pte.entry().is_swap()) << i;
    if (i > 0) EXPECT_GT(pte.entry().offset, last) << "slots in the order of the range";
    last = pte.entry().offset;
  }
  EXPECT_EQ(test.box.machine->swap.used_slots(), PagedOut::kPages - 1);
  test.expect_all();
  unpin_user_page(test.box.cpu(), pinned);
  EXPECT_EQ(test.box.audit({test.mm.get()}), kClean);
  // Clean ones, which keep their slots, and dirty ones by turns.
  ASSERT_EQ(test.pageout(), Errc::kOk);
  for (std::uint64_t i = 0; i < PagedOut::kPages; ++i) EXPECT_FALSE(test.entry(i).present()) << i;
  test.expect_all();
  EXPECT_EQ(test.box.audit({test.mm.get()}), kClean);
  test.mm->exit(test.box.cpu());
}

TEST(MmSwap, PagesAreWrittenTogetherUnlessTheOperationStopsAtAStep) {
  struct Keeper : StopKeeper {
    void stop(StopPoint) override { ++stops; }
    int stops = 0;
  } keeper;
  PagedOut test;
  ASSERT_EQ(map_anon(test.box.cpu(), *test.mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(test.box.cpu(), *test.mm, kTestBase, 1), FaultResult::kOk);
  const Page page = test.box.machine->page(test.entry(0).pfn());
  ASSERT_TRUE(folio_trylock(page));
  const auto slot = add_to_swap(test.box.cpu(), page);
  ASSERT_TRUE(static_cast<bool>(slot));
  OpControl control;  // as every operation of a scenario has one
  test.box.cpu().control = &control;
  for (const bool stops : {false, true}) {
    control.stop_at(stops ? StopPoint::kPageoutWriting : StopPoint::kNowhere, &keeper);
    SwapWrites writes(test.box.cpu());
    ASSERT_TRUE(writes.add(page));
    EXPECT_EQ(writes.is_full(), kModel || stops);
    EXPECT_TRUE(page.test(Flag::kWriteback));
    EXPECT_EQ(writes.submit().size(), 1U);
    EXPECT_FALSE(page.test(Flag::kWriteback) || page.test(Flag::kDirty));
    page.set(Flag::kDirty);
  }
  EXPECT_EQ(keeper.stops, 1);
  test.box.cpu().control = nullptr;
  folio_unlock(page);
  test.mm->exit(test.box.cpu());
}

TEST(MmSwap, PagesOfTmpfsAreWrittenTogether) {
  PagedOut test;
  ASSERT_EQ(map_shmem(test.box.cpu(), *test.mm, kTestBase, PagedOut::kPages), Errc::kOk);
  test.store_all();
  ASSERT_EQ(test.pageout(), Errc::kOk);
  EXPECT_EQ(test.box.machine->swap.used_slots(), PagedOut::kPages);
  EXPECT_EQ(test.box.audit({test.mm.get()}), kClean);
  test.expect_all();
  EXPECT_EQ(test.box.audit({test.mm.get()}), kClean);
  test.mm->exit(test.box.cpu());
}

TEST(MmSwap, WithoutASlotForAllThoseWithoutOneStay) {
  PagedOut test;
  ASSERT_EQ(map_anon(test.box.cpu(), *test.mm, kTestBase, PagedOut::kPages), Errc::kOk);
  test.store_all();
  Swap& swap = test.box.machine->swap;
  while (swap.slots() - swap.used_slots() > 45) ASSERT_TRUE(swap.alloc_slot(Pfn{0}, 0));
  ASSERT_EQ(test.pageout(), Errc::kOk);
  for (std::uint64_t i = 0; i < PagedOut::kPages; ++i) EXPECT_EQ(test.entry(i).present(), i >= 45);
  test.expect_all();
  test.mm->exit(test.box.cpu());
}

constexpr unsigned kCluster = SwapSlots::kCluster;

std::vector<std::uint64_t> take(SwapSlots& slots, unsigned cpu, std::size_t count) {
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto slot = slots.take(cpu);
    EXPECT_TRUE(slot);
    out.push_back(slot.value);
  }
  return out;
}
bool in_a_row(const std::vector<std::uint64_t>& slots) {
  for (std::size_t i = 1; i < slots.size(); ++i)
    if (slots[i] != slots[i - 1] + 1) return false;
  return true;
}

TEST(MmSwapSlots, ProcessorsThatTakeInTurnsHaveRowsOfTheirOwnAndAfterAnyOrderOfFreesAgain) {
  if (kModel) GTEST_SKIP() << "one row for all";
  SwapSlots slots;
  slots.create(std::uint64_t{kCluster} * 4, 2);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint64_t> of[2];
    for (unsigned i = 0; i < kCluster; ++i)
      for (const unsigned cpu : {0U, 1U}) of[cpu].push_back(take(slots, cpu, 1).front());
    for (const auto& each : of) EXPECT_TRUE(in_a_row(each));
    EXPECT_EQ(slots.opened() - slots.free(), 2U * kCluster);
    // From both ends, of both in turns.
    for (unsigned i = 0; i < kCluster; ++i)
      for (const auto& each : of) slots.give(each[i % 2 == 0 ? i / 2 : kCluster - 1 - i / 2]);
    EXPECT_EQ(slots.opened(), slots.free());
  }
  EXPECT_EQ(slots.opened(), 2U * kCluster);
}

TEST(MmSwapSlots, WhatIsScatteredIsFoundAndNoSlotTwice) {
  SwapSlots slots;
  constexpr std::uint64_t kSlots = kCluster * 3 + 5;
  slots.create(kSlots, 3);
  std::set<std::uint64_t> taken;
  for (std::uint64_t i = 0; i < kSlots; ++i) {
    const std::uint64_t slot = take(slots, static_cast<unsigned>(i) % 3, 1).front();
    EXPECT_LT(slot, kSlots);
    EXPECT_TRUE(taken.insert(slot).second);
  }
  for (unsigned cpu = 0; cpu < 3; ++cpu) EXPECT_EQ(slots.take(cpu).error, Errc::kNoSpc);
  const std::set<std::uint64_t> some = {1, kCluster, kSlots - 1};
  for (const std::uint64_t slot : some) slots.give(slot);
  const std::vector<std::uint64_t> again = take(slots, 1, some.size());
  EXPECT_EQ(std::set<std::uint64_t>(again.begin(), again.end()), some);
  EXPECT_EQ(slots.take(1).error, Errc::kNoSpc);
}

TEST(MmSwapSlots, ARunIsTakenBehindTheOpenClustersAndElseWhereOneIsFree) {
  SwapSlots slots;
  constexpr std::uint64_t kRun = std::uint64_t{kCluster} * 2;
  slots.create(kRun * 2 + 3, 1);
  EXPECT_EQ(take(slots, 0, 1).front(), 0U);
  EXPECT_EQ(slots.take_run(kRun).value, kRun);
  // What lies between is free; none of it is part of the run.
  for (const std::uint64_t slot : take(slots, 0, kRun - 1)) EXPECT_LT(slot, kRun);
  EXPECT_EQ(slots.take_run(kRun).error, Errc::kNoSpc);
  for (std::uint64_t slot = 0; slot < kRun; ++slot) slots.give(slot);
  EXPECT_EQ(slots.take_run(kRun).value, 0U);
  EXPECT_EQ(take(slots, 0, 3), (std::vector<std::uint64_t>{kRun * 2, kRun * 2 + 1, kRun * 2 + 2}));
  EXPECT_EQ(slots.take(0).error, Errc::kNoSpc);
  // Parts of a cluster, as a small folio wants them.
  for (const std::uint64_t slot : {4, 5, 6, 7}) slots.give(slot);
  EXPECT_EQ(slots.take_run(4).value, 4U);
}

}  // namespace
}  // namespace pagebox::testing
