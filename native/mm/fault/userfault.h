// What a userfaultfd monitor does for a process whose faults it sees. Only the filling of holes
// from the page cache: the faults themselves stay the machine's.
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

struct FilledPages {
  std::uint64_t pages = 0;  // before the first that could not be
  Errc error = Errc::kOk;
};

/// UFFDIO_CONTINUE: maps pages of tmpfs that are in the page cache into holes, dirty; read-only
/// where the mapping is private. kNoEnt: nothing is mapped there; kInval: no tmpfs; kFault: not in
/// the cache; kExist: no hole; kNoMem.
FilledPages uffd_continue(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages);

}  // namespace pagebox::inline PAGEBOX_ENV
