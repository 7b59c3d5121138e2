// mm with every scheme: pages that a pin has off their LRU stay off it and come
// back to the right list; counts survive whatever mm does meanwhile.
#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/gup/pin_question.h"
#include "mm/migrate.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "pins/batch.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::testing {
namespace {

const std::vector<std::string> kNothing;

class MmSchemes : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    mm = box.create_mm();
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 2), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 42), FaultResult::kOk);
  }
  void TearDown() override {
    if (!mm->exited) mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    EXPECT_EQ(box.audit({}), kNothing);
  }

  Pfn pin() {
    Pfn pfn;
    EXPECT_EQ(pin_user_pages_fast(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages,
              1U);
    return pfn;
  }
  Page page(Pfn pfn) { return box.machine->page(pfn); }
  bool isolates() { return box.pins->scheme().isolates(); }
  Errc advise(Advice advice) { return do_madvise(box.cpu(), *mm, kTestBase, 1, advice); }
  std::vector<std::string> audit(std::vector<HeldReference> held = {}) {
    return box.audit({mm.get()}, std::move(held));
  }

  MmBox box{1, GetParam().c_str()};
  std::unique_ptr<Mm> mm;
};

std::vector<std::string> scheme_names() {
  std::vector<std::string> names;
  for (const SchemeSpec& scheme : builtin_schemes()) names.push_back(scheme.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Scheme, MmSchemes, ::testing::ValuesIn(scheme_names()), parameter_name);

TEST_P(MmSchemes, APagePinnedInABatchIsListedByItsLastUnpin) {
  const Pfn first = pin(), again = pin();  // before the batch has been drained
  lru_add_drain(box.cpu());
  EXPECT_EQ(page(first).test(Flag::kLru), !isolates());
  EXPECT_EQ(audit({{first, true}, {again, true}}), kNothing);
  unpin_user_page(box.cpu(), again);
  EXPECT_EQ(page(first).test(Flag::kLru), !isolates());
  unpin_user_page(box.cpu(), first);
  EXPECT_TRUE(page(first).test(Flag::kLru));
  EXPECT_EQ(audit(), kNothing);
}

TEST_P(MmSchemes, ListOperationsPassAPinnedPageByAndLeaveItsCount) {
  lru_add_drain(box.cpu());
  const Pfn pfn = pin();
  for (const Advice advice : {Advice::kCold, Advice::kPageout, Advice::kFree, Advice::kWillneed}) {
    EXPECT_EQ(advise(advice), Errc::kOk);
    folio_mark_accessed(box.cpu(), page(pfn));
    folio_mark_accessed(box.cpu(), page(pfn));
    lru_add_drain_all(box.cpu());
    EXPECT_EQ(page(pfn).test(Flag::kLru), !isolates());
    // refcount cannot keep its page mapped; every scheme keeps the page.
    EXPECT_EQ(audit({{pfn, true}}), kNothing);
    EXPECT_EQ(box.machine->frames.word(pfn), 42U);
  }
  EXPECT_EQ(compact_range(box.cpu(), {0}, {box.memmap->pages()}), 0U);
  EXPECT_EQ(audit({{pfn, true}}), kNothing);
  unpin_user_page(box.cpu(), pfn);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *mm, kTestBase, word), FaultResult::kOk);
  EXPECT_EQ(word, 42U);
  EXPECT_EQ(audit(), kNothing);
}

TEST_P(MmSchemes, APageLockedWhilePinnedComesBackUnevictable) {
  lru_add_drain(box.cpu());
  const Pfn pfn = pin();
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  lru_add_drain_all(box.cpu());
  EXPECT_TRUE(page(pfn).test(Flag::kMlocked));
  unpin_user_page(box.cpu(), pfn);
  EXPECT_TRUE(page(pfn).test(Flag::kUnevictable));
  EXPECT_EQ(box.zone->length(LruKind::kUnevictable), 1U);
  EXPECT_EQ(audit(), kNothing);
}

TEST_P(MmSchemes, APageUnlockedWhilePinnedComesBackEvictable) {
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  lru_add_drain_all(box.cpu());
  const Pfn pfn = pin();
  ASSERT_EQ(do_munlock(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  lru_add_drain_all(box.cpu());
  unpin_user_page(box.cpu(), pfn);
  EXPECT_FALSE(page(pfn).test(Flag::kMlocked));
  EXPECT_EQ(box.zone->length(LruKind::kUnevictable), 0U);
  EXPECT_EQ(audit(), kNothing);
}

TEST_P(MmSchemes, TheLastUnpinFreesAPageThatNobodyMaps) {
  lru_add_drain(box.cpu());
  const Pfn pfn = pin();
  mm->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
  EXPECT_EQ(box.audit({}, {{pfn, true}}), kNothing);
  const std::uint64_t free_pages = box.allocator->free_pages();
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(box.allocator->free_pages(), free_pages + 1);
  EXPECT_FALSE(page(pfn).test(Flag::kLru));
}

TEST_P(MmSchemes, APinnedPageStaysItsOwnersOverForkAndWrite) {
  lru_add_drain(box.cpu());
  const Pfn pfn = pin();
  auto child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 43), FaultResult::kOk);
  EXPECT_EQ(mm->page_table.find(kTestBase).get().pfn(), pfn);
  EXPECT_EQ(box.machine->frames.word(pfn), 43U);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *child, kTestBase, word), FaultResult::kOk);
  EXPECT_EQ(word, 42U);
  EXPECT_EQ(box.audit({mm.get(), child.get()}, {{pfn, true}}), kNothing);
  child->exit(box.cpu());
  unpin_user_page(box.cpu(), pfn);
}

