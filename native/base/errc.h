// Results of core calls. The core throws nothing: what the kernel would refuse
// is an errno, what only a sandbox can meet (a corrupted word) has codes of its
// own above 4096, outside the kernel's errno range.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class [[nodiscard]] Errc : std::int32_t {
  kOk = 0,
  kPerm = 1,              // EPERM
  kNoEnt = 2,             // ENOENT
  kIntr = 4,              // EINTR
  kIo = 5,                // EIO
  kNxIo = 6,              // ENXIO
  kBadF = 9,              // EBADF
  kAgain = 11,            // EAGAIN
  kNoMem = 12,            // ENOMEM
  kAcces = 13,            // EACCES
  kFault = 14,            // EFAULT
  kBusy = 16,             // EBUSY
  kExist = 17,            // EEXIST
  kNoDev = 19,            // ENODEV
  kNotDir = 20,           // ENOTDIR
  kIsDir = 21,            // EISDIR
  kInval = 22,            // EINVAL
  kNFile = 23,            // ENFILE
  kMFile = 24,            // EMFILE
  kTxtBsy = 26,           // ETXTBSY
  kFBig = 27,             // EFBIG
  kNoSpc = 28,            // ENOSPC
  kSPipe = 29,            // ESPIPE
  kRoFs = 30,             // EROFS
  kRange = 34,            // ERANGE
  kNameTooLong = 36,      // ENAMETOOLONG
  kLoop = 40,             // ELOOP
  kOverflow = 75,         // EOVERFLOW
  kOpNotSupp = 95,        // EOPNOTSUPP
  kRemoteIo = 121,        // EREMOTEIO
  kDQuot = 122,           // EDQUOT
  kCanceled = 125,        // ECANCELED
  kHwPoison = 133,        // EHWPOISON
  kCorrupt = 4097,        // a word of a descriptor holds what no kernel would write
  kNotPinned = 4098,      // unpin of a page that the ledger says is not pinned
  kPinLimit = 4099,       // the scheme's count is full
  kRefused = 4100,        // the scheme or the layout does not do this page type
  kNotReferenced = 4101,  // put of a reference that the ledger says nobody holds
  kNoThread = 4102,       // the system gives this process no more threads
  kOutOfMemory = 4103,    // this process's own memory, where kNoMem could mean a kernel's
  kLivelock = 4104,       // a loop waited for what a damaged descriptor never brings
};

/// The errno's name ("EFAULT"), or a name of our own ("CORRUPT") above 4096.
std::string_view errc_name(Errc code);

/// A value or the reason there is none; T is default constructible, may be
/// move-only.
template <class T>
struct [[nodiscard]] Result {
  Errc error = Errc::kOk;
  T value{};

  Result(T v) : value(std::move(v)) {}  // NOLINT(google-explicit-constructor)
  Result(Errc e) : error(e) {}          // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return error == Errc::kOk; }
};

}  // namespace pagebox::inline PAGEBOX_ENV
