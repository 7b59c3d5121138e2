// Times the operations of memory management, page by page: faults, pins, fork,
// pageout and their opposites, each beside the plain loop over the same frames
// that it cannot beat. One line of JSON a sample; mm.bench.ts reads them.
//
//   mm [--rounds=N] [--from=ORDER] [--to=ORDER] [--threads=N]
//
// A sample goes over 2^order pages a thread, each thread in an address space of
// its own, and repeats small sizes until 2^14 pages were seen. Several threads do so in one
// machine, and each in a machine of its own, where they share nothing but the processor's caches
// and its memory.
#include <algorithm>
#include <array>
#include <barrier>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "machine.h"
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"

namespace {

using namespace bench;

enum Op : unsigned {
  kClear,  // memset of the frames: the limit of faults
  kFault,
  kPinFast,
  kUnpin,
  kPinSlow,
  kFork,
  kExit,  // the child's, which shares every page
  kCopy,  // memcpy of the frames: the limit of pageout and swapin
  kPageout,
  kSwapin,
  kUnmap,
  kOps
};
constexpr std::array<const char*, kOps> kNames = {"clear",    "fault",  "pin-fast", "unpin",
                                                  "pin-slow", "fork",   "exit",     "copy",
                                                  "pageout",  "swapin", "unmap"};
/// Pages of one call of pin_user_pages.
constexpr std::uint64_t kPinBatch = 512;

struct Sample {
  double cpu_ns = 0, wall_ns = 0;
};
using Samples = std::array<Sample, kOps>;

class Worker {
 public:
  Worker(Cpu& cpu, std::uint64_t pages, std::barrier<>& all)
      : cpu_(cpu), pages_(pages), all_(all), pfns_(pages) {}

  void once() {
    touch_tables();
    std::unique_ptr<Mm> mm = make_mm(cpu_, pages_);
    const auto address = [](std::uint64_t i) { return kBase + i * kPageBytes; };
    timed(kFault, [&] {
      for (std::uint64_t i = 0; i < pages_; ++i)
        need(store_word(cpu_, *mm, address(i), i) == pagebox::FaultResult::kOk, "store");
    });
    timed(kPinFast, [&] { pin(*mm, true); });
    timed(kUnpin, [&] { unpin(); });
    timed(kPinSlow, [&] { pin(*mm, false); });
    unpin();
    limits();
    fork(*mm);
    timed(kPageout, [&] {
      need(do_madvise(cpu_, *mm, kBase, pages_, pagebox::Advice::kPageout) == Errc::kOk, "pageout");
    });
    std::uint64_t word = 0;
    timed(kSwapin, [&] {
      for (std::uint64_t i = 0; i < pages_; ++i) {
        need(load_word(cpu_, *mm, address(i), word) == pagebox::FaultResult::kOk, "load");
        need(word == i, "what was stored");
      }
    });
    timed(kUnmap, [&] { need(do_munmap(cpu_, *mm, kBase, pages_) == Errc::kOk, "munmap"); });
    mm->exit(cpu_);
    all_.arrive_and_wait();
    cpu_.machine.rcu.poll();
  }
  const Samples& samples() const { return samples_; }

 private:
  template <class Body>
  void timed(Op op, Body&& body) {
    all_.arrive_and_wait();
    const double begin = clock_ns(CLOCK_MONOTONIC);
    const CpuTimer timer;
    body();
    samples_[op].cpu_ns += timer.ns();
    samples_[op].wall_ns += clock_ns(CLOCK_MONOTONIC) - begin;
  }
  void pin(Mm& mm, bool fast) {
    for (std::uint64_t i = 0; i < pages_; i += kPinBatch) {
      const auto out = std::span(pfns_).subspan(i, std::min(kPinBatch, pages_ - i));
      const std::uint64_t at = kBase + i * kPageBytes;
      const auto got = fast ? pin_user_pages_fast(cpu_, mm, at, pagebox::kFollWrite, out)
                            : pin_user_pages(cpu_, mm, at, pagebox::kFollWrite, out);
      need(got.pages == out.size(), "pin");
    }
  }
  void unpin() {
    for (const Pfn pfn : pfns_) unpin_user_page(cpu_, pfn);
  }
  /// The page tables that an address space of that size gets next, which the allocator may never
  /// have handed out as tables: the system gives them their memory now, in nobody's time.
  void touch_tables() {
    std::unique_ptr<Mm> mm;
    need(Mm::create(cpu_, mm) == Errc::kOk, "address space");
    for (std::uint64_t i = 0; i < pages_; i += pagebox::kPtesPerTable)
      need(mm->page_table.alloc(cpu_, kBase + i * kPageBytes).error == Errc::kOk, "table");
    mm->exit(cpu_);
    cpu_.machine.rcu.barrier();
    all_.arrive_and_wait();
  }
  void fork(Mm& parent) {
    touch_tables();
    std::unique_ptr<Mm> child;
    need(Mm::create(cpu_, child) == Errc::kOk, "child");
    timed(kFork, [&] { need(dup_mmap(cpu_, *child, parent) == Errc::kOk, "fork"); });
    timed(kExit, [&] { child->exit(cpu_); });
  }
  /// Over the frames that this address space has now, in its order; pins named them.
  void limits() {
    const pagebox::FrameMap& frames = cpu_.machine.frames;
    std::uint64_t kept = 0;
    const auto keep = [&](Pfn pfn) { std::memcpy(&kept, frames.at(pfn), sizeof kept); };
    timed(kCopy, [&] {
      for (std::uint64_t i = 0; i < pages_; ++i)
        std::memcpy(cpu_.machine.swap.bytes(i + first_slot()), frames.at(pfns_[i]), kPageBytes);
    });
    timed(kClear, [&] {
      for (const Pfn pfn : pfns_) {
        keep(pfn);
        std::memset(frames.at(pfn), 0, kPageBytes);
        std::memcpy(frames.at(pfn), &kept, sizeof kept);
      }
    });
  }
  /// Nothing is in swap meanwhile, so its bytes serve as what is copied to.
  std::uint64_t first_slot() const { return cpu_.index * pages_; }

