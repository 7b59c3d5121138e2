// Pages of files in a device under random schedules: faults, read(2), write(2),
// writeback, truncate, pins and device writes meet migration in every order. Each page
// has one writer, so that no write may be lost; the audit is clean after each.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

// Who writes which page.
enum : std::uint64_t { kStores, kDeviceWrites, kCalls, kFilePages };

struct FileMeeting {
  explicit FileMeeting(const Where& where)
      : box(where.memory, where.kind, 4, 4, where.layout), kind(where.kind) {
    box.put_file();
  }

  /// Before each run, and once more at the end: what the last one left is clean.
  void renew() {
    if (mm != nullptr) {
      check();
      end();
    }
    box.new_file(kind, kFilePages);
    mm = box.mapped_mm(kFilePages);
    other = box.mapped_mm(kFilePages, false);
    for (std::uint64_t i = 0; i < kFilePages; ++i) {
      EXPECT_EQ(store_word(box.cpu(), *mm, kBase + i * kPageBytes, i), FaultResult::kOk);
      wrote[i] = i;
    }
    mirror = box.device->open(*mm);
    truncated = false;
  }
  void check() {
    findings += box.audit({mm.get(), other.get()}).size();
    if (kind == FileKind::kDisk && !truncated) {
      filemap_write_and_wait(box.cpu(), *box.file, 0, kFilePages);
      for (std::uint64_t i = 0; i < kFilePages; ++i) lost += box.on_disk(i) == wrote[i] ? 0 : 1;
    }
    for (std::uint64_t i = 0; i < kFilePages && !truncated; ++i)
      lost += box.word(*mm, i) == wrote[i] && box.read_word(i) == wrote[i] ? 0 : 1;
    for (std::uint64_t i = 0; i < kFilePages && truncated; ++i) stale += box.cached(i) ? 1 : 0;
  }
  void end() {
    mirror->close(box.cpu());
    box.exit(*other);
    box.exit(*mm);
    box.put_file();
    findings += box.audit({}).size() + box.device->pages_in_use();
  }

  void store(unsigned cpu, std::uint64_t value) {
    if (store_word(box.cpu(cpu), *mm, kBase + kStores * kPageBytes, value) == FaultResult::kOk)
      wrote[kStores] = value;
  }
  void load(unsigned cpu) {
    std::uint64_t word = 0;
    for (std::uint64_t i = 0; i < kFilePages; ++i)
      (void)load_word(box.cpu(cpu), *other, kBase + i * kPageBytes, word);
  }
  void copy(unsigned cpu) { (void)store_word(box.cpu(cpu), *other, kBase, 5); }
  void device_write(unsigned cpu, std::uint64_t value) {
    std::vector<std::byte> bytes(kPageBytes);
    std::memcpy(bytes.data(), &value, sizeof value);
    if (mirror->write(box.cpu(cpu), kBase + kDeviceWrites * kPageBytes, 1, bytes).error ==
        Errc::kOk)
      wrote[kDeviceWrites] = value;
  }
  void call_write(unsigned cpu, std::uint64_t value) {
    if (kernel_write(box.cpu(cpu), *box.file, kCalls, std::span(&value, 1)).bytes == kPageBytes)
      wrote[kCalls] = value;
  }
  void call_read(unsigned cpu) {
    std::uint64_t words[kFilePages];
    (void)kernel_read(box.cpu(cpu), *box.file, 0, words);
  }
  void sync(unsigned cpu) { filemap_write_and_wait(box.cpu(cpu), *box.file, 0, kFilePages); }
  void truncate(unsigned cpu) {
    truncated = true;
    truncate_file(box.cpu(cpu), *box.file, 0);
  }
  void pin(unsigned cpu, std::uint32_t flags) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kBase, flags, std::span(&pfn, 1)).pages != 1) return;
    if (box.machine->is_device_private(pfn)) ++private_pins;
    unpin_user_page(box.cpu(cpu), pfn);
  }
  void there(unsigned cpu) {
    (void)mirror->migrate_to_device(box.cpu(cpu), kBase, kFilePages, {});
    const std::uint64_t there = box.device->pages_in_use();
    moved += there > 0 ? 1 : 0;
    met += there < kFilePages ? 1 : 0;
  }
  void back(unsigned cpu) { (void)mirror->migrate_to_system(box.cpu(cpu), kBase, kFilePages); }
  void release(unsigned cpu) { (void)box.device->release(box.cpu(cpu)); }

  void run(std::span<const FiberBody> bodies, bool starts_there = false) {
    constexpr std::uint64_t kRuns = 300;
    const Ends ends = random_runs(bodies, kRuns, [&] {
      renew();
      if (starts_there) there(0);
    });
    check();
    end();
    EXPECT_EQ(ends[Outcome::kClean], kRuns);
    EXPECT_EQ(findings, 0U);
    EXPECT_EQ(lost, 0U);
    EXPECT_EQ(stale, 0U);
    EXPECT_EQ(private_pins, 0U);
    EXPECT_GT(moved, kRuns / 4);
    EXPECT_GT(met, 0U);  // schedules met in the middle
  }

  FileBox box;
  const FileKind kind;
  std::unique_ptr<Mm> mm, other;
  Mirror* mirror = nullptr;
  bool truncated = false;
  std::uint64_t wrote[kFilePages] = {};
  std::uint64_t findings = 0, lost = 0, stale = 0, private_pins = 0, moved = 0, met = 0;
};

