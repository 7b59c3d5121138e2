// What a scenario runs on, fresh for each: a box, the mirror devices of the recordings,
// processes, and an interpreter a thread. Layout, scheme and quirks are chosen, the rest is
// by default what the recordings were made with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/audit/audit.h"
#include "engine/audit/audit_mm.h"
#include "engine/box/box.h"
#include "engine/scenario/effects.h"
#include "engine/scenario/interpreter.h"
#include "engine/scenario/interpreter_device.h"

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
  /// Of the processors' lists of free pages; 0: none, so that which page an allocation gets
  /// does not depend on what its processor freed before.
  unsigned page_batch = 0;
  /// Beside `pages`: RAM from pfn 0 on that the scenario sets up by hand.
  std::uint64_t placed_pages = 0;
  /// False: descriptors alone, of placed pages, and no other operations than those on pages
  /// by pfn; in any layout. Without devices, swap and processes.
  bool machine = true;
  bool stops = false;      // operations stop at points, see has_stops()
  std::uint64_t seed = 1;  // of what threads take by chance of what they hold
  Behaviour behaviour;
  /// A witness of the pins by pfn; see engine/scenario/pin_witness.h.
  bool witness = false;
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
  AuditReport audit();
  /// After finish(): what is not back where it came from, in words; empty: nothing.
  std::string leaks();
  Box& box() { return *box_; }
  /// Null without one.
  PinWitness* witness() { return witness_.get(); }
  bool has_machine() const { return processes_ != nullptr; }
  /// Of a machine.
  Processes& processes() { return *processes_; }
  Machine& machine() { return *box_->assembly().machine(); }

 private:
  Sandbox() = default;
  Errc start_machine(const SandboxSettings& settings, std::string* reason);
  void audit_machine(AuditSink& sink);
  void audit_lists(AuditSink& sink);
  Errc audit_placed(AuditSink& sink);
  // Destroyed from the last to the first: each stands on those before it.
  std::shared_ptr<Box> box_;
  std::unique_ptr<MirrorDevices> devices_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<PinWitness> witness_;
  std::vector<std::unique_ptr<PageThread>> page_threads_;
  std::vector<std::unique_ptr<Interpreter>> interpreters_;
  std::unique_ptr<Auditor> placed_;  // null: no pages are set up by pfn
  std::uint64_t free_pages_ = 0;     // at the start
};

}  // namespace pagebox::inline PAGEBOX_ENV