  Cpu& cpu_;
  const std::uint64_t pages_;
  std::barrier<>& all_;
  std::vector<Pfn> pfns_;
  Samples samples_;
};

using Cpus = std::vector<Cpu*>;

void print(unsigned round, std::uint64_t pages, std::uint64_t repeats, bool apart,
           const std::vector<Worker>& workers) {
  for (unsigned op = 0; op < kOps; ++op) {
    Sample all;
    for (const Worker& worker : workers) {
      all.cpu_ns += worker.samples()[op].cpu_ns;
      all.wall_ns = std::max(all.wall_ns, worker.samples()[op].wall_ns);
    }
    const auto seen = static_cast<double>(pages * repeats * workers.size());
    std::printf(
        "{\"op\":\"%s\",\"round\":%u,\"pages\":%llu,\"threads\":%zu,\"machines\":%zu,"
        "\"cpuNs\":%.3f,\"wallNs\":%.3f}\n",
        kNames[op], round, static_cast<unsigned long long>(pages), workers.size(),
        apart ? workers.size() : 1, all.cpu_ns / seen, all.wall_ns / seen);
  }
  std::fflush(stdout);
}

/// Of each operation the ns a page: CPU time of all threads, and time on the wall. A thread for
/// each of these processors; `apart`: they belong to as many machines.
void run(const Cpus& cpus, bool apart, int round, std::uint64_t pages) {
  constexpr std::uint64_t kSeen = 1 << 14;
  const std::uint64_t repeats = std::max<std::uint64_t>(1, kSeen / pages);
  std::barrier<> all(static_cast<std::ptrdiff_t>(cpus.size()));
  std::vector<Worker> workers;
  workers.reserve(cpus.size());
  for (Cpu* cpu : cpus) workers.emplace_back(*cpu, pages, all);
  const auto body = [&](std::size_t i) {
    for (std::uint64_t n = 0; n < repeats; ++n) workers[i].once();
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < cpus.size(); ++i) others.emplace_back(body, i);
  body(0);
  for (std::thread& other : others) other.join();
  for (Cpu* cpu : cpus) cpu->machine.rcu.barrier();
  if (round >= 0) print(static_cast<unsigned>(round), pages, repeats, apart, workers);
}

/// For so many processors, with 2^order pages for each.
MachineSize size_for(unsigned cpus, std::uint64_t order) {
  const std::uint64_t most = cpus * (1ULL << order);
  MachineSize size;
  size.cpus = cpus;
  size.ram_pages = most + most / 128 + 4096;  // page tables of parent and child
  size.swap_pages = most;
  return size;
}

/// Not counted: the system gives each frame and slot its memory.
void warm(const Cpus& cpus, bool apart, std::uint64_t order) {
  if (cpus.empty()) return;
  for (Cpu* cpu : cpus) {
    const Machine& machine = cpu->machine;
    for (std::uint64_t pfn = 0; pfn < machine.memmap.pages(); ++pfn)
      std::memset(machine.frames.at({pfn}), 0, 1);
  }
  run(cpus, apart, -1, 1ULL << order);
}

}  // namespace

int main(int argc, char** argv) {
  const auto rounds = static_cast<int>(option(argc, argv, "rounds", 5));
  const std::uint64_t from = option(argc, argv, "from", 10), to = option(argc, argv, "to", 16);
  const auto threads = static_cast<unsigned>(option(argc, argv, "threads", 2));
  need(from <= to && to <= 24 && threads >= 1 && threads <= 64, "--from to --to, --threads");
  TestMachine shared(size_for(threads, to));
  std::deque<TestMachine> machines;
  Cpus together, apart;
  for (unsigned i = 0; i < threads; ++i) together.push_back(&shared.machine->cpu(i));
  for (unsigned i = 0; threads > 1 && i < threads; ++i)
    apart.push_back(&machines.emplace_back(size_for(1, to)).machine->cpu(0));
  warm(together, false, to);
  warm(apart, true, to);
  for (int round = 0; round < rounds; ++round)
    for (std::uint64_t order = from; order <= to; order += 2) {
      for (unsigned n = 1; n <= threads; ++n)
        run({together.begin(), together.begin() + n}, false, round, 1ULL << order);
      if (!apart.empty()) run(apart, true, round, 1ULL << order);
    }
  return 0;
}
