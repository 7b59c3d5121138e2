// Threads fault, pin, fork and unmap while others migrate to a device and back,
// take pages exclusively and take the device's memory away. Then the audit.
#include "zone_device_threads.h"

namespace pagebox::testing {
namespace {

void cpu_side(DeviceBox& box, unsigned index, Mm& mm, ThreadPins& pins) {
  Cpu& cpu = box.cpu(index);
  Draw draw(11 + index);
  for (int round = 0; round < kProcessRounds; ++round) {
    const Target target(draw);
    std::uint64_t word = 0;
    switch (draw.below(10)) {
      case 0:
      case 1:
      case 2: (void)store_word(cpu, mm, target.at, round); break;
      case 3:
      case 4: (void)load_word(cpu, mm, target.at, word); break;
      case 5: (void)do_madvise(cpu, mm, target.at, target.pages, Advice::kDontneed); break;
      case 6: {
        const std::uint32_t write = draw.below(2) != 0 ? +kFollWrite : 0U;
        pins.take(cpu, mm, target.at, write | (draw.below(2) != 0 ? +kFollLongterm : 0U));
        break;
      }
      case 7:
      case 8: pins.drop_one(cpu); break;
      default: {
        std::unique_ptr<Mm> child;
        if (Mm::create(cpu, child) != Errc::kOk) break;
        if (dup_mmap(cpu, *child, mm) == Errc::kOk) (void)store_word(cpu, *child, target.at, 7);
        child->exit(cpu);
        break;
      }
    }
    box.machine->rcu.poll();
  }
}

void device_side(DeviceBox& box, unsigned index, Mirror& mirror) {
  Cpu& cpu = box.cpu(index);
  Draw draw(29 + index);
  std::vector<std::byte> bytes(kThreadPages * kPageBytes);
  std::vector<std::uint8_t> codes(kThreadPages);
  for (int round = 0; round < kDeviceRounds; ++round) {
    const Target target(draw);
    const std::uint64_t at = target.at, n = target.pages;
    switch (draw.below(8)) {
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
  auto mm = box.create_mm(kThreadPages);
  box.fill(*mm, kThreadPages, 1);
  Mirror* mirror = box.device->open(*mm);
  run_threads(
      box, {mm.get()}, [&](unsigned index, ThreadPins& pins) { cpu_side(box, index, *mm, pins); },
      [&](unsigned index) { device_side(box, index, *mirror); });
  mirror->close(box.cpu());
  box.exit(*mm);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({}), kClean);
}

TEST(ZoneDeviceThreads, PrivateMemoryLeavesACleanAudit) { run(DeviceMemory::kPrivate); }
TEST(ZoneDeviceThreads, CoherentMemoryLeavesACleanAudit) { run(DeviceMemory::kCoherent); }

}  // namespace
}  // namespace pagebox::testing
