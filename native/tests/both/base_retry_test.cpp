// Loops over shared memory end where what they wait for does not come.
#include "base/retry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/completion.h"
#include "base/lock.h"
#include "mm/fault/fault.h"
#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

/// Nobody else runs.
struct Alone final : Patience {
  unsigned limit_ms() const override { return kAlone; }
  void gave_up(const GaveUp& what) override { told.push_back(what); }
  std::vector<GaveUp> told;
  std::string text() const {
    std::string all;
    for (const GaveUp& each : told) all += std::string(each.what) + "; ";
    return all;
  }
};

TEST(Retry, tries_again_for_a_while_and_then_says_so_once) {
  Alone alone;
  const PatienceScope scope(alone);
  int word = 0;
  Retry retry("a page", &word);
  unsigned tries = 0;
  while (retry.again()) ASSERT_LT(++tries, 10'000U);
  EXPECT_GT(tries, 100U);
  ASSERT_EQ(alone.told.size(), 1U);
  EXPECT_STREQ(alone.told[0].what, "a page");
  EXPECT_EQ(alone.told[0].at, &word);
}

TEST(Retry, an_operation_that_has_given_up_once_gives_up_at_its_next_try) {
  Alone alone;
  const PatienceScope scope(alone);
  tell_gave_up({"a page", nullptr});
  Retry next("another page");
  EXPECT_FALSE(next.again());
  alone.begin_operation();
  Retry later("a third page");
  EXPECT_TRUE(later.again());
}

TEST(Retry, scopes_nest) {
  Alone outer, inner;
  const PatienceScope first(outer);
  {
    const PatienceScope second(inner);
    tell_gave_up({"a page", nullptr});
  }
  tell_gave_up({"a page", nullptr});
  EXPECT_EQ(outer.told.size(), 1U);
  EXPECT_EQ(inner.told.size(), 1U);
}

TEST(Retry, what_never_happens_is_not_waited_for_alone) {
  Alone alone;
  const PatienceScope scope(alone);
  const Completion never;
  EXPECT_FALSE(never.wait("an event"));
  Completion done;
  done.complete_all();
  EXPECT_TRUE(done.wait("an event"));
  EXPECT_EQ(alone.text(), "an event; ");
}

TEST(Retry, a_lock_that_nobody_gives_back_is_passed_alone) {
  Alone alone;
  const PatienceScope scope(alone);
  SpinLock lock;
  const std::uint32_t damage = 0x400;
  std::memcpy(static_cast<void*>(&lock), &damage, sizeof damage);
  { const Guard guard(lock); }
  EXPECT_FALSE(lock.is_locked());  // its unlock has put it right
  EXPECT_EQ(alone.text(), "a lock; ");
  ASSERT_EQ(alone.told[0].at, &lock);
}

TEST(Retry, a_folio_that_stays_locked_is_passed_and_named) {
  Alone alone;
  const PatienceScope scope(alone);
  MmBox box;
  auto mm = box.create_mm();
  const auto fresh = box.machine->alloc_folio(box.cpu());
  ASSERT_TRUE(fresh);
  fresh.value.set(Flag::kLocked);
  folio_lock(fresh.value);
  EXPECT_EQ(alone.text(), "a folio to be unlocked; ");
  EXPECT_EQ(alone.told[0].at, fresh.value.at());
  folio_unlock(fresh.value);
  folio_put(box.cpu(), fresh.value);
  mm->exit(box.cpu());
}

/// A page in the swap cache, which one process has mapped and `mm` has still to fault in.
struct SwapCached {
  MmBox box;
  std::unique_ptr<Mm> mm = box.create_mm(), child;
  std::uint64_t address = 0x10'0000'0000;
  Page cached;

  void SetUp() {
    MmapRequest request;
    request.address = address;
    request.pages = 1;
    request.prot = kVmRead | kVmWrite;
    ASSERT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, address, 7), FaultResult::kOk);
    // Swapped out, then forked: the slot has two users, and who faults first leaves its page
    // in the swap cache for the other.
    ASSERT_EQ(do_madvise(box.cpu(), *mm, address, 1, Advice::kPageout), Errc::kOk);
    ASSERT_EQ(Mm::create(box.cpu(), child), Errc::kOk);
    ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
    std::uint64_t word = 0;
    ASSERT_EQ(load_word(box.cpu(), *child, address, word), FaultResult::kOk);
    const PteSlot slot = mm->page_table.find(address);
    ASSERT_TRUE(slot && slot.get().entry().is_swap());
    cached = box.machine->swap.cached_page(*box.machine, slot.get().entry().offset);
    ASSERT_TRUE(cached);
  }
  void TearDown() {
    child->exit(box.cpu());
    mm->exit(box.cpu());
  }
};

