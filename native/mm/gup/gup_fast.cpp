// Fast GUP: read the entries without a lock, grab the page, look again. Whoever
// takes an entry away clears it first and looks at the count afterwards, so one
// of the two sees the other.
#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/gup/gup_internal.h"
#include "mm/huge/huge.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool folio_allowed(Machine& machine, Page folio, std::uint32_t flags) {
  if (folio_test_anon(folio)) return true;
  const AddressSpace* file = folio_file(machine, folio);
  if (file == nullptr) return machine.is_zone_device(machine.pfn_of(folio));  // else truncated
  return file->is_shmem() || !leaves_tracked_files(machine, flags);
}

/// How the walk came to a table. Only where there are huge pages may it become one: its
/// pages are held by nobody then, or stay small.
struct WayHere {
  const PageTable& tables;
  std::uint64_t address;
  Pte pmd;

  bool is_same(const Machine& machine) const {
    if (!machine.options().transparent_huge_pages || machine.has(Quirk::kCollapseUnseen))
      return true;
    const PteSlot now = tables.find_pmd(address);
    // The MMU may have set a bit; that is no other table, but v6.12 gives up too.
    return now && now.get() == pmd;
  }
};

/// Empty: this page is not for the fast way.
Page grab(Cpu& cpu, PteSlot slot, const WayHere& way, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  const Pte pte = slot.get();
  const std::uint64_t need =
      Pte::kPresent | Pte::kUser | ((flags & kFollWrite) != 0 ? Pte::kWrite : 0);
  if (!pte.has(need) || pte.has(Pte::kSpecial)) return {};
  Page page = vm_normal_page(machine, pte);
  // Short pins only: without the vma nobody can tell whether it is a file's block.
  // Who takes such memory away unmaps it first and freezes its counts afterwards, so
  // the second look below replaces the kernel's reference on the pagemap.
  if (!page && (flags & kFollLongterm) == 0) page = devmap_page(machine, pte);
  if (!page || !try_grab_folio_speculative(cpu, page, flags)) return {};
  const Page folio = compound_head(machine.memmap, page);
  const bool pinnable = (flags & kFollLongterm) == 0 || folio_is_longterm_pinnable(machine, folio);
  // The MMU may set bits meanwhile; that is no other page, but v6.12 gives up too.
  if (pinnable && way.is_same(machine) &&
      (slot.get() == pte || planted(Mistake::kFastGupOneLook)) &&
      folio_allowed(machine, folio, flags) &&
      (pte.write() || !gup_must_unshare(machine, nullptr, flags, page))) {
    folio.set(Flag::kReferenced);
    return page;
  }
  if (!planted(Mistake::kGrabbedPageKept)) release_folio(cpu, page, flags);
  return {};
}

/// One page of a huge leaf. The huge zero page is one like any other here (v6.12).
Page grab_huge(Cpu& cpu, PteSlot pmd, std::uint64_t address, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  const Pte pte = pmd.get();
  const std::uint64_t need =
      Pte::kPresent | Pte::kUser | ((flags & kFollWrite) != 0 ? Pte::kWrite : 0);
  if (!pte.has(need) || !pte.huge()) return {};
  const Page page = machine.page(huge_pfn(pte, address));
  if (!try_grab_folio_speculative(cpu, page, flags)) return {};
  const Page folio = machine.page(pte.pfn());
  const bool allowed = folio_test_anon(folio) || !leaves_tracked_files(machine, flags);
  if (pmd.get() == pte && allowed &&
      (pte.write() || !gup_must_unshare(machine, nullptr, flags, folio))) {
    folio.set(Flag::kReferenced);
    return page;
  }
  release_folio(cpu, page, flags);
  return {};
}

}  // namespace

std::uint64_t gup_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                       std::span<Pfn> out) {
  std::uint32_t seq = 0;
  const bool watches_fork = (flags & kFollPin) != 0 && !cpu.machine.has(Quirk::kForkUnseen);
  if (watches_fork) {
    seq = mm.write_protect_seq.peek();
    if ((seq & 1) != 0) return 0;  // fork is write-protecting right now
  }
  std::uint64_t had = 0;
  {
    WalkGuard guard(cpu);
    while (had < out.size()) {
      const std::uint64_t at = address + had * kPageBytes;
      WayHere way{mm.page_table, at, {}};
      PteSlot slot = mm.page_table.find(at, way.pmd);
      const bool in_pmd = !slot;
      if (in_pmd) slot = mm.page_table.find_pmd(at);
      if (!slot) break;
      const Page page = in_pmd ? grab_huge(cpu, slot, at, flags) : grab(cpu, slot, way, flags);
      if (!page) break;
      out[had++] = cpu.machine.pfn_of(page);
    }
  }
  if (watches_fork && mm.write_protect_seq.peek() != seq) {
    for (std::uint64_t i = 0; i < had && !planted(Mistake::kBackedOffPinKept); ++i)
      unpin_user_page(cpu, out[i]);
    return 0;
  }
  return had;
}

}  // namespace pagebox::inline PAGEBOX_ENV
