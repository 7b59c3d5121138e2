// What a scenario asks of the operation that a processor executes: which of its allocations and
// copies fail, and where it stops. One for each thread; the same thread asks it in the same order
// whatever the others do, so a failure is a function of what the thread itself does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Where memory, or a copy, can be refused. As the kernel's fault injection: fail_page_alloc is
/// `page` and `table`, failslab `slab`; nth counts the calls of one thread.
enum class FailSite : std::uint8_t {
  kPage,        // a page of RAM, small or huge
  kTable,       // a page for a page table
  kSlab,        // a vma, an anon_vma
  kCopy,        // the contents of a page cannot be read
  kSwapSlot,    // a slot of the swap area
  kDevicePage,  // a page of a device's memory
};
inline constexpr std::array<std::string_view, 6> kFailSiteNames = {
    "page", "table", "slab", "copy", "swap_slot", "device_page"};

/// Where an operation can stop: between two steps, with the locks that it has there, none of which
/// is a spin lock.
enum class StopPoint : std::uint8_t {
  kNowhere,
  kPageoutIsolated,
  kPageoutSwapCache,
  kPageoutUnmapped,
  kPageoutWriting,
  kPageoutWritten,
  kMigrateUnmapped,
  kMigrateMoved,
  kDeviceCollected,
  kDeviceCopied,
  kDeviceMoved,
  kCowCopied,
  kSwapinRead,
  kExclusiveMade,
};
struct StopPointInfo {
  std::string_view name, what;
};
inline constexpr std::array<StopPointInfo, 14> kStopPoints = {{
    {"nowhere", ""},
    {"pageout:isolated", "reclaim has the folio locked and off its list"},
    {"pageout:swap_cache", "it is in the swap cache, and still mapped"},
    {"pageout:unmapped", "its entries are swap entries, and nothing is written yet"},
    {"pageout:writing", "it is being written: PG_writeback"},
    {"pageout:written", "it is written, and still in the swap cache"},
    {"migrate:unmapped", "a folio that moves to another frame: its entries are migration entries"},
    {"migrate:moved", "the new frame has its contents and its place, its entries are not back yet"},
    {"device:collected", "a migration to or from a device has its pages: migration entries"},
    {"device:copied", "they are copied, and nobody has moved"},
    {"device:moved", "the destinations have taken over, and the entries are not back yet"},
    {"cow:copied", "a copy on write is made, and not mapped yet"},
    {"swapin:read", "a swapped page is in memory and locked, and not mapped yet"},
    {"exclusive:made", "the entries are exclusive, and the device does not know yet"},
}};

/// Where an operation waits at its point; see engine/scenario/stop_gate.h.
class StopKeeper {
 public:
  virtual ~StopKeeper() = default;
  virtual void stop(StopPoint point) = 0;
};

class OpControl {
 public:
  /// From the nth call on (1: the next) `times` calls fail; none: no more do. What was armed at
  /// this site before is forgotten.
  void arm(FailSite site, std::uint64_t nth, std::uint64_t times) { at(site) = {nth - 1, times}; }
  bool fails(FailSite site) {
    Arm& arm = at(site);
    if (arm.times == 0) return false;
    if (arm.skip > 0) {
      --arm.skip;
      return false;
    }
    --arm.times;
    ++injected_;
    return true;
  }
  /// Of so many calls in a row those before the first that fails.
  std::size_t grants(FailSite site, std::size_t wanted) {
    for (std::size_t i = 0; i < wanted; ++i)
      if (fails(site)) return i;
    return wanted;
  }
  /// Failures so far.
  std::uint64_t injected() const { return injected_; }

  /// The next operation stops there, once. `keeper` may be null: nothing does.
  void stop_at(StopPoint point, StopKeeper* keeper) {
    stop_at_ = keeper == nullptr ? StopPoint::kNowhere : point;
    keeper_ = keeper;
  }
  bool stops() const { return stop_at_ != StopPoint::kNowhere; }
  void pass(StopPoint point) {
    if (point != stop_at_) return;
    stop_at_ = StopPoint::kNowhere;
    keeper_->stop(point);
  }

 private:
  struct Arm {
    std::uint64_t skip = 0, times = 0;
  };
  Arm& at(FailSite site) { return arms_[static_cast<unsigned>(site)]; }

  std::array<Arm, kFailSiteNames.size()> arms_;
  std::uint64_t injected_ = 0;
  StopPoint stop_at_ = StopPoint::kNowhere;
  StopKeeper* keeper_ = nullptr;
};

}  // namespace pagebox::inline PAGEBOX_ENV