TEST_P(MmSchemes, ReclaimTakesWhatIsNotPinned) {
  EXPECT_EQ(advise(Advice::kPageout), Errc::kOk);
  EXPECT_FALSE(mm->page_table.find(kTestBase).get().present());
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 44), FaultResult::kOk);
  const Pfn pfn = pin();
  EXPECT_EQ(advise(Advice::kPageout), Errc::kOk);
  EXPECT_EQ(mm->page_table.find(kTestBase).get().pfn(), pfn);
  unpin_user_page(box.cpu(), pfn);
}

TEST_P(MmSchemes, APinnedLazyfreePageIsNotDropped) {
  lru_add_drain(box.cpu());
  EXPECT_EQ(advise(Advice::kFree), Errc::kOk);
  lru_add_drain(box.cpu());
  Pfn pfn;
  ASSERT_EQ(pin_user_pages_fast(box.cpu(), *mm, kTestBase, 0, std::span(&pfn, 1)).pages, 1U);
  EXPECT_EQ(advise(Advice::kPageout), Errc::kOk);
  EXPECT_EQ(mm->page_table.find(kTestBase).get().pfn(), pfn);
  EXPECT_EQ(audit({{pfn, true}}), kNothing);
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(advise(Advice::kPageout), Errc::kOk);
  EXPECT_FALSE(mm->page_table.find(kTestBase).get().present());
}

TEST_P(MmSchemes, AnUndonePinThatWasTheLastReferenceFreesThePage) {
  const auto fresh = box.machine->alloc_folio(box.cpu());
  ASSERT_TRUE(fresh);
  const Pfn pfn = box.machine->pfn_of(fresh.value);
  const std::uint64_t free_pages = box.allocator->free_pages();
  const PinFrame& frame = box.pins->frame();
  undo_references(frame, {frame.base + pfn.value * frame.stride_bytes, pfn.value, 0}, 1);
  EXPECT_EQ(box.allocator->free_pages(), free_pages + 1);
}

TEST(MmMapcountOverlay, TellsPinsFromMappingsByTheReverseMap) {
  MmBox box(1, "mapcount-overlay");
  auto mm = box.create_mm();
  auto child = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  const Pfn pfn = mm->page_table.find(kTestBase).get().pfn();
  const Page page = box.machine->page(pfn);
  ASSERT_EQ(box.pins->try_pin_speculative(pfn, 3, 0), Errc::kOk);
  EXPECT_EQ(page_mapcount(page), 5);
  EXPECT_EQ(page_mapcount(*box.machine, page), 2);
  EXPECT_EQ(box.pins->pins(pfn).pins, 3U);
  // The entry is empty and still counted, as where reclaim asks.
  const PteSlot slot(child->page_table.find(kTestBase), nullptr);
  const Pte pte = slot.clear_and_flush();
  EXPECT_EQ(page_mapcount(*box.machine, page, 1), 2);
  slot.restore(pte);
  ASSERT_TRUE(box.pins->unpin(pfn, 3, 0));
  EXPECT_FALSE(folio_maybe_dma_pinned(*box.machine, page, PinQuestion::kFork));
  child->exit(box.cpu());
  mm->exit(box.cpu());
}

TEST(MmMapcountOverlay, MappingsThatAreBeingChangedAreNeverTakenForMore) {
  MmBox box(1, "mapcount-overlay");
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  const Pfn pfn = mm->page_table.find(kTestBase).get().pfn();
  {
    Guard guard(folio_anon_vma(*box.machine, box.machine->page(pfn))->lock());
    EXPECT_FALSE(rmap_count(*box.machine, box.machine->page(pfn)));
    EXPECT_TRUE(box.pins->maybe_pinned(pfn));  // the side on which it may err
  }
  EXPECT_FALSE(box.pins->maybe_pinned(pfn));
  mm->exit(box.cpu());
}

TEST(MmRefcount, GuessesByTheReferencesThatNobodyAccountsFor) {
  MmBox box(1, "refcount");
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  lru_add_drain(box.cpu());
  const Page page = box.machine->page(mm->page_table.find(kTestBase).get().pfn());
  const auto asks = [&](PinQuestion question) {
    return folio_maybe_dma_pinned(*box.machine, page, question);
  };
  EXPECT_FALSE(asks(PinQuestion::kSoftDirty));
  box.machine->get(page);  // fork's and reclaim's own
  EXPECT_TRUE(asks(PinQuestion::kSoftDirty));
  EXPECT_FALSE(asks(PinQuestion::kFork));
  EXPECT_FALSE(asks(PinQuestion::kReclaim));
  box.machine->get(page);  // a pin, or a pipe: nobody can tell
  EXPECT_TRUE(asks(PinQuestion::kFork));
  EXPECT_TRUE(asks(PinQuestion::kReclaim));
  EXPECT_TRUE(asks(PinQuestion::kReclaimUnmapped));
  EXPECT_FALSE(asks(PinQuestion::kShareExclusive));  // who asks looks again
  folio_put(box.cpu(), page);
  folio_put(box.cpu(), page);
  mm->exit(box.cpu());
}

}  // namespace
}  // namespace pagebox::testing
