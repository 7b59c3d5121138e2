#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::kOk: return "OK";
    case Errc::kPerm: return "EPERM";
    case Errc::kNoEnt: return "ENOENT";
    case Errc::kIntr: return "EINTR";
    case Errc::kIo: return "EIO";
    case Errc::kNxIo: return "ENXIO";
    case Errc::kBadF: return "EBADF";
    case Errc::kAgain: return "EAGAIN";
    case Errc::kNoMem: return "ENOMEM";
    case Errc::kAcces: return "EACCES";
    case Errc::kFault: return "EFAULT";
    case Errc::kBusy: return "EBUSY";
    case Errc::kExist: return "EEXIST";
    case Errc::kNoDev: return "ENODEV";
    case Errc::kInval: return "EINVAL";
    case Errc::kNoSpc: return "ENOSPC";
    case Errc::kRange: return "ERANGE";
    case Errc::kOverflow: return "EOVERFLOW";
    case Errc::kOpNotSupp: return "EOPNOTSUPP";
    case Errc::kRemoteIo: return "EREMOTEIO";
    case Errc::kCanceled: return "ECANCELED";
    case Errc::kCorrupt: return "CORRUPT";
    case Errc::kNotPinned: return "NOT_PINNED";
    case Errc::kPinLimit: return "PIN_LIMIT";
    case Errc::kRefused: return "REFUSED";
    case Errc::kNotReferenced: return "NOT_REFERENCED";
    case Errc::kLivelock: return "LIVELOCK";
  }
  return "UNKNOWN";
}

}  // namespace pagebox::inline PAGEBOX_ENV
