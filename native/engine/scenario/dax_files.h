// Files on storage that is mapped itself, as scenarios have them: fsdax, on a small device that is
// there from the first file on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "engine/scenario/process.h"
#include "zone_device/dax_file.h"

namespace pagebox::inline PAGEBOX_ENV {

class DaxFiles {
 public:
  static constexpr std::uint64_t kBlocks = 4;

  /// Where the device goes: kBlocks pages from `first` on.
  void place(Machine& machine, Pfn first) {
    machine_ = &machine;
    first_ = first;
  }
  /// File `index`, of zeroed blocks; with nothing else running. kExist: it is there; kNoSpc.
  Errc make(Cpu& cpu, unsigned index, std::uint64_t pages);
  /// kNoEnt: there is none; kBusy: a block is pinned; kNoSpc.
  Errc truncate(Cpu& cpu, unsigned index, std::uint64_t pages);
  Errc mmap(Cpu& cpu, Process& process, const Op& op);
  void finish(Cpu& cpu);

  /// Null: no file was made.
  const DaxDevice* device() const { return device_.get(); }

 private:
  Machine* machine_ = nullptr;
  Pfn first_;
  std::unique_ptr<DaxDevice> device_;
  std::array<DaxFile*, kDiskFiles> files_{};  // each with our user
};

}  // namespace pagebox::inline PAGEBOX_ENV
