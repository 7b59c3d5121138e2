// Threads fault, read, write, pin, sync, truncate and grow a file while others move
// its pages to a device and back and take the device's memory away. Then the audit.
#include <thread>

#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 16;

std::uint64_t next(std::uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return state >> 33;
}

void file_side(FileBox& box, unsigned index, Mm& mm, std::vector<Pfn>& pins, std::uint64_t seed,
               int rounds) {
  Cpu& cpu = box.cpu(index);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t page = next(seed) % kPages, n = 1 + next(seed) % (kPages - page);
    const std::uint64_t at = kBase + page * kPageBytes;
    std::uint64_t word = 0;
    Pfn pfn;
    switch (next(seed) % 12) {
      case 0:
      case 1: (void)store_word(cpu, mm, at, round); break;
      case 2: (void)load_word(cpu, mm, at, word); break;
      case 3: (void)kernel_read(cpu, *box.file, page, std::span(&word, 1)); break;
      case 4: (void)kernel_write(cpu, *box.file, page, std::span(&word, 1)); break;
      case 5: filemap_write_and_wait(cpu, *box.file, page, n); break;
      case 6: (void)do_madvise(cpu, mm, at, n, Advice::kDontneed); break;
      case 7: (void)do_madvise(cpu, mm, at, 1, Advice::kRemove); break;
      case 8: {
        const std::uint32_t flags = next(seed) % 2 ? +kFollWrite : +kFollLongterm;
        if (pin_user_pages_fast(cpu, mm, at, flags, std::span(&pfn, 1)).pages == 1)
          pins.push_back(pfn);
        break;
      }
      case 9:
      case 10:
        if (pins.empty()) break;
        unpin_user_page(cpu, pins.back());
        pins.pop_back();
        break;
      default:
        if (next(seed) % 8 == 0) truncate_file(cpu, *box.file, page);
        (void)kernel_write(cpu, *box.file, kPages - 1, std::span(&word, 1));
        break;
    }
    box.machine->rcu.poll();
  }
}

void device_side(FileBox& box, unsigned index, Mirror& mirror, std::uint64_t seed, int rounds) {
  Cpu& cpu = box.cpu(index);
  std::vector<std::byte> bytes(kPages * kPageBytes);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t page = next(seed) % kPages, n = 1 + next(seed) % (kPages - page);
    const std::uint64_t at = kBase + page * kPageBytes;
    switch (next(seed) % 8) {
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
  box.new_file(kind, kPages);
  auto mm = box.mapped_mm(kPages);
  auto other = box.mapped_mm(kPages, false);
  box.fill(*mm, kPages, 1);
  Mirror* mirror = box.device->open(*mm);
  std::vector<Pfn> pins[2];
  {
    std::vector<std::thread> threads;
    threads.emplace_back([&] { file_side(box, 0, *mm, pins[0], 11, 1500); });
    threads.emplace_back([&] { file_side(box, 1, *other, pins[1], 12, 1500); });
    for (unsigned i = 0; i < 2; ++i)
      threads.emplace_back([&, i] { device_side(box, 2 + i, *mirror, 31 + i, 700); });
    for (std::thread& thread : threads) thread.join();
  }
  box.machine->rcu.barrier();
  std::vector<HeldReference> held;
  for (const auto& each : pins)
    for (const Pfn pfn : each) held.push_back({pfn, true});
  EXPECT_EQ(box.audit({mm.get(), other.get()}, held), kClean);
  for (const auto& each : pins)
    for (const Pfn pfn : each) unpin_user_page(box.cpu(), pfn);
  lru_add_drain_all(box.cpu());
  mirror->close(box.cpu());
  box.exit(*other);
  box.exit(*mm);
  box.put_file();
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({}), kClean);
}

TEST(ZoneDeviceFileThreads, private_disk) {
  run(DeviceMemory::kPrivate, FileKind::kDisk, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, private_tmpfs) {
  run(DeviceMemory::kPrivate, FileKind::kShmem, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, coherent_disk) {
  run(DeviceMemory::kCoherent, FileKind::kDisk, "linux-6.12");
}
TEST(ZoneDeviceFileThreads, private_disk_1_based) {
  run(DeviceMemory::kPrivate, FileKind::kDisk, "linux-4.20");
}
TEST(ZoneDeviceFileThreads, public_tmpfs_1_based) {
  run(DeviceMemory::kPublic, FileKind::kShmem, "linux-4.20");
}

}  // namespace
}  // namespace pagebox::testing
