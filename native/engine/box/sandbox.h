// The small machine that a scenario runs on, fresh for each: the layout and the
// scheme are chosen, the rest is by default what the recordings were made with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/audit/audit_mm.h"
#include "engine/scenario/effects.h"
#include "engine/scenario/interpreter.h"
#include "engine/scenario/interpreter_device.h"
#include "page/allocator.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {

struct SandboxSettings {
  Layout layout;
  SchemeSpec scheme;
  /// 64 MiB of RAM: no scenario of the recordings comes near it.
  std::uint64_t pages = 1 << 14;
  std::uint64_t device_pages = 1 << 13;
  std::uint64_t swap_pages = 1 << 14;
  /// Beside thread 0, each with a logical processor of its own.
  unsigned threads = 0;
  /// madvise(hugepage) has effect; RAM and devices are four times as large then.
  bool transparent_huge_pages = false;
  bool file_backed_device_pages = false;  // see MachineOptions
};

class Sandbox {
 public:
  /// kRefused: the scheme does not exist for the layout, or the layout lacks what a machine
  /// or its devices need (`reason` says which); kInval: more pages than the layout can name;
  /// kNoMem.
  static Errc create(const SandboxSettings& settings, std::unique_ptr<Sandbox>& out,
                     std::string* reason = nullptr);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Thread 0 sets up, or runs all in order. It shares its processor with thread 1.
  Interpreter& interpreter(unsigned thread = 0) { return *interpreters_[thread]; }
  /// All of a scenario; with what the scheme's declared effects had to do with each
  /// result. `recorded`: see EffectTracker::run(); empty where nothing was recorded.
  std::vector<OpRecord> run_all(std::span<const Op> ops, std::span<const double> recorded,
                                std::vector<OpEffects>& effects);
  /// All processes exit, and nothing may be left. With nothing running.
  void finish();
  /// Every descriptor, page table and slot against who is alive now.
  std::vector<MmAuditRow> audit();
  /// After finish(): what is not back where it came from, in words; empty: nothing.
  std::string leaks();
  Machine& machine() { return *machine_; }

 private:
  Sandbox() = default;
  // Destroyed from the last to the first: each stands on those before it.
  std::unique_ptr<Memmap> memmap_;
  std::unique_ptr<Zone> zone_;
  std::unique_ptr<Allocator> allocator_;
  std::unique_ptr<Ledger>
      ledger_;  // in order only: what schemes that cannot tell are compared with
  std::unique_ptr<Pins> pins_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<MirrorDevices> devices_;
  std::unique_ptr<Processes> processes_;
  std::vector<std::unique_ptr<Interpreter>> interpreters_;
  std::uint64_t free_pages_ = 0;  // at the start
};

}  // namespace pagebox::inline PAGEBOX_ENV
