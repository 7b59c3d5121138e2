// Rules of which pagebox has both behaviours, one at a time.
#include "mm/folio_state.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

Behaviour with(Rule rule, bool newer) {
  Behaviour behaviour;
  behaviour.rules = rules_of("v6.12").with(rule, newer);
  return behaviour;
}

struct RuledBox : DeviceBox {
  RuledBox(Rule rule, bool newer)
      : DeviceBox(DeviceMemory::kPrivate, 1, kDevicePages, "linux-6.12", false, "refcount-bias",
                  with(rule, newer)) {}
  Page folio(Mm& mm, std::uint64_t page = 0) {
    return machine->page(mm.page_table.find(kBase + page * kPageBytes).get().pfn());
  }
};

TEST(MmRules, MremapMovesAllMappingsAndKeepsGaps) {
  for (const bool newer : {false, true}) {
    RuledBox box(Rule::kMremapMovesAll, newer);
    auto mm = box.create_mm(4);
    box.fill(*mm, 4, 10);
    ASSERT_EQ(do_munmap(box.cpu(), *mm, kBase + kPageBytes, 1), Errc::kOk);
    ASSERT_EQ(do_mprotect(box.cpu(), *mm, kBase + 3 * kPageBytes, 1, kVmRead), Errc::kOk);
    constexpr std::uint64_t kTo = kBase + (1ULL << 30);
    EXPECT_EQ(do_mremap(box.cpu(), *mm, kBase, 4, kTo), newer ? Errc::kOk : Errc::kFault);
    EXPECT_EQ(mm->find_vma(kBase) == nullptr, newer);
    EXPECT_EQ(mm->find_vma(kTo) != nullptr, newer);
    EXPECT_EQ(mm->find_vma(kTo + kPageBytes), nullptr);
    if (newer) {
      for (const std::uint64_t page : {0, 2, 3}) {
        std::uint64_t word = 0;
        EXPECT_EQ(load_word(box.cpu(), *mm, kTo + page * kPageBytes, word), FaultResult::kOk);
        EXPECT_EQ(word, 10 + page);
      }
      EXPECT_NE(store_word(box.cpu(), *mm, kTo + 3 * kPageBytes, 1), FaultResult::kOk);
      // The first page must be mapped.
      EXPECT_EQ(do_mremap(box.cpu(), *mm, kTo + kPageBytes, 3, kBase), Errc::kFault);
    }
    box.machine->rcu.barrier();  // tables on their way out have a reference still
    EXPECT_EQ(box.audit({mm.get()}), kClean);
    box.exit(*mm);
  }
}

TEST(MmRules, SwapinThroughTheCacheBringsBackADirtyPage) {
  for (const bool newer : {false, true}) {
    RuledBox box(Rule::kSwapinThroughCache, newer);
    auto mm = box.create_mm(1);
    box.fill(*mm, 1, 5);
    lru_add_drain_all(box.cpu());
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kBase, 1, Advice::kPageout), Errc::kOk);
    ASSERT_TRUE(mm->page_table.find(kBase).get().is_entry());
    EXPECT_EQ(box.word(*mm, 0), 5U);
    EXPECT_EQ(box.folio(*mm).test(Flag::kDirty), newer);
    EXPECT_FALSE(folio_test_swapcache(box.folio(*mm)));
    EXPECT_EQ(box.machine->swap.used_slots(), 0U);
    EXPECT_EQ(box.audit({mm.get()}), kClean);
    box.exit(*mm);
  }
}

TEST(MmRules, HolesEnterADevicesTableReadOnly) {
  for (const bool newer : {false, true}) {
    RuledBox box(Rule::kHolesReadOnly, newer);
    auto mm = box.create_mm(1);
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
    const MirrorEntry* entry = mirror->table().find(kBase);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->access, newer ? MirrorAccess::kRead : MirrorAccess::kWrite);
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

TEST(MmRules, EntriesOfADeviceHaveNoDirt) {
  for (const bool newer : {false, true})
    for (const bool writable : {false, true}) {
      RuledBox box(Rule::kEntriesHaveNoDirt, newer);
      auto mm = box.create_mm(1);
      Mirror* mirror = box.device->open(*mm);
      ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
      if (!writable) ASSERT_EQ(do_mprotect(box.cpu(), *mm, kBase, 1, kVmRead), Errc::kOk);
      EXPECT_EQ(box.device->release(box.cpu()), Errc::kOk);
      ASSERT_TRUE(mm->page_table.find(kBase).get().present());
      EXPECT_EQ(box.folio(*mm).test(Flag::kDirty), !newer || writable);
      mirror->close(box.cpu());
      box.exit(*mm);
    }
}

TEST(MmRules, TheMirrorDeviceGoesInItsKernelsChunks) {
  for (const bool newer : {false, true}) {
    RuledBox box(Rule::kMirrorChunks, newer);
    EXPECT_EQ(Mirror::fault_chunk_pages(*box.machine), newer ? 32U : 64U);
    EXPECT_EQ(Mirror::migrate_chunk_pages(*box.machine), newer ? 512U : 64U);
    auto mm = box.create_mm(kDevicePages);
    box.fill(*mm, kDevicePages, 1);
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, kDevicePages, {}).error, Errc::kOk);
    EXPECT_EQ(box.device->pages_in_use(), kDevicePages);
    EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, kDevicePages).cpages, kDevicePages);
    EXPECT_EQ(box.word(*mm, kDevicePages - 1), kDevicePages);
    EXPECT_EQ(box.audit({mm.get()}), kClean);
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

}  // namespace
}  // namespace pagebox::testing
