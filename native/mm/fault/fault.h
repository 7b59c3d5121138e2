// Page faults. mmap_lock is held shared throughout; migrate_to_ram of a device
// runs under it as well.
#pragma once

#include <cstdint>

#include "mm/fault/fault_result.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

enum FaultFlags : std::uint32_t {
  kFaultWrite = 1,
  kFaultUnshare = 2,  // a pin without write wants an exclusive page, mapped read-only
};

/// What the program does to its page, for a fault that makes its entry: it holds the lock that the
/// access needs. In the model it comes after the fault, so that whatever may come between comes.
class FaultedAccess {
 public:
  template <class Access>
  explicit FaultedAccess(Access& access)
      : of_(&access), run_([](void* of, Pfn pfn) { (*static_cast<Access*>(of))(pfn); }) {}
  void happen(Pfn pfn) {
    run_(of_, pfn);
    has_happened_ = true;
  }
  bool has_happened() const { return has_happened_; }

 private:
  void* of_;
  void (*run_)(void* of, Pfn pfn);
  bool has_happened_ = false;
};

/// Makes the access possible or says why not. Permissions of the vma are the
/// caller's matter. kOk: look again (the entry may have changed meanwhile). kSigbus also
/// where it waited in vain for a damaged page (base/retry.h).
/// `broke_cow`, if not null, becomes true where a write fault made the entry's page the
/// process's own (VM_FAULT_WRITE until v6.0), though the vma may not let it be written.
/// `access`, if not null, may happen meanwhile.
FaultResult handle_mm_fault(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags,
                            bool* broke_cow = nullptr, FaultedAccess* access = nullptr);

/// State of one fault on its way through the handlers.
struct Fault {
  Cpu& cpu;
  Vma& vma;
  std::uint64_t address;
  std::uint32_t flags;
  PteSlot slot;
  Pte orig;
  FaultedAccess* access = nullptr;
  bool broke_cow = false;
  Mm& mm() const { return *vma.mm; }
  Machine& machine() const { return cpu.machine; }
  bool write() const { return (flags & kFaultWrite) != 0; }
  bool unshare() const { return (flags & kFaultUnshare) != 0; }
  /// Empty until now, or not present; with the lock held.
  void map(Pte pte) {
    slot.map(pte);
    const std::uint64_t needs =
        Pte::kPresent | Pte::kAccessed | (write() ? Pte::kWrite | Pte::kDirty : std::uint64_t{0});
    if (access != nullptr && pte.has(needs)) access->happen(pte.pfn());
  }
};

// One file each; see there.
FaultResult do_anonymous_page(Fault& fault);
FaultResult do_file_fault(Fault& fault);
FaultResult do_swap_page(Fault& fault);
/// Called with the entry's lock held; releases it.
FaultResult do_wp_page(Fault& fault);

/// A device-exclusive entry becomes an ordinary one again, as writable as it was.
FaultResult remove_device_exclusive_entry(Fault& fault, Page page);
/// The same with the entry's lock and the folio lock held (fork).
void restore_exclusive_pte(Cpu& cpu, Vma& vma, std::uint64_t address, PteSlot slot);

/// The page behind a present entry; empty for special ones (the zero page), and for
/// devmap ones, which count neither references nor mappings (until v6.14).
inline Page vm_normal_page(const Machine& machine, Pte pte) {
  if ((pte.value & (Pte::kSpecial | Pte::kDevmap)) != 0 || machine.is_zero_pfn(pte.pfn()))
    return {};
  return machine.page(pte.pfn());
}
/// The page behind a devmap entry, for whoever takes a reference of its own.
Page devmap_page(Machine& machine, Pte pte);
/// The page that an entry of any kind is about, as far as it names one: for messages.
Page page_behind(Cpu& cpu, const Mm& mm, std::uint64_t address);
/// Private write fault: a copy of `source` becomes the entry's own page.
FaultResult map_private_copy(Fault& fault, Pfn source);
/// Adds write access if the vma allows it (maybe_mkwrite).
inline Pte maybe_mkwrite(Pte pte, const Vma& vma) {
  return (vma.flags & kVmWrite) != 0 ? pte.with(Pte::kWrite) : pte;
}
/// The entry must stay read-only so that the next write is noticed.
inline bool pte_needs_soft_dirty_wp(const Vma& vma, Pte pte) {
  return (vma.flags & kVmSoftDirty) == 0 && !pte.soft_dirty();
}

}  // namespace pagebox::inline PAGEBOX_ENV
