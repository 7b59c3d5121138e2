// Threads fault, pin, fork and unmap while others migrate to a device and back,
// take pages exclusively and take the device's memory away. Then the audit.
#include <thread>

#include "mm/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 16;

std::uint64_t next(std::uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return state >> 33;
}

void cpu_side(DeviceBox& box, unsigned index, Mm& mm, std::vector<Pfn>& pins, std::uint64_t seed,
              int rounds) {
  Cpu& cpu = box.cpu(index);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t page = next(seed) % kPages, n = 1 + next(seed) % (kPages - page);
    const std::uint64_t at = kBase + page * kPageBytes;
    std::uint64_t word = 0;
    Pfn pfn;
    switch (next(seed) % 10) {
      case 0:
      case 1:
      case 2: (void)store_word(cpu, mm, at, round); break;
      case 3:
      case 4: (void)load_word(cpu, mm, at, word); break;
      case 5: (void)do_madvise(cpu, mm, at, n, Advice::kDontneed); break;
      case 6: {
        const std::uint32_t flags =
            (next(seed) % 2 ? +kFollWrite : 0U) | (next(seed) % 2 ? +kFollLongterm : 0U);
        if (pin_user_pages_fast(cpu, mm, at, flags, std::span(&pfn, 1)).pages == 1)
          pins.push_back(pfn);
        break;
      }
      case 7:
      case 8:
        if (pins.empty()) break;
        unpin_user_page(cpu, pins.back());
        pins.pop_back();
        break;
      default: {
        std::unique_ptr<Mm> child;
        if (Mm::create(cpu, child) != Errc::kOk) break;
        if (dup_mmap(cpu, *child, mm) == Errc::kOk) (void)store_word(cpu, *child, at, 7);
        child->exit(cpu);
        break;
      }
    }
    box.machine->rcu.poll();
  }
}

void device_side(DeviceBox& box, unsigned index, Mirror& mirror, std::uint64_t seed, int rounds) {
  Cpu& cpu = box.cpu(index);
  std::vector<std::byte> bytes(kPages * kPageBytes);
  std::vector<std::uint8_t> codes(kPages);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t page = next(seed) % kPages, n = 1 + next(seed) % (kPages - page);
    const std::uint64_t at = kBase + page * kPageBytes;
    switch (next(seed) % 8) {
      case 0:
      case 1: (void)mirror.migrate_to_device(cpu, at, n, bytes); break;
      case 2: (void)mirror.migrate_to_system(cpu, at, n); break;
      case 3: (void)mirror.read(cpu, at, n, bytes); break;
      case 4: (void)mirror.write(cpu, at, n, std::span(bytes).first(n * kPageBytes)); break;
      case 5: (void)mirror.snapshot(cpu, at, std::span(codes).first(n)); break;
      case 6: (void)mirror.exclusive(cpu, at, n, bytes); break;
      default: (void)mirror.device().release(cpu); break;
    }
    box.machine->rcu.poll();
  }
}

void run(DeviceMemory memory) {
  DeviceBox box(memory, 4);
  auto mm = box.create_mm(kPages);
  box.fill(*mm, kPages, 1);
  Mirror* mirror = box.device->open(*mm);
  std::vector<Pfn> pins[2];
  {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] { cpu_side(box, i, *mm, pins[i], 11 + i, 1500); });
      threads.emplace_back([&, i] { device_side(box, 2 + i, *mirror, 31 + i, 700); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  box.machine->rcu.barrier();
  std::vector<HeldReference> held;
  for (const auto& each : pins)
    for (const Pfn pfn : each) held.push_back({pfn, true});
  EXPECT_EQ(box.audit({mm.get()}, held), kClean);
  for (const auto& each : pins)
    for (const Pfn pfn : each) unpin_user_page(box.cpu(), pfn);
  lru_add_drain_all(box.cpu());
  mirror->close(box.cpu());
  box.exit(*mm);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({}), kClean);
}

TEST(ZoneDeviceThreads, private_memory_leaves_a_clean_audit) { run(DeviceMemory::kPrivate); }
TEST(ZoneDeviceThreads, coherent_memory_leaves_a_clean_audit) { run(DeviceMemory::kCoherent); }

}  // namespace
}  // namespace pagebox::testing
