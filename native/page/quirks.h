// Historic defects, off by default: of pin accounting, memory management and device
// memory. Each is switched at exactly one place in the code, never on a fused loop.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/env.h"
#include "page/rules.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Quirk : std::uint8_t {
  // Of pins: a scheme says which it can show.
  kMaskAsBitNumber,
  kDoubleLastUnpin,
  kStrictlyGreater,
  kNoZeroTest,
  kOneBiasForMany,
  kFlagWithoutCount,
  kPutForUnpin,
  // Of memory management.
  kDirtyCow,
  kHugeDirtyByRead,
  kReuseByMapcount,
  kForkSharesPinned,
  kForkUnseen,
  kSoftDirtyForgetsPins,
  kLongtermPutForUnpin,
  kLongtermFilePins,
  kLazyfreeForgetsReferences,
  kGrabKeepsOldHead,
  kTableFreedAtOnce,
  kGetUnchecked,
  kForceTrustsDirty,
  kSwapinUnclaimed,
  kCollapseUnseen,
  kCollapseUnsynced,
  kLongtermDrainsByLru,
  // Of device memory.
  kDeviceFaultUnreferenced,
  kDeviceFaultLocksLate,
  kPagesOutlivePagemap,
  kCollectLosesDirty,
  kReleaseMissesDevicePages,
  kDaxTruncateForgetsDma,
  kExclusiveFaultUnreferenced,
  kDevicePageKeepsMapping,
};
inline constexpr unsigned kQuirks = 32;

/// What a quirk is a defect of, and so where it can show.
enum class QuirkRoom : std::uint8_t {
  kPins,     // schemes that declare it
  kMm,       // machines: layouts that memory management runs on
  kDevices,  // machines with device memory
};

struct QuirkRule {
  Rule rule;
  bool is;  // the newer behaviour
};

struct QuirkInfo {
  Quirk quirk;
  std::string_view name;
  std::uint16_t year;
  QuirkRoom room;
  std::string_view wrong;      // what was wrong, in one sentence
  std::string_view fix;        // version and commit, or that it was never merged
  std::string_view invariant;  // what breaks
  /// The rules under which it can show.
  std::optional<QuirkRule> needs = {};  // NOLINT(readability-redundant-member-init)
};
/// In the order of Quirk.
std::span<const QuirkInfo, kQuirks> quirk_table();
/// Null: no such quirk.
const QuirkInfo* find_quirk(std::string_view name);

/// A set of quirks, one bit each.
struct QuirkSet {
  std::uint64_t bits = 0;
  constexpr bool operator==(const QuirkSet&) const = default;
  constexpr bool has(Quirk quirk) const { return (bits >> static_cast<unsigned>(quirk) & 1U) != 0; }
  constexpr QuirkSet operator|(QuirkSet other) const { return {bits | other.bits}; }
};
template <class... Quirks>
constexpr QuirkSet quirk_set(Quirks... list) {
  return {((std::uint64_t{1} << static_cast<unsigned>(list)) | ... | std::uint64_t{0})};
}

}  // namespace pagebox::inline PAGEBOX_ENV
