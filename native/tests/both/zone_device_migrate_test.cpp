// What moves to a device and back, what stays, and that nothing is lost.
#include <algorithm>

#include "mm/gup/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

class Migrate : public ::testing::TestWithParam<DeviceMemory> {};
INSTANTIATE_TEST_SUITE_P(Memory, Migrate,
                         ::testing::Values(DeviceMemory::kPrivate, DeviceMemory::kCoherent),
                         parameter_name);

TEST_P(Migrate, MovesToTheDeviceAndBackWithItsData) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(8);
  box.fill(*mm, 8, 100);
  Mirror* mirror = box.device->open(*mm);
  std::vector<std::byte> bytes(8 * kPageBytes);
  const MirrorResult there = mirror->migrate_to_device(box.cpu(), kBase, 8, bytes);
  EXPECT_EQ(there.error, Errc::kOk);
  EXPECT_EQ(there.cpages, 8U);
  EXPECT_EQ(box.device->pages_in_use(), 8U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  const MirrorResult back = mirror->migrate_to_system(box.cpu(), kBase, 8);
  EXPECT_EQ(back.cpages, 8U);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(box.word(*mm, i), 100 + i);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, APinnedPageStaysWhereItIs) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(3);
  box.fill(*mm, 3, 1);
  Pfn pinned;
  ASSERT_EQ(
      pin_user_pages(box.cpu(), *mm, kBase + kPageBytes, kFollWrite, std::span(&pinned, 1)).pages,
      1U);
  Mirror* mirror = box.device->open(*mm);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 3, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box.device->pages_in_use(), 2U);
  const Pte pte = mm->page_table.find(kBase + kPageBytes).get();
  EXPECT_TRUE(pte.present() && pte.write());
  EXPECT_EQ(pte.pfn(), pinned);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.word(*mm, 2), 3U);
  box.exit(*mm);
}

/// What a run of pages makes of some of each: mapped by a child too, pinned, never
/// written, read-only, mlocked; by calls of `call` pages, there and back.
struct RunOutcome {
  std::vector<std::uint64_t> there, back;  // by page: entry's kind, counts, flags
  bool operator==(const RunOutcome&) const = default;
};

RunOutcome migrate_in_calls_of(std::uint64_t call, DeviceMemory memory, bool with_child) {
  constexpr std::uint64_t kPages = 150;
  DeviceBox box(memory, 1, 256);
  auto mm = box.create_mm(kPages);
  for (std::uint64_t i = 0; i < kPages; ++i)
    if (i % 11 != 3) {
      EXPECT_EQ(store_word(box.cpu(), *mm, kBase + i * kPageBytes, 7 + i), FaultResult::kOk);
    }
  std::unique_ptr<Mm> child;
  EXPECT_EQ(Mm::create(box.cpu(), child), Errc::kOk);
  if (with_child) {
    EXPECT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  }
  for (std::uint64_t i = 0; i < kPages; i += 2)  // every other page is its own again
    EXPECT_EQ(store_word(box.cpu(), *mm, kBase + i * kPageBytes, 7 + i), FaultResult::kOk);
  EXPECT_EQ(do_mprotect(box.cpu(), *mm, kBase + 40 * kPageBytes, 5, kVmRead), Errc::kOk);
  EXPECT_EQ(do_mlock(box.cpu(), *mm, kBase + 60 * kPageBytes, 20), Errc::kOk);
  Pfn pinned;
  EXPECT_EQ(
      pin_user_pages(box.cpu(), *mm, kBase + 90 * kPageBytes, kFollWrite, std::span(&pinned, 1))
          .pages,
      1U);
  Mirror* mirror = box.device->open(*mm);
  RunOutcome outcome;
  const auto note = [&](std::vector<std::uint64_t>& out) {
    lru_add_drain_all(box.cpu());
    EXPECT_EQ(box.audit({mm.get(), child.get()}, {{pinned, true}}), kClean);
    for (Mm* each : {mm.get(), child.get()})
      for (std::uint64_t i = 0; i < kPages; ++i) {
        const PteSlot slot = each->page_table.find(kBase + i * kPageBytes);
        const Pte pte = slot ? slot.get() : Pte{};
        out.push_back(pte.none() ? 0 : pte.present() ? 1 + pte.write() : 3);
        if (pte.none()) continue;
        const Pfn pfn = pte.present() ? pte.pfn() : pte.entry().pfn();
        const Page page = box.machine->page(pfn);
        EXPECT_FALSE(page.test(Flag::kLocked));
        out.push_back(box.machine->is_zone_device(pfn) ? 1 : 0);
        out.push_back(static_cast<std::uint64_t>(page.refcount()));
        out.push_back(static_cast<std::uint64_t>(page.mapcount_raw()));
        out.push_back(page.word(0) & page.shape().life_flags);
        out.push_back(page.word(4));
      }
  };
  for (std::uint64_t at = 0; at < kPages; at += call)
    (void)mirror->migrate_to_device(box.cpu(), kBase + at * kPageBytes, std::min(call, kPages - at),
                                    {});
  note(outcome.there);
  for (std::uint64_t at = 0; at < kPages; at += call)
    EXPECT_EQ(
        mirror->migrate_to_system(box.cpu(), kBase + at * kPageBytes, std::min(call, kPages - at))
            .error,
        Errc::kOk);
  note(outcome.back);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  for (std::uint64_t i = 0; i < kPages; ++i)
    EXPECT_EQ(box.word(*mm, i), i % 11 != 3 || i % 2 == 0 ? 7 + i : 0);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  child->exit(box.cpu());
  box.exit(*mm);
  return outcome;
}

