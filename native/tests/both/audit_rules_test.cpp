// Each rule of address spaces and devices is broken, and reported under its own name, at its
// own kind of place.
#include <algorithm>
#include <utility>

#include "mm/fault/user_access.h"
#include "mm/file/files.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

using Rows = std::vector<std::string>;

/// The rows that begin so.
std::size_t count(const Rows& rows, const std::string& begin) {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](const std::string& row) { return row.find(begin) == 0; }));
}
std::string all(const Rows& rows) {
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

#define EXPECT_ROW(rows, begin)                                        \
  do {                                                                 \
    const Rows rows_ = rows;                                           \
    EXPECT_EQ(count(rows_, begin), 1U) << begin << "\n" << all(rows_); \
  } while (false)

struct AuditRules : ::testing::Test {
  MmBox box;
  std::unique_ptr<Mm> mm = box.create_mm();

  void SetUp() override {
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 4), Errc::kOk);
    for (std::uint64_t i = 0; i < 4; ++i)
      ASSERT_EQ(store_word(box.cpu(), *mm, at(i), i), FaultResult::kOk);
  }
  void TearDown() override {
    EXPECT_EQ(box.audit({mm.get()}), Rows{});
    mm->exit(box.cpu());
  }
  static std::uint64_t at(std::uint64_t page) { return kTestBase + page * kPageBytes; }
  PteSlot slot(std::uint64_t page) const { return mm->page_table.find(at(page)); }
  Page page(std::uint64_t index) const { return box.machine->page(slot(index).get().pfn()); }
  std::string pfn_text(std::uint64_t index) const {
    return std::to_string(slot(index).get().pfn().value);
  }
  Rows audit(std::vector<HeldReference> held = {}) { return box.audit({mm.get()}, held); }
};

TEST_F(AuditRules, APinOfGupThatNobodyHolds) {
  Pfn pfn;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, at(0), kFollWrite, std::span(&pfn, 1)).pages, 1U);
  EXPECT_ROW(audit(), "pins-balanced nr_foll_pin: expected 0, found 1");
  unpin_user_page(box.cpu(), pfn);
}

TEST_F(AuditRules, AFileThatKnowsAMappingTwice) {
  ASSERT_EQ(map_shmem(box.cpu(), *mm, at(16), 2), Errc::kOk);
  Vma* vma = mm->find_vma(at(16));
  AddressSpace* file = vma->file;
  file->i_mmap.push_back(vma);
  EXPECT_ROW(audit(),
             "file-mappings-listed at address 0x200000010000 of process 0 i_mmap: "
             "expected 1, found 2");
  file->i_mmap.erase(file->i_mmap.end() - 1);
}

TEST_F(AuditRules, ACachedPageThatNamesAnotherPlace) {
  ASSERT_EQ(map_shmem(box.cpu(), *mm, at(16), 2), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, at(16), 1), FaultResult::kOk);
  page(16).set_index(7);
  EXPECT_ROW(audit(), "cache-linked at page " + pfn_text(16) + " mapping: expected 0, found 7");
  page(16).set_index(0);
}

TEST_F(AuditRules, ASwapSlotWithAUserTooMany) {
  ASSERT_EQ(do_madvise(box.cpu(), *mm, at(1), 1, Advice::kPageout), Errc::kOk);
  ASSERT_TRUE(slot(1).get().entry().is_swap());
  const std::uint64_t swap = slot(1).get().entry().offset;
  ASSERT_EQ(box.machine->swap.duplicate(swap), Errc::kOk);
  EXPECT_ROW(audit(), "swap-counted at swap slot " + std::to_string(swap) +
                          " swap_map: expected 1, found 2");
  box.machine->swap.free(swap);
}

TEST_F(AuditRules, APageInTheSwapCacheThatNamesAnotherSlot) {
  const Page cached = page(1);
  const Pfn pfn = box.machine->pfn_of(cached);
  // Whoever looks at it keeps it in the cache.
  cached.ref_add(1);
  (void)do_madvise(box.cpu(), *mm, at(1), 1, Advice::kPageout);
  ASSERT_TRUE(folio_test_swapcache(cached));
  const std::uint64_t word = cached.private_word();
  cached.set_private_word(word + 1);
  EXPECT_ROW(audit({{pfn, false}}),
             "swap-cache-linked at page " + std::to_string(pfn.value) + " private: ");
  cached.set_private_word(word);
  EXPECT_EQ(audit({{pfn, false}}), Rows{});
  folio_put(box.cpu(), cached);
}

