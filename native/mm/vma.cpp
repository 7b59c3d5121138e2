#include "mm/vma.h"

#include "mm/address_space.h"
#include "mm/pte.h"

namespace pagebox::inline PAGEBOX_ENV {

std::uint64_t protection(std::uint64_t vm_flags) {
  if ((vm_flags & kVmAccessFlags) == 0) return Pte::kProtNone | Pte::kAccessed;
  std::uint64_t bits = Pte::kPresent | Pte::kUser | Pte::kAccessed | Pte::kNx;
  // A private mapping gets write access entry by entry, when a page is its own.
  if ((vm_flags & kVmWrite) != 0 && (vm_flags & kVmShared) != 0) bits |= Pte::kWrite;
  return bits;
}

bool vma_wants_writenotify(const Vma& vma) {
  if ((vma.flags & (kVmWrite | kVmShared)) != (kVmWrite | kVmShared)) return false;
  if (vma.file != nullptr && vma.file->tracks_dirty()) return true;
  return (vma.flags & kVmSoftDirty) == 0;
}

void vma_set_page_prot(Vma& vma) {
  const std::uint64_t flags = vma.flags;
  vma.page_prot = protection(vma_wants_writenotify(vma) ? flags & ~kVmShared : flags);
}

bool vma_wants_manual_pte_write_upgrade(const Vma& vma) {
  if ((vma.flags & kVmShared) != 0) return vma_wants_writenotify(vma);
  return (vma.flags & kVmWrite) != 0;
}

}  // namespace pagebox::inline PAGEBOX_ENV
