// Threads at random operations on a family of address spaces, pins held across
// them, with pages paged out and migrated meanwhile. Then the audit.
#include <thread>

#include "base/rng.h"
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"
#include "mm/migrate.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 16;

struct Held {
  std::vector<Pfn> pins;
};

std::uint64_t next(std::uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return state >> 33;
}

void work(MmBox& box, unsigned cpu_index, Mm& mm, Held& held, std::uint64_t seed, int rounds) {
  Cpu& cpu = box.cpu(cpu_index);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t page = next(seed) % kPages;
    const std::uint64_t at = kTestBase + page * kPageBytes;
    const std::uint64_t n = 1 + next(seed) % (kPages - page);
    std::uint64_t word = 0;
    switch (next(seed) % 12) {
      case 0:
      case 1:
      case 2: (void)store_word(cpu, mm, at, round); break;
      case 3: (void)load_word(cpu, mm, at, word); break;
      case 4: (void)do_madvise(cpu, mm, at, n, Advice::kPageout); break;
      case 5: (void)do_madvise(cpu, mm, at, n, Advice::kDontneed); break;
      case 6:
        (void)do_mprotect(cpu, mm, at, n, next(seed) % 2 ? +kVmRead : kVmRead | kVmWrite);
        break;
      case 7:
        (void)do_munmap(cpu, mm, at, n);
        (void)map_anon(cpu, mm, at, n);
        break;
      case 8: {
        Pfn pfn;
        const std::uint32_t flags = next(seed) % 2 ? +kFollWrite : 0U;
        if (pin_user_pages_fast(cpu, mm, at, flags, std::span(&pfn, 1)).pages == 1)
          held.pins.push_back(pfn);
        break;
      }
      case 9:
        if (!held.pins.empty()) {
          unpin_user_page(cpu, held.pins.back());
          held.pins.pop_back();
        }
        break;
      case 10: {
        std::unique_ptr<Mm> child;
        if (Mm::create(cpu, child) != Errc::kOk) break;
        if (dup_mmap(cpu, *child, mm) == Errc::kOk) (void)store_word(cpu, *child, at, 7);
        child->exit(cpu);
        break;
      }
      default: (void)compact_range(cpu, {0}, {256}); break;
    }
    box.machine->rcu.poll();
  }
}

TEST(MmThreads, RandomOperationsLeaveACleanAudit) {
  MmBox box(3);
  auto a = box.create_mm();
  auto b = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *a, kTestBase, kPages), Errc::kOk);
  for (std::uint64_t i = 0; i < kPages; ++i)
    ASSERT_EQ(store_word(box.cpu(), *a, kTestBase + i * kPageBytes, i), FaultResult::kOk);
  ASSERT_EQ(dup_mmap(box.cpu(), *b, *a), Errc::kOk);
  Held held[3];
  {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i)
      threads.emplace_back([&, i] { work(box, i, i == 1 ? *b : *a, held[i], 17 + i, 3000); });
    for (std::thread& thread : threads) thread.join();
  }
  box.machine->rcu.barrier();
  std::vector<HeldReference> references;
  for (const Held& each : held)
    for (const Pfn pfn : each.pins) references.push_back({pfn, true});
  EXPECT_EQ(box.audit({a.get(), b.get()}, references), std::vector<std::string>{});
  for (Held& each : held)
    for (const Pfn pfn : each.pins) unpin_user_page(box.cpu(), pfn);
  a->exit(box.cpu());
  b->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
  EXPECT_EQ(box.audit({}), std::vector<std::string>{});
}

}  // namespace
}  // namespace pagebox::testing
