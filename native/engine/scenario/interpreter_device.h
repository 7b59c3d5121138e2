// Executes the operations on devices: four mirror devices, as the recordings have
// them. 0 and 1 hold private memory, 2 and 3 coherent memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "engine/scenario/dax_files.h"
#include "engine/scenario/processes.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

class MirrorDevices final : public DeviceHandler {
 public:
  /// Four devices of `pages_each` pages behind RAM. kInval: the memmap's capacity does
  /// not reach that far.
  static Errc create(Machine& machine, std::uint64_t pages_each,
                     std::unique_ptr<MirrorDevices>& out);

  bool run(Cpu& cpu, Process& process, const Op& op, OpRecord& result) override;
  Errc mmap(Cpu& cpu, Process& process, const Op& op) override;
  void exit(Cpu& cpu, Process& process, bool keeps_pages) override;
  void finish(Cpu& cpu) override { dax_.finish(cpu); }

  MirrorDevice& device(unsigned index) { return *devices_[index]; }
  DaxFiles& dax() { return dax_; }

 private:
  MirrorDevices() = default;
  /// The process's handle, held for the caller, who closes it; opened if need be.
  /// Null: no memory.
  Mirror* hold(Cpu& cpu, Process& process, unsigned dev);
  static Errc close(Cpu& cpu, Process& process, unsigned dev, bool keeps_pages);
  static void run_on(Cpu& cpu, Mirror& mirror, const Process& process, const Op& op,
                     OpRecord& result);

  std::array<std::unique_ptr<MirrorDevice>, kDevices> devices_;
  DaxFiles dax_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
