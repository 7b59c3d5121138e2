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
    case Errc::kNotDir: return "ENOTDIR";
    case Errc::kIsDir: return "EISDIR";
    case Errc::kInval: return "EINVAL";
    case Errc::kNFile: return "ENFILE";
    case Errc::kMFile: return "EMFILE";
    case Errc::kTxtBsy: return "ETXTBSY";
    case Errc::kFBig: return "EFBIG";
    case Errc::kNoSpc: return "ENOSPC";
    case Errc::kSPipe: return "ESPIPE";
    case Errc::kRoFs: return "EROFS";
    case Errc::kRange: return "ERANGE";
    case Errc::kNameTooLong: return "ENAMETOOLONG";
    case Errc::kLoop: return "ELOOP";
    case Errc::kOverflow: return "EOVERFLOW";
    case Errc::kOpNotSupp: return "EOPNOTSUPP";
    case Errc::kRemoteIo: return "EREMOTEIO";
    case Errc::kDQuot: return "EDQUOT";
    case Errc::kCanceled: return "ECANCELED";
    case Errc::kHwPoison: return "EHWPOISON";
    case Errc::kCorrupt: return "CORRUPT";
    case Errc::kNotPinned: return "NOT_PINNED";
    case Errc::kPinLimit: return "PIN_LIMIT";
    case Errc::kRefused: return "REFUSED";
    case Errc::kNotReferenced: return "NOT_REFERENCED";
    case Errc::kNoThread: return "NO_THREAD";
    case Errc::kOutOfMemory: return "OUT_OF_MEMORY";
    case Errc::kLivelock: return "LIVELOCK";
  }
  return "UNKNOWN";
}

}  // namespace pagebox::inline PAGEBOX_ENV