TEST_F(AuditRules, AnExclusivePageThatTwoMap) {
  auto child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  page(2).set(kFlagAnonExclusive);
  EXPECT_ROW(box.audit({mm.get(), child.get()}),
             "exclusive-once at page " + pfn_text(2) + " anon_exclusive: expected 1, found 2");
  page(2).clear(kFlagAnonExclusive);
  child->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
}

/// As a stray write would.
void swap_first_two(Mm& mm) {
  std::swap(const_cast<std::unique_ptr<Vma>&>(mm.vmas[0]),
            const_cast<std::unique_ptr<Vma>&>(mm.vmas[1]));
}

TEST_F(AuditRules, MappingsOutOfOrder) {
  ASSERT_EQ(map_anon(box.cpu(), *mm, at(16), 1), Errc::kOk);
  ASSERT_EQ(mm->vmas.size(), 2U);
  swap_first_two(*mm);
  EXPECT_ROW(audit(), "vmas-ordered at address 0x200000000000 of process 0 vma: ");
  swap_first_two(*mm);
}

TEST_F(AuditRules, AnEntryOutsideEveryMapping) {
  mm->vmas[0]->end -= kPageBytes;
  EXPECT_ROW(audit(), "entries-in-vmas at address 0x200000003000 of process 0 pte: ");
  mm->vmas[0]->end += kPageBytes;
}

TEST_F(AuditRules, AnEntryLeftInMigration) {
  const PteSlot entry(slot(3), nullptr);
  const Pte before = entry.clear_and_flush();
  entry.replace(Pte::of({EntryType::kMigrationRead, before.pfn().value}));
  EXPECT_ROW(audit(), "migration-finished at address 0x200000003000 of process 0 pte: ");
  entry.restore(before);
}

TEST_F(AuditRules, APageThatIsStillLockedOrBeingWritten) {
  const Page page = box.machine->page(slot(3).get().pfn());
  const std::string at = "unlocked-at-rest at page " + std::to_string(slot(3).get().pfn().value);
  page.set(Flag::kLocked);
  EXPECT_ROW(audit(), at + " locked: ");
  page.clear(Flag::kLocked);
  page.set(Flag::kWriteback);
  EXPECT_ROW(audit(), at + " writeback: ");
  page.clear(Flag::kWriteback);
}

TEST(AuditRulesHuge, ALeafThatAMappingEndsWithin) {
  MmBox box(1, "refcount-bias", 1 << 13, 0, with_huge_pages());
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  mm->vmas[0]->end -= kPageBytes;
  EXPECT_ROW(box.audit({mm.get()}), "leaf-maps-whole at address 0x200000000000 of process 0 pmd: ");
  mm->vmas[0]->end += kPageBytes;
  EXPECT_EQ(box.audit({mm.get()}), Rows{});
  mm->exit(box.cpu());
}

TEST(AuditRulesDevice, APinOfMemoryThatNoCpuReaches) {
  DeviceBox box(DeviceMemory::kPrivate);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 1);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  const Pfn pfn = mm->page_table.find(kBase).get().entry().pfn();
  EXPECT_ROW(box.audit({mm.get()}, {{pfn, true}}),
             "private-unreachable at page " + std::to_string(pfn.value) + " pins: ");
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(AuditRulesDevice, ACleanPageOfAFileThatADeviceMayWrite) {
  FileBox box(DeviceMemory::kPrivate);
  auto mm = box.mapped_mm(1);
  ASSERT_EQ(store_word(box.cpu(), *mm, kBase, 1), FaultResult::kOk);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  box.device_store(*mirror, 0, 5);
  const Page page = box.cached(0);
  ASSERT_TRUE(box.in_device(0));
  page.clear(Flag::kDirty);
  EXPECT_ROW(box.audit({mm.get()}), "device-write-dirty at page " +
                                        std::to_string(box.machine->pfn_of(page).value) +
                                        " dirty: expected 1, found 0");
  page.set(Flag::kDirty);
  EXPECT_EQ(box.audit({mm.get()}), Rows{});
  box.finish(*mirror, *mm);
}

}  // namespace
}  // namespace pagebox::testing
