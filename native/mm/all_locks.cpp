#include "mm/all_locks.h"

#include <algorithm>
#include <ranges>

#include "mm/address_space.h"
#include "mm/rmap/anon_vma.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Each once, in an order that no address decides.
template <class T>
void sort_out(std::vector<T*>& objects) {
  std::ranges::sort(objects, {}, &T::index);
  const auto again = std::ranges::unique(objects);
  objects.erase(again.begin(), again.end());
}

}  // namespace

AllLocks::AllLocks(Mm& mm) : mmap_lock_(mm.mmap_lock), alone_(mm.machine.all_locks_lock) {
  std::vector<AddressSpace*> files;
  std::vector<AnonVma*> roots;
  for (const auto& vma : mm.vmas) {
    if (vma->file != nullptr) files.push_back(vma->file);
    if (!vma->chain.empty()) roots.push_back(vma->chain.front()->root);
  }
  sort_out(files);
  sort_out(roots);
  for (AddressSpace* file : files) locks_.push_back(&file->i_mmap_lock);
  for (AnonVma* root : roots) locks_.push_back(&root->own_lock());
  for (RwLock* lock : locks_) lock->lock();
}

AllLocks::~AllLocks() {
  for (RwLock* lock : std::views::reverse(locks_)) lock->unlock();
}

}  // namespace pagebox::inline PAGEBOX_ENV
