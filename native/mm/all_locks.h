// All that keeps the entries of an address space as they are.
#pragma once

#include <vector>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// mmap_lock, and the locks of every file and every family of anon_vmas that leads to the address
/// space: nobody changes its entries, whether from a call of its own or from a page. For what is
/// done once; others must not hold any of these. As mm_take_all_locks() (v6.12).
class [[nodiscard]] AllLocks {
 public:
  explicit AllLocks(Mm& mm);
  ~AllLocks();
  AllLocks(const AllLocks&) = delete;
  AllLocks& operator=(const AllLocks&) = delete;

 private:
  Guard<RwLock> mmap_lock_;
  Guard<Mutex> alone_;  // two of us might want each other's
  std::vector<RwLock*> locks_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
