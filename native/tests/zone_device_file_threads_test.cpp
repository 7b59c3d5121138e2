// Threads fault, read, write, pin, sync, truncate and grow a file while others move
// its pages to a device and back and take the device's memory away. Then the audit.
#include "tests/both/zone_device_file_fixture.h"
#include "zone_device_threads.h"

namespace pagebox::testing {
namespace {

void file_side(FileBox& box, unsigned index, Mm& mm, ThreadPins& pins) {
  Cpu& cpu = box.cpu(index);
  Draw draw(11 + index);
  for (int round = 0; round < kProcessRounds; ++round) {
    const Target target(draw);
    const std::uint64_t page = target.page, n = target.pages, at = target.at;
    std::uint64_t word = 0;
    switch (draw.below(12)) {
      case 0:
      case 1: (void)store_word(cpu, mm, at, round); break;
      case 2: (void)load_word(cpu, mm, at, word); break;
      case 3: (void)kernel_read(cpu, *box.file, page, std::span(&word, 1)); break;
      case 4: (void)kernel_write(cpu, *box.file, page, std::span(&word, 1)); break;
      case 5: filemap_write_and_wait(cpu, *box.file, page, n); break;
      case 6: (void)do_madvise(cpu, mm, at, n, Advice::kDontneed); break;
      case 7: (void)do_madvise(cpu, mm, at, 1, Advice::kRemove); break;
      case 8: pins.take(cpu, mm, at, draw.below(2) != 0 ? +kFollWrite : +kFollLongterm); break;
      case 9:
      case 10: pins.drop_one(cpu); break;
      default:
        if (draw.below(8) == 0) truncate_file(cpu, *box.file, page);
        (void)kernel_write(cpu, *box.file, kThreadPages - 1, std::span(&word, 1));
        break;
    }
    box.machine->rcu.poll();
  }
}

void device_side(FileBox& box, unsigned index, Mirror& mirror) {
  Cpu& cpu = box.cpu(index);
  Draw draw(29 + index);
  std::vector<std::byte> bytes(kThreadPages * kPageBytes);
  for (int round = 0; round < kDeviceRounds; ++round) {
    const Target target(draw);
    const std::uint64_t at = target.at, n = target.pages;
    switch (draw.below(8)) {
      case 0:
      case 1:
      case 2: (void)mirror.migrate_to_device(cpu, at, n, {}); break;
      case 3: (void)mirror.migrate_to_system(cpu, at, n); break;
      case 4: (void)mirror.read(cpu, at, n, bytes); break;
      case 5:
      case 6: (void)mirror.write(cpu, at, n, std::span(bytes).first(n * kPageBytes)); break;
      default: (void)mirror.device().release(cpu); break;
    }
    box.machine->rcu.poll();
  }
}

void run(DeviceMemory memory, FileKind kind, const char* layout) {
  FileBox box(memory, kind, 4, kDevicePages, layout);
  box.put_file();
  box.new_file(kind, kThreadPages);
  auto mm = box.mapped_mm(kThreadPages);
  auto other = box.mapped_mm(kThreadPages, false);
  box.fill(*mm, kThreadPages, 1);
  Mirror* mirror = box.device->open(*mm);
  run_threads(
      box, {mm.get(), other.get()},
      [&](unsigned index, ThreadPins& pins) {
        file_side(box, index, index == 0 ? *mm : *other, pins);
      },
      [&](unsigned index) { device_side(box, index, *mirror); });
  mirror->close(box.cpu());
  box.exit(*other);
  box.exit(*mm);
  box.put_file();
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({}), kClean);
}

TEST(ZoneDeviceFileThreads, PrivateDisk) {
  run(DeviceMemory::kPrivate, FileKind::kDisk, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, PrivateTmpfs) {
  run(DeviceMemory::kPrivate, FileKind::kShmem, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, CoherentDisk) {
  run(DeviceMemory::kCoherent, FileKind::kDisk, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, PrivateDisk1Based) {
  run(DeviceMemory::kPrivate, FileKind::kDisk, "linux-4.20");
}
TEST(ZoneDeviceFileThreads, PublicTmpfs1Based) {
  run(DeviceMemory::kPublic, FileKind::kShmem, "linux-4.20");
}

}  // namespace
}  // namespace pagebox::testing
