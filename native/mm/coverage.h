// Which ways through memory management were taken, and how often: what a run of many
// operations is worth. Counted where somebody counts (a race), each processor in an array of
// its own; never on the fused loops of pins.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Reached : std::uint8_t {
  // Faults.
  kZeroPage,
  kAnonPage,
  kFileAround,
  kFileRead,
  kFileCopy,
  kFileShared,
  kMarked,
  kLost,
  kMigrationWait,
  kDevicePrivate,
  kDeviceExclusive,
  // Copy on write.
  kReuseExclusive,
  kReuseLast,
  kCopyShared,
  kCopyZero,
  kCopyFile,
  kUnshare,
  kWriteShared,
  kForkShares,
  kForkCopies,
  // Swap and reclaim.
  kSwapinAlone,
  kSwapinCached,
  kSwapinRead,
  kSwapout,
  kShmemOut,
  kCacheDropped,
  kLazyFreed,
  kReclaimPinned,
  kReclaimInUse,
  kReclaimDirtyFile,
  // Migration.
  kMoved,
  kMoveHeld,
  kToDevice,
  kToDeviceNew,
  kToRam,
  kDeviceHeld,
  kDeviceRefused,
};
inline constexpr unsigned kReached = 37;

struct ReachedInfo {
  std::string_view group, name, summary;
};
inline constexpr std::array<ReachedInfo, kReached> kReachedTable = {{
    {"fault", "zero-page", "a read of anonymous memory without a page maps the zero page"},
    {"fault", "anon-page", "a write of anonymous memory without a page gets one"},
    {"fault", "file-around", "a read maps pages of the file that are in memory, around it too"},
    {"fault", "file-read", "a read has a page of the file brought in"},
    {"fault", "file-copy", "a write of a private mapping copies the file's page"},
    {"fault", "file-shared", "a write of a shared mapping maps the file's page"},
    {"fault", "marked", "the page was there and is marked used"},
    {"fault", "lost", "the entry changed meanwhile: whoever faults again finds out"},
    {"fault", "migration-wait", "waits for the migration of the page"},
    {"fault", "device-private", "the device moves the page back to RAM"},
    {"fault", "device-exclusive", "ends a device's exclusive access"},
    {"cow", "reuse-exclusive", "a write to a page that is this process's alone"},
    {"cow", "reuse-last", "a write to a page that nobody else has any more"},
    {"cow", "copy-shared", "a write to a page that others have copies it"},
    {"cow", "copy-zero", "a write to the zero page"},
    {"cow", "copy-file", "a write to a file's page that was mapped for reading"},
    {"cow", "unshare", "a copy for a pin that is read through"},
    {"cow", "write-shared", "a page of a shared mapping becomes writable in place"},
    {"cow", "fork-shares", "fork shares a page"},
    {"cow", "fork-copies", "fork copies a page at once, as it may be pinned"},
    {"swap", "in-alone", "swapped in for the only user, past the swap cache"},
    {"swap", "in-cached", "found in the swap cache"},
    {"swap", "in-read", "read into the swap cache"},
    {"swap", "out", "an anonymous page goes to its slot"},
    {"swap", "out-shmem", "a page of tmpfs goes to swap"},
    {"swap", "dropped", "a clean page leaves its cache"},
    {"swap", "lazyfree", "a page that was given up is freed"},
    {"swap", "pinned", "reclaim leaves a page that may be pinned"},
    {"swap", "in-use", "reclaim leaves a page that is mapped, locked or held"},
    {"swap", "dirty-file", "reclaim leaves a dirty page of a file to writeback"},
    {"migration", "moved", "a page moves to another frame"},
    {"migration", "held", "a page stays: somebody holds it, or has its lock"},
    {"migration", "to-device", "a page moves to a device"},
    {"migration", "to-device-new", "a place without a page gets one of the device's"},
    {"migration", "to-ram", "a page moves from a device to RAM"},
    {"migration", "device-held", "a page stays out of a device or in it: somebody holds it"},
    {"migration", "device-refused", "memory that does not enter a device, or whose count grew"},
}};

using ReachedCounts = std::array<std::uint64_t, kReached>;

}  // namespace pagebox::inline PAGEBOX_ENV
