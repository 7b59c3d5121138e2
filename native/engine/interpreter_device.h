// Executes the operations on devices: four mirror devices, as the recordings have
// them. 0 and 1 hold private memory, 2 and 3 coherent memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "engine/interpreter.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

class MirrorDevices final : public DeviceHandler {
 public:
  /// Four devices of `pages_each` pages behind RAM. kInval: the memmap's capacity does
  /// not reach that far.
  static Errc create(Machine& machine, std::uint64_t pages_each,
                     std::unique_ptr<MirrorDevices>& out);

  bool run(Cpu& cpu, std::uint32_t proc, Process& process, const Op& op, OpRecord& result) override;
  Errc mmap(Cpu& cpu, std::uint32_t proc, Process& process, const Op& op) override;
  void exit(Cpu& cpu, std::uint32_t proc, Process& process) override;

  MirrorDevice& device(unsigned index) { return *devices_[index]; }

 private:
  using Handles = std::array<Mirror*, kDevices>;
  MirrorDevices() = default;
  Mirror* open(std::uint32_t proc, Process& process, unsigned dev);
  Errc close(Cpu& cpu, std::uint32_t proc, unsigned dev);

  std::array<std::unique_ptr<MirrorDevice>, kDevices> devices_;
  std::map<std::uint32_t, Handles> open_;  // by process
};

}  // namespace pagebox::inline PAGEBOX_ENV
