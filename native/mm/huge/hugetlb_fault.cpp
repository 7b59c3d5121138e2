// Faults of hugetlb memory: a page for an empty pmd, write access to a leaf.
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

Pte writable(const Vma& vma, Pte pte) {
  return maybe_mkwrite(pte.with(Pte::kAccessed).mkdirty(), vma);
}

/// The fault lock is held, and nobody else fills an empty entry.
FaultResult map_fresh(Cpu& cpu, Vma& vma, std::uint64_t start, PteSlot pmd, bool write) {
  Machine& machine = cpu.machine;
  HugetlbClaims& claims = *vma.hugetlb;
  if (claims.lost) return FaultResult::kSigbus;
  if (anon_vma_prepare(cpu, vma) != Errc::kOk) return FaultResult::kOom;
  const bool promised = hugetlb_promised(vma, start);
  const auto fresh = machine.hugetlb.take(promised);
  if (!fresh) return FaultResult::kSigbus;
  if (promised) claims.promised.edit(hugetlb_index(vma, start)) = false;
  const Page folio = fresh.value;
  hugetlb_clear(machine, folio);
  const Guard guard(*pmd.lock);
  hugetlb_add_new_anon_rmap(machine, folio, vma, start);
  const Pte pte = Pte::of(machine.pfn_of(folio), vma.page_prot | Pte::kHuge);
  pmd.map(write ? writable(vma, pte) : pte);
  return FaultResult::kOk;
}

/// Rule 3: the page is the owner's alone afterwards. Folio locked.
void unmap_others(Cpu& cpu, Page folio, const Vma& owner) {
  Machine& machine = cpu.machine;
  std::int32_t taken = 0;
  rmap_walk(machine, folio, [&](Vma& vma, std::uint64_t address) {
    if (&vma == &owner || !vma.is_hugetlb() || vma.hugetlb->owner) return true;
    Invalidation invalidation(cpu, *vma.mm,
                              {address, address + kPmdBytes, NotifyEvent::kClear, nullptr});
    const PteSlot pmd = vma.mm->page_table.find_pmd(address);
    if (!pmd) return true;
    const Guard guard(*pmd.lock);
    if (!is_huge_leaf(pmd.get()) || pmd.get().pfn() != machine.pfn_of(folio)) return true;
    (void)pmd.clear_and_flush();
    hugetlb_remove_rmap(folio);
    vma.hugetlb->lost = true;
    ++taken;
    return true;
  });
  // Never the last ones: the caller has its own.
  for (; taken > 0; --taken) folio_put(cpu, folio);
}

/// Write access, or an exclusive page that stays read-only (unshare). The fault lock
/// and the folio's are held, and a reference.
class WriteFault {
 public:
  WriteFault(Cpu& cpu, Vma& vma, std::uint64_t start, PteSlot pmd, Pte orig, bool unshare)
      : cpu_(cpu), vma_(vma), start_(start), pmd_(pmd), orig_(orig), unshare_(unshare) {}

  FaultResult run(Page folio) {
    if (reuse(folio)) return FaultResult::kOk;
    auto fresh = cpu_.machine.hugetlb.take(false);
    if (!fresh && vma_.hugetlb->owner) {
      unmap_others(cpu_, folio, vma_);
      if (reuse(folio)) return FaultResult::kOk;
      fresh = cpu_.machine.hugetlb.take(false);
    }
    if (!fresh) return FaultResult::kSigbus;
    copy(folio, fresh.value);
    return FaultResult::kOk;
  }

 private:
  bool changed() const { return pmd_.get() != orig_; }

  /// True also if the entry is another one by now. Only mappings count: whoever else
  /// has a reference sees what is written (v6.12).
  bool reuse(Page folio) {
    const Guard guard(*pmd_.lock);
    if (changed()) return true;
    if (!page_anon_exclusive(folio)) {
      if (folio_mapcount(cpu_.machine, folio) != 1) return false;
      folio_move_anon_rmap(cpu_.machine, folio, vma_);
      folio.set(kFlagAnonExclusive);
    }
    if (!unshare_) pmd_.make_writable(writable(vma_, orig_));
    return true;
  }

