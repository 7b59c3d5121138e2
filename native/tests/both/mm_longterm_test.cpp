// Long-term pins of memory that is about to be taken away: it moves first. And forced writes.
#include "mm/fault/user_access.h"
#include "mm/file/files.h"
#include "mm/gup/gup.h"
#include "mm/swap/lru_batch.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

using Rows = std::vector<std::string>;

struct MmLongterm : ::testing::Test {
  MmBox box{2};
  std::unique_ptr<Mm> mm = box.create_mm();

  void SetUp() override {
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 7), FaultResult::kOk);
  }
  void TearDown() override {
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    EXPECT_EQ(box.audit({}), Rows{});
  }
  Pfn mapped() const { return mm->page_table.find(kTestBase).get().pfn(); }
  GupResult pin(unsigned cpu, Pfn& pfn) {
    return pin_user_pages(box.cpu(cpu), *mm, kTestBase, kFollLongterm | kFollWrite,
                          std::span(&pfn, 1));
  }
};

TEST_F(MmLongterm, APageThatGoesOfflineMovesBeforeItIsPinned) {
  const Pfn before = mapped();
  box.machine->take_offline(before);
  Pfn pfn;
  ASSERT_EQ(pin(0, pfn).pages, 1U);
  EXPECT_NE(pfn, before);
  EXPECT_EQ(mapped(), pfn);
  EXPECT_EQ(box.machine->frames.word(pfn), 7U);
  EXPECT_EQ(box.audit({mm.get()}, {{pfn, true}}), Rows{});
  unpin_user_page(box.cpu(), pfn);
}

/// Mapped by a fault in a mapping that was locked before: mlock's batch holds it, and it is on
/// its list.
TEST_F(MmLongterm, ItMovesThoughAnotherProcessorsBatchOfMlockHasIt) {
  AddressSpace* file = create_shmem(*box.machine, 1);
  constexpr std::uint64_t kSeen = kTestBase + kPmdBytes, kLocked = kSeen + kPmdBytes;
  std::uint64_t word = 0;
  for (const std::uint64_t at : {kSeen, kLocked}) {
    MmapRequest request;
    request.address = at;
    request.pages = 1;
    request.prot = at == kSeen ? kVmRead | kVmWrite : 0;
    request.shared = true;
    request.file = file;
    ASSERT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
  }
  put_file(box.cpu(), *file);
  ASSERT_EQ(store_word(box.cpu(), *mm, kSeen, 9), FaultResult::kOk);
  (void)do_mlock(box.cpu(), *mm, kLocked, 1);
  lru_add_drain_all(box.cpu());
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kLocked, 1, kVmRead | kVmWrite), Errc::kOk);
  ASSERT_EQ(load_word(box.cpu(), *mm, kLocked, word), FaultResult::kOk);
  const Pfn before = mm->page_table.find(kLocked).get().pfn();
  ASSERT_TRUE(box.machine->page(before).test(Flag::kLru));
  ASSERT_EQ(box.cpu().batches.mlock.held().size(), 1U);
  box.machine->take_offline(before);
  Pfn pfn;
  ASSERT_EQ(pin_user_pages(box.cpu(1), *mm, kLocked, kFollLongterm | kFollWrite, std::span(&pfn, 1))
                .pages,
            1U);
  EXPECT_NE(pfn, before);
  EXPECT_EQ(box.machine->frames.word(pfn), 9U);
  EXPECT_EQ(box.audit({mm.get()}, {{pfn, true}}), Rows{});
  unpin_user_page(box.cpu(1), pfn);
}

TEST_F(MmLongterm, AShortPinKeepsItAndALongOneIsRefused) {
  const Pfn before = mapped();
  box.machine->take_offline(before);
  Pfn shortly, pfn;
  ASSERT_EQ(
      pin_user_pages_fast(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&shortly, 1)).pages, 1U);
  EXPECT_EQ(shortly, before);
  const GupResult refused = pin(0, pfn);
  EXPECT_EQ(refused.pages, 0U);
  EXPECT_EQ(refused.error, Errc::kNoMem);
  EXPECT_EQ(box.audit({mm.get()}, {{shortly, true}}), Rows{});
  unpin_user_page(box.cpu(), shortly);
}

TEST_F(MmLongterm, ItIsHandedOutToNobodyElse) {
  const Pfn before = mapped();
  box.machine->take_offline(before);
  ASSERT_EQ(do_munmap(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  lru_add_drain_all(box.cpu());
  const std::uint64_t free = box.allocator->free_pages();
  for (int i = 0; i < 3; ++i) {
    const auto folio = box.machine->alloc_folio(box.cpu());
    ASSERT_TRUE(folio);
    EXPECT_NE(box.machine->pfn_of(folio.value), before);
    folio_put(box.cpu(), folio.value);
  }
  std::array<Pfn, 4> pfns;
  ASSERT_EQ(box.machine->alloc_locked_pages(box.cpu(), pfns), pfns.size());
  for (const Pfn pfn : pfns) {
    EXPECT_NE(pfn, before);
    box.machine->page(pfn).clear(Flag::kLocked);
    folio_put(box.cpu(), box.machine->page(pfn));
  }
  EXPECT_EQ(box.allocator->free_pages(), free);
}

// A debugger's write to memory that its program may only read: the entry stays as it is.
TEST(MmForce, AWriteThatIsForcedLeavesTheEntryReadOnly) {
  for (const bool shared : {false, true}) {
    MmBox box;
    auto mm = box.create_mm();
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 5), FaultResult::kOk);
    std::unique_ptr<Mm> child;
    if (shared) {
      child = box.create_mm();
      ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
    }
    ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, 1, kVmRead), Errc::kOk);
    const Pfn before = mm->page_table.find(kTestBase).get().pfn();
    {
      SharedGuard guard(mm->mmap_lock);
      const GupResult got =
          gup_locked(box.cpu(), *mm, kTestBase, 1, kFollTouch | kFollWrite | kFollForce, {});
      EXPECT_EQ(got.error, Errc::kOk);
    }
    const Pte after = mm->page_table.find(kTestBase).get();
    EXPECT_TRUE(after.present() && after.dirty());
    EXPECT_FALSE(after.write());
    EXPECT_EQ(after.pfn() == before, !shared) << "copied where somebody else has it";
    if (child != nullptr) child->exit(box.cpu());
    mm->exit(box.cpu());
  }
}

}  // namespace
}  // namespace pagebox::testing
