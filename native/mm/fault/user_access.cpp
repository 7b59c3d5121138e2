#include "mm/fault/user_access.h"

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What the processor checks before it asks for a fault: on x86 a page that may
/// be written may be read.
bool access_error(const Vma& vma, bool write) {
  return write ? (vma.flags & kVmWrite) == 0 : !vma.is_accessible();
}

bool allows(Pte pte, bool write) { return pte.has(Pte::kPresent) && (!write || pte.write()); }

/// Runs `access(pfn)` while the entry allows it, with its lock held: a TLB entry
/// is valid until the change of the page table has flushed it.
template <class Access>
bool try_access(Mm& mm, std::uint64_t address, bool write, Access&& access) {
  PteSlot slot = mm.page_table.find(address);
  const bool in_pmd = !slot;
  if (in_pmd) slot = mm.page_table.find_pmd(address);
  if (!slot) return false;
  // Who is about to fault spares itself the lock. In the model a look would be a step more.
  if (!kModel && !allows(slot.get(), write)) return false;
  Guard guard(*slot.lock);
  const Pte pte = slot.get();
  // A pmd entry may lead to a table by now.
  if (pte.huge() != in_pmd) return false;
  if (!allows(pte, write)) return false;
  const std::uint64_t bits = Pte::kAccessed | (write ? Pte::kDirty : 0ULL);
  if (!pte.has(bits)) slot.mark(bits);
  access(in_pmd ? huge_pfn(pte, address) : pte.pfn());
  return true;
}

template <class Access>
FaultResult user_access(Cpu& cpu, Mm& mm, std::uint64_t address, bool write, Access&& access) {
  // The tables have no room for more bits: such an address would be another's.
  if (address >= kTaskSize) return FaultResult::kSigsegv;
  Retry retry("a fault to map a page");
  // The processor tries again with no lock held: what a fault has mapped may be gone by then, or
  // allow less.
  for (bool has_faulted = false;; has_faulted = true) {
    SharedGuard guard(mm.mmap_lock);
    if (try_access(mm, address, write, access)) return FaultResult::kOk;
    if (has_faulted && retry.asks_next()) retry.looks_at(page_behind(cpu, mm, address).at());
    if (has_faulted && !retry.again()) return FaultResult::kSigbus;
    Vma* vma = mm.find_vma(address);
    if (vma == nullptr || access_error(*vma, write)) return FaultResult::kSigsegv;
    if (planted(Mistake::kFaultLetsGo)) leave_and_share(mm.mmap_lock);
    // On the host at once, or while mmap_lock is held anyway: each lock is a tenth of a fault.
    FaultedAccess pending(access);
    const FaultResult result = handle_mm_fault(cpu, *vma, address, write ? +kFaultWrite : 0U,
                                               nullptr, kModel ? nullptr : &pending);
    if (result != FaultResult::kOk || pending.has_happened()) return result;
    if (!kModel && try_access(mm, address, write, access)) return FaultResult::kOk;
  }
}

}  // namespace

FaultResult load_word(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t& out) {
  return user_access(cpu, mm, address, false,
                     [&](Pfn pfn) { out = cpu.machine.frames.word(pfn, address % kPageBytes); });
}

FaultResult store_word(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t value) {
  return user_access(cpu, mm, address, true, [&](Pfn pfn) {
    cpu.machine.frames.set_word(pfn, address % kPageBytes, value);
  });
}

FaultResult copy_page_from_user(Cpu& cpu, Mm& mm, std::uint64_t address, std::byte* out) {
  return user_access(cpu, mm, address, false, [&](Pfn pfn) { cpu.machine.frames.read(pfn, out); });
}

FaultResult copy_page_to_user(Cpu& cpu, Mm& mm, std::uint64_t address, const std::byte* from) {
  return user_access(cpu, mm, address, true, [&](Pfn pfn) { cpu.machine.frames.write(pfn, from); });
}

}  // namespace pagebox::inline PAGEBOX_ENV
