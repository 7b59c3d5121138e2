#include "mm/all_locks.h"

#include <algorithm>
#include <ranges>

#include "mm/address_space.h"
#include "mm/rmap/anon_vma.h"

namespace pagebox::inline PAGEBOX_ENV {

AllLocks::AllLocks(Mm& mm) : mmap_lock_(mm.mmap_lock), alone_(mm.machine.all_locks_lock) {
  locks_.reserve(2 * mm.vmas.size());
  const auto want = [&](RwLock& lock) {
    if (std::ranges::find(locks_, &lock) == locks_.end()) locks_.push_back(&lock);
  };
  for (const auto& vma : mm.vmas)
    if (vma->file != nullptr) want(vma->file->i_mmap_lock);
  for (const auto& vma : mm.vmas)
    if (!vma->chain.empty()) want(vma->chain.front()->lock());
  for (RwLock* lock : locks_) lock->lock();
}

AllLocks::~AllLocks() {
  for (RwLock* lock : std::views::reverse(locks_)) lock->unlock();
}

}  // namespace pagebox::inline PAGEBOX_ENV