class ZoneDeviceFileSchedules : public ::testing::TestWithParam<Where> {};
INSTANTIATE_TEST_SUITE_P(
    Memory, ZoneDeviceFileSchedules,
    ::testing::Values(Where{DeviceMemory::kPrivate, FileKind::kShmem},
                      Where{DeviceMemory::kPrivate, FileKind::kDisk},
                      Where{DeviceMemory::kCoherent, FileKind::kDisk},
                      Where{DeviceMemory::kPublic, FileKind::kShmem},
                      Where{DeviceMemory::kPrivate, FileKind::kDisk, "linux-4.20"},
                      Where{DeviceMemory::kPublic, FileKind::kDisk, "linux-4.20"}),
    parameter_name);

TEST_P(ZoneDeviceFileSchedules, FaultsAndCallsAgainstMigration) {
  FileMeeting meeting(GetParam());
  auto faults = [&] {
    meeting.store(0, 11);
    meeting.load(0);
    meeting.store(0, 12);
  };
  auto calls = [&] {
    meeting.call_write(1, 21);
    meeting.call_read(1);
    meeting.pin(1, kFollWrite);
    meeting.pin(1, kFollLongterm);
  };
  auto device = [&] {
    meeting.there(2);
    meeting.device_write(2, 31);
    meeting.back(2);
    meeting.there(2);
  };
  const FiberBody bodies[] = {body(faults), body(calls), body(device)};
  meeting.run(bodies);
}

TEST_P(ZoneDeviceFileSchedules, WhoWantsAPageBackDoesNotHoldUpWhoBringsIt) {
  constexpr std::uint64_t kRuns = 3000;
  FileMeeting meeting(GetParam());
  auto reads = [&] { meeting.call_read(0); };
  auto also = [&] { meeting.call_read(1); };
  auto writes = [&] { meeting.call_write(2, 21); };
  const FiberBody bodies[] = {body(reads), body(also), body(writes)};
  const Ends ends = random_runs(bodies, kRuns, [&] {
    meeting.renew();
    meeting.there(3);
  });
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
}

TEST_P(ZoneDeviceFileSchedules, WritebackAgainstMigrationAndWriters) {
  FileMeeting meeting(GetParam());
  auto faults = [&] {
    meeting.store(0, 11);
    meeting.copy(0);
    meeting.store(0, 12);
  };
  auto sync = [&] {
    meeting.sync(1);
    meeting.call_write(1, 21);
    meeting.sync(1);
  };
  auto device = [&] {
    meeting.there(2);
    meeting.device_write(2, 31);
    meeting.there(2);
    meeting.device_write(2, 32);
  };
  const FiberBody bodies[] = {body(faults), body(sync), body(device)};
  meeting.run(bodies);
}

TEST_P(ZoneDeviceFileSchedules, TruncateAndRemovalAgainstMigration) {
  FileMeeting meeting(GetParam());
  auto faults = [&] {
    meeting.load(0);
    meeting.store(0, 11);
  };
  auto truncate = [&] { meeting.truncate(1); };
  auto device = [&] {
    meeting.back(2);
    meeting.there(2);
  };
  auto removal = [&] {
    meeting.call_read(3);
    meeting.release(3);
  };
  const FiberBody bodies[] = {body(faults), body(truncate), body(device), body(removal)};
  meeting.run(bodies, true);
}

}  // namespace
}  // namespace pagebox::testing
