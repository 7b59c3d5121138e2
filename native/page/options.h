// What a machine does that no kernel does, or not yet: off unless asked for.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class MachineOption : std::uint8_t { kWritebackAsksPins, kFileBackedDevicePages };

struct OptionInfo {
  MachineOption option;
  std::string_view name;  // as TypeScript has it
  std::string_view meaning;
  bool otherwise = false;  // unless it is given
};
inline constexpr unsigned kMachineOptions = 2;
/// In the order of MachineOption.
inline constexpr std::array<OptionInfo, kMachineOptions> kOptionTable = {{
    {MachineOption::kWritebackAsksPins, "writebackAsksPins",
     "writeback leaves what may be pinned dirty, as the thread of 2018 proposed; no kernel asks"},
    {MachineOption::kFileBackedDevicePages, "fileBackedDevicePages",
     "pages of files may move to device memory too; no kernel lets them"},
}};

/// A set of options, one bit each.
struct OptionSet {
  std::uint64_t bits = 0;
  constexpr bool operator==(const OptionSet&) const = default;
  constexpr bool has(MachineOption option) const {
    return (bits >> static_cast<unsigned>(option) & 1U) != 0;
  }
  constexpr OptionSet with(MachineOption option, bool on = true) const {
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(option);
    return {on ? bits | bit : bits & ~bit};
  }
};
constexpr OptionSet default_options() {
  OptionSet set;
  for (const OptionInfo& row : kOptionTable) set = set.with(row.option, row.otherwise);
  return set;
}

}  // namespace pagebox::inline PAGEBOX_ENV