TEST(Retry, a_fault_on_a_page_of_the_swap_cache_that_is_a_tail_of_another_is_a_signal) {
  Alone alone;
  const PatienceScope scope(alone);
  SwapCached swapped;
  swapped.SetUp();
  MmBox& box = swapped.box;
  const auto other = box.machine->alloc_folio(box.cpu());
  ASSERT_TRUE(other);
  std::uint64_t word = 0;
  const std::uint64_t before = swapped.cached.word(1);
  swapped.cached.set_word(1, box.memmap->addresses().of_page(box.machine->pfn_of(other.value)) | 1);
  EXPECT_EQ(load_word(box.cpu(), *swapped.mm, swapped.address, word), FaultResult::kSigbus);
  EXPECT_EQ(alone.text(), "a fault to map a page; ");
  EXPECT_EQ(alone.told[0].at, swapped.cached.at());
  swapped.cached.set_word(1, before);
  alone.begin_operation();
  EXPECT_EQ(load_word(box.cpu(), *swapped.mm, swapped.address, word), FaultResult::kOk);
  EXPECT_EQ(word, 7U);
  EXPECT_EQ(other.value.refcount(), 1);
  folio_put(box.cpu(), other.value);
  swapped.TearDown();
}

TEST(Retry, a_fault_on_a_page_whose_swap_slot_was_written_over_asks_the_swap_cache) {
  Alone alone;
  const PatienceScope scope(alone);
  SwapCached swapped;
  swapped.SetUp();
  MmBox& box = swapped.box;
  swapped.cached.set_word(5, swapped.cached.word(5) + (std::uint64_t{1} << 40));  // as a count
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *swapped.mm, swapped.address, word), FaultResult::kOk);
  EXPECT_EQ(word, 7U);
  EXPECT_TRUE(alone.told.empty());
  // And the audit tells what was there.
  ASSERT_FALSE(box.machine->damage.rows().empty());
  const Damage& row = box.machine->damage.rows().front();
  EXPECT_EQ(row.pfn, box.machine->pfn_of(swapped.cached));
  EXPECT_STREQ(row.word, "private");
  EXPECT_EQ(row.found - row.expected, std::uint64_t{1} << 40);
  swapped.TearDown();
}

TEST(Retry, a_swap_slot_that_does_not_exist_changes_nothing) {
  MmBox box;
  Swap& swap = box.machine->swap;
  const std::uint64_t used = swap.used_slots();
  for (const std::uint64_t slot : {std::uint64_t{0}, std::uint64_t{1} << 20, ~std::uint64_t{0}}) {
    EXPECT_FALSE(swap.free(slot));
    EXPECT_EQ(swap.users(slot), 0U);
    EXPECT_FALSE(swap.cache_get(*box.machine, slot));
    EXPECT_FALSE(swap.cache_claim(slot));
    EXPECT_FALSE(swap.claim_alone(slot).taken);
    EXPECT_EQ(swap.duplicate(slot), Errc::kCorrupt);
    swap.cache_remove(slot, true);
    swap.cache_add(slot, {1});
  }
  EXPECT_EQ(swap.bytes(~std::uint64_t{0}), swap.bytes(swap.slots()));  // nobody's
  EXPECT_EQ(swap.used_slots(), used);
}

TEST(Retry, memory_of_a_device_whose_reference_was_lost_is_not_waited_for) {
  Alone alone;
  const PatienceScope scope(alone);
  DeviceBox box(DeviceMemory::kCoherent);
  struct Driver final : PagemapDriver {
    void page_free(Cpu&, Page) override {}
    FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
      return FaultResult::kSigbus;
    }
  } driver;
  DevPagemap pagemap(*box.machine, DeviceMemory::kCoherent, {kRamPages}, 4, 3, &driver, driver);
  ASSERT_EQ(pagemap.add(), Errc::kOk);
  ASSERT_EQ(pagemap.init_page(box.cpu(), {kRamPages + 1}), Errc::kOk);
  const Page page = box.machine->page({kRamPages + 1});
  page.ref_add(2);
  pagemap.kill();
  EXPECT_EQ(pagemap.remove(), Errc::kBusy);
  ASSERT_EQ(alone.told.size(), 1U);
  EXPECT_EQ(alone.told[0].at, page.at());
  EXPECT_TRUE(alone.told[0].counted);
  EXPECT_EQ(alone.told[0].expected, 0);
  EXPECT_EQ(alone.told[0].found, 3);
  // Nothing has changed: who gives them back can have it removed.
  page.ref_sub(2);
  page.clear(Flag::kLocked);
  folio_put(box.cpu(), page);
  EXPECT_EQ(pagemap.remove(), Errc::kOk);
}

}  // namespace
}  // namespace pagebox::testing