  void copy(Page from, Page to) {
    Machine& machine = cpu_.machine;
    hugetlb_copy(machine, to, from);
    bool copied = false;
    {
      Invalidation invalidation(cpu_, *vma_.mm,
                                {start_, start_ + kPmdBytes, NotifyEvent::kClear, nullptr});
      const Guard guard(*pmd_.lock);
      if (!changed()) {
        // Empty first: fast GUP must never see the old page with the new bits.
        (void)pmd_.clear_and_flush();
        hugetlb_add_new_anon_rmap(machine, to, vma_, start_);
        const Pte pte = Pte::of(machine.pfn_of(to), vma_.page_prot | Pte::kHuge);
        pmd_.map(unshare_ ? pte : writable(vma_, pte));
        hugetlb_remove_rmap(from);
        copied = true;
      }
    }
    folio_put(cpu_, copied ? from : to);
  }

  Cpu& cpu_;
  Vma& vma_;
  const std::uint64_t start_;
  const PteSlot pmd_;
  const Pte orig_;
  const bool unshare_;
};

}  // namespace

std::uint64_t hugetlb_index(const Vma& vma, std::uint64_t start) {
  return (vma.pgoff_of(start) - vma.hugetlb->first_pgoff) / kPagesPerPmd;
}

bool hugetlb_promised(const Vma& vma, std::uint64_t start) {
  return vma.hugetlb->owner && vma.hugetlb->promised[hugetlb_index(vma, start)] != 0;
}

std::uint64_t hugetlb_promises(const Vma& vma) {
  if (!vma.is_hugetlb()) return 0;
  std::uint64_t count = 0;
  for (std::uint64_t at = vma.start; at < vma.end; at += kPmdBytes)
    count += hugetlb_promised(vma, at) ? 1 : 0;
  return count;
}

Errc hugetlb_reserve_vma(Machine& machine, Vma& vma) {
  const std::uint64_t pages = vma.pages() / kPagesPerPmd;
  if (const Errc error = machine.hugetlb.reserve(pages); error != Errc::kOk) return error;
  auto claims = std::make_shared<HugetlbClaims>();
  claims->first_pgoff = vma.pgoff;
  claims->promised = std::vector<std::uint8_t>(pages, 1);
  claims->owner = true;
  vma.hugetlb = std::move(claims);
  return Errc::kOk;
}

void hugetlb_close_vma(Machine& machine, const Vma& vma) {
  if (const std::uint64_t left = hugetlb_promises(vma); left > 0) machine.hugetlb.unreserve(left);
}

FaultResult hugetlb_fault(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags) {
  const bool write = (flags & kFaultWrite) != 0, unshare = (flags & kFaultUnshare) != 0;
  const std::uint64_t start = pmd_start(address);
  Machine& machine = cpu.machine;
  const Guard guard(machine.hugetlb.fault_lock);
  const auto slot = vma.mm->page_table.alloc_pmd(cpu, start);
  if (!slot) return FaultResult::kOom;
  const PteSlot pmd = slot.value;
  const Pte orig = pmd.get();
  if (orig.none()) return map_fresh(cpu, vma, start, pmd, write);
  if (!is_huge_leaf(orig)) return FaultResult::kOom;  // a table: nobody makes one here
  const Page folio = machine.page(orig.pfn());
  {
    const Guard pmd_guard(*pmd.lock);
    if (pmd.get() != orig) return FaultResult::kOk;
    if ((!write && !unshare) || orig.write()) {
      touch_pmd(pmd, write);
      return FaultResult::kOk;
    }
    machine.get(folio);
  }
  folio_lock(folio);
  const FaultResult result = WriteFault(cpu, vma, start, pmd, orig, unshare).run(folio);
  folio_unlock(folio);
  folio_put(cpu, folio);
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
