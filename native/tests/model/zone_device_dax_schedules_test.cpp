// dax under random schedules: a block that truncate gave away is never written by
// a pin taken before (the design bug that v4.17 closed), and the device never
// leaves under a pin.
#include <gtest/gtest.h>

#include <array>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/file/files.h"
#include "mm/gup/gup.h"
#include "tests/both/mm_fixture.h"
#include "zone_device/dax_file.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kRam = 256, kTransfer = 200;

/// A device with one block, so that what one file loses the next one gets.
struct OneBlock {
  explicit OneBlock(const char* scheme = "refcount-bias") : box(4, scheme, kRam, 1) {}

  void renew() {
    end();
    DaxDeviceOptions options;
    options.first = {kRam};
    options.pages = 1;
    EXPECT_EQ(DaxDevice::create(*box.machine, options, device), Errc::kOk);
    file = device->create_file(box.cpu(), 1).value;
    mm = box.create_mm();
    EXPECT_EQ(file->mmap(box.cpu(), *mm, kTestBase, 1, kVmRead | kVmWrite, true), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  }
  void end() {
    if (device == nullptr) return;
    findings += box.audit({mm.get()}).size();
    mm->exit(box.cpu());
    if (other != nullptr) put_file(box.cpu(), other->space());
    put_file(box.cpu(), file->space());
    other = nullptr;
    box.machine->rcu.barrier();
    device.reset();
    findings += box.audit({}).size();
  }

  /// A device writes by DMA while it holds the pin.
  void dma(unsigned cpu) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages !=
        1)
      return;
    ++pinned;
    lost += box.machine->pagemap(pfn) == nullptr ? 1 : 0;
    // A long transfer: each look at the count lets others go on.
    for (std::uint64_t i = 0; i < kTransfer; ++i) {
      lost += box.machine->page(pfn).refcount() > 1 ? 0 : 1;
      box.machine->frames.set_word(pfn, 0, 99);
    }
    unpin_user_page(box.cpu(cpu), pfn);
  }
  /// The block changes hands; its new file has only what was written to it.
  void give_away(unsigned cpu) {
    if (file->truncate(box.cpu(cpu), 0, OnBusy::kWait) != Errc::kOk) return;
    const auto made = device->create_file(box.cpu(cpu), 1);
    if (!made) return;
    other = made.value;
    ++given;
    std::array<std::uint64_t, kPageBytes / 8> words{};
    for (int look = 0; look < 3; ++look) {
      EXPECT_EQ(other->read_page(0, reinterpret_cast<std::byte*>(words.data())), Errc::kOk);
      lost += words[0] == 0 ? 0 : 1;
    }
  }

  MmBox box;
  std::unique_ptr<DaxDevice> device;
  DaxFile *file = nullptr, *other = nullptr;
  std::unique_ptr<Mm> mm;
  std::uint64_t findings = 0, lost = 0, pinned = 0, given = 0, removed = 0;
};

struct DaxPins : ::testing::TestWithParam<const char*> {};
// A pin of the one adds many references to a block, of the other one.
INSTANTIATE_TEST_SUITE_P(DaxSchedules, DaxPins, ::testing::Values("refcount-bias", "side-table"));

TEST_P(DaxPins, TruncateWaitsForDma) {
  constexpr std::uint64_t kRuns = 400;
  OneBlock it(GetParam());
  auto device = [&] { it.dma(1); };
  auto truncate = [&] { it.give_away(2); };
  const FiberBody bodies[] = {body(device), body(truncate)};
  const Ends ends = random_runs(bodies, kRuns, [&] { it.renew(); });
  it.end();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(it.given, kRuns);
  EXPECT_EQ(it.lost, 0U);
  EXPECT_EQ(it.findings, 0U);
  EXPECT_GT(it.pinned, 0U);
  EXPECT_LT(it.pinned, kRuns);  // truncate was first in others
}

TEST(DaxSchedules, RemovalAgainstPinsAndFaults) {
  constexpr std::uint64_t kRuns = 400;
  OneBlock it;
  auto device = [&] { it.dma(1); };
  auto fault = [&] { (void)store_word(it.box.cpu(2), *it.mm, kTestBase, 2); };
  auto remove = [&] { it.removed += it.device->remove(it.box.cpu(3)) == Errc::kOk ? 1 : 0; };
  const FiberBody bodies[] = {body(device), body(fault), body(remove)};
  const Ends ends = random_runs(bodies, kRuns, [&] { it.renew(); });
  it.end();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(it.lost, 0U);
  EXPECT_EQ(it.findings, 0U);
  EXPECT_GT(it.removed, 0U);
  EXPECT_LT(it.removed, kRuns);  // a pin was in the way
}

}  // namespace
}  // namespace pagebox::testing
