// The small machine that a recorded scenario runs on, fresh for each: the layout
// and the scheme are chosen, the rest is what the recordings were made with.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/audit_mm.h"
#include "engine/interpreter.h"
#include "engine/interpreter_device.h"
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
  /// madvise(hugepage) has effect; RAM and devices are four times as large then.
  bool transparent_huge_pages = false;
};

class Sandbox {
 public:
  /// kRefused: the scheme does not exist for the layout; kNoMem.
  static Errc create(const SandboxSettings& settings, std::unique_ptr<Sandbox>& out);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  Interpreter& interpreter() { return *interpreter_; }
  /// Every descriptor, page table and slot against who is alive now.
  std::vector<MmAuditRow> audit();
  Machine& machine() { return *machine_; }

 private:
  Sandbox() = default;
  // Destroyed from the last to the first: each stands on those before it.
  std::unique_ptr<Memmap> memmap_;
  std::unique_ptr<Zone> zone_;
  std::unique_ptr<Allocator> allocator_;
  std::unique_ptr<Pins> pins_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<MirrorDevices> devices_;
  std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
