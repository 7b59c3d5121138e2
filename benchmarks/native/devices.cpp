// Times migration to a device and back beside memcpy of the very same pages, and
// CPU faults on device-private pages beside plain anonymous ones. One line of JSON
// a sample; devices.bench.ts reads them.
//
//   devices [--rounds=N] [--pages=N] [--call=N]
//
// --call: pages a call, one number instead of 1, 16 and 512 and the faults; for counts of
// instructions.
#include <cstring>
#include <vector>

#include "machine.h"
#include "mm/fault/user_access.h"
#include "zone_device/mirror.h"

namespace {

using namespace bench;
using pagebox::FaultResult;
using pagebox::Mirror;

const std::vector<std::uint64_t> kCalls = {1, 16, 512};

struct Copy {
  Pfn to, from;
};

class Bench {
 public:
  Bench(Machine& machine, std::uint64_t pages)
      : cpu_(machine.cpu(0)), pages_(pages), mm_(make_mm(cpu_, pages)), moved_(pages) {
    pagebox::MirrorDeviceOptions options;
    options.first = {machine.memmap.pages()};
    options.pages = pages;
    need(pagebox::MirrorDevice::create(machine, options, device_) == Errc::kOk, "device");
    mirror_ = device_->open(*mm_);
    need(mirror_ != nullptr, "handle");
    touch();
    // Not counted: the system gives each of the device's frames its memory.
    (void)there(512);
    (void)back(512);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    mm_->exit(cpu_);
    mirror_->close(cpu_);
    cpu_.machine.rcu.barrier();
  }

  void moves(unsigned nth, const std::vector<std::uint64_t>& calls) {
    nth_ = nth;
    for (const std::uint64_t call : calls) {
      both(call, "to-device", [&] { return there(call); });
      both(call, "to-system", [&] { return back(call); });
    }
  }
  void faults() {
    (void)there(512);
    note();
    print("fault-device", 1, [&] {
      const CpuTimer timer;
      touch();
      return timer.ns();
    }());
    note_to();
    print("fault-device copy", 1, copy());
    print("fault-anonymous", 1, anonymous());
  }

 private:
  static std::uint64_t address(std::uint64_t i) { return kBase + i * kPageBytes; }
  void touch() {
    for (std::uint64_t i = 0; i < pages_; ++i)
      need(store_word(cpu_, *mm_, address(i), i) == FaultResult::kOk, "store");
  }
  double there(std::uint64_t call) {
    const CpuTimer timer;
    for (std::uint64_t i = 0; i < pages_; i += call)
      need(mirror_->migrate_to_device(cpu_, address(i), call, {}).cpages == call, "to device");
    return timer.ns();
  }
  double back(std::uint64_t call) {
    const CpuTimer timer;
    for (std::uint64_t i = 0; i < pages_; i += call)
      need(mirror_->migrate_to_system(cpu_, address(i), call).cpages == call, "to system");
    return timer.ns();
  }
  /// Where each page lies now.
  Pfn frame(std::uint64_t i) const {
    const Pte pte = mm_->page_table.find(address(i)).get();
    return pte.present() ? pte.pfn() : pte.entry().pfn();
  }
  void note() {
    for (std::uint64_t i = 0; i < pages_; ++i) moved_[i].from = frame(i);
  }
  void note_to() {
    for (std::uint64_t i = 0; i < pages_; ++i) moved_[i].to = frame(i);
  }
  double copy() const {
    const pagebox::FrameMap& frames = cpu_.machine.frames;
    const CpuTimer timer;
    for (const Copy& each : moved_)
      std::memcpy(frames.at(each.to), frames.at(each.from), kPageBytes);
    return timer.ns();
  }
  /// A migration, and the copy of what it has just moved from where to where.
  template <class Run>
  void both(std::uint64_t call, const char* name, Run&& run) {
    note();
    const double ns = run();
    note_to();
    print(name, call, ns);
    char of[32];
    std::snprintf(of, sizeof of, "%s copy", name);
    print(of, call, copy());
  }
  double anonymous() const {
    const std::unique_ptr<Mm> mm = make_mm(cpu_, pages_);
    const CpuTimer timer;
    for (std::uint64_t i = 0; i < pages_; ++i)
      need(store_word(cpu_, *mm, address(i), i) == FaultResult::kOk, "store");
    const double ns = timer.ns();
    mm->exit(cpu_);
    cpu_.machine.rcu.barrier();
    return ns;
  }
  void print(const char* op, std::uint64_t call, double ns) const {
    std::printf("{\"op\":\"%s\",\"round\":%u,\"call\":%llu,\"cpuNs\":%.3f}\n", op, nth_,
                static_cast<unsigned long long>(call), ns / static_cast<double>(pages_));
    std::fflush(stdout);
  }

  Cpu& cpu_;
  const std::uint64_t pages_;
  std::unique_ptr<Mm> mm_;
  std::unique_ptr<pagebox::MirrorDevice> device_;
  Mirror* mirror_ = nullptr;
  std::vector<Copy> moved_;
  unsigned nth_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rounds = option(argc, argv, "rounds", 5);
  const std::uint64_t pages = option(argc, argv, "pages", 1 << 16);
  const std::uint64_t call = option(argc, argv, "call", 0);
  need(call <= 512 && (call == 0 || pages % call == 0), "--call: a divisor of --pages, up to 512");
  need(pages >= 512 && pages % 512 == 0, "--pages: a multiple of 512");
  MachineSize size;
  size.ram_pages = 2 * pages + pages / 64 + 4096;
  size.device_pages = pages;
  size.swap_pages = 1024;
  const TestMachine test(size);
  Bench bench(*test.machine, pages);
  for (unsigned round = 0; round < rounds; ++round) {
    bench.moves(round, call == 0 ? kCalls : std::vector{call});
    if (call == 0) bench.faults();
  }
  return 0;
}