TEST_P(Migrate, ARunOfPagesEndsAsItsPagesOneByOne) {
  for (const bool with_child : {false, true}) {
    const RunOutcome one_by_one = migrate_in_calls_of(1, GetParam(), with_child);
    EXPECT_EQ(migrate_in_calls_of(17, GetParam(), with_child), one_by_one);
    EXPECT_EQ(migrate_in_calls_of(150, GetParam(), with_child), one_by_one);
  }
}

TEST_P(Migrate, BadRangesAndSmallBuffersChangeNothing) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(4);
  box.fill(*mm, 4, 1);
  Mirror* mirror = box.device->open(*mm);
  std::vector<std::byte> small(2 * kPageBytes);
  std::vector<std::uint8_t> codes;
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->read(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->write(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->exclusive(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->snapshot(box.cpu(), kBase, codes), Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase + 8, 1, {}).error, Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kTaskSize, 1, {}).error, Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase + 4 * kPageBytes, 1, {}).error,
            Errc::kInval);  // unmapped
  EXPECT_EQ(mirror->read(box.cpu(), kBase + 4 * kPageBytes, 1, {}).error, Errc::kFault);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, AFullDeviceTakesAPartAndLosesNothing) {
  DeviceBox box(GetParam(), 1, 4);
  auto mm = box.create_mm(8);
  box.fill(*mm, 8, 50);
  Mirror* mirror = box.device->open(*mm);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 8, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box.device->pages_in_use(), 4U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(box.word(*mm, i), 50 + i);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, ALongTermPinTakesThePageToRamFirst) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pinned, 1))
                .pages,
            1U);
  EXPECT_FALSE(box.machine->is_zone_device(pinned));
  EXPECT_EQ(box.machine->frames.word(pinned), 7U);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(MigrateCoherent, AShortPinKeepsItInPlaceAndALongOneIsBusy) {
  DeviceBox box(DeviceMemory::kCoherent);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned, other;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite, std::span(&pinned, 1)).pages, 1U);
  EXPECT_TRUE(box.machine->is_zone_device(pinned));
  const GupResult busy =
      pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&other, 1));
  EXPECT_EQ(busy.pages, 0U);
  EXPECT_EQ(busy.error, Errc::kBusy);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(MigratePublic, EvenALongTermPinKeepsItInPlace) {
  DeviceBox box(DeviceMemory::kPublic);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pinned, 1))
                .pages,
            1U);
  EXPECT_TRUE(box.machine->is_zone_device(pinned));
  EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 1).cpages, 0U);
  unpin_user_page(box.cpu(), pinned);
  EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 1).cpages, 1U);
  mirror->close(box.cpu());
  box.exit(*mm);
}

}  // namespace
}  // namespace pagebox::testing
