#include "mm/zap.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Pages whose entries are gone, put only after the lock of their table is
/// dropped: the kernel's mmu_gather, which waits for the TLBs. A large range goes in
/// batches, while the descriptors are at hand.
class Gather {
 public:
  explicit Gather(Cpu& cpu) : cpu_(cpu) {}
  ~Gather() { put(); }
  Gather(const Gather&) = delete;
  Gather& operator=(const Gather&) = delete;

  void add(Page folio) { folios_.push_back(cpu_.machine.pfn_of(folio)); }
  /// No table's lock is held.
  void left_table() {
    if (folios_.size() >= kMost) put();
  }

 private:
  static constexpr std::size_t kBatch = 512, kMost = 4096;

  void put() {
    if (folios_.empty()) return;
    lru_add_drain(cpu_);
    for (std::span<Pfn> rest = folios_; !rest.empty();) {
      const std::span<Pfn> some = rest.first(std::min(kBatch, rest.size()));
      rest = rest.subspan(some.size());
      for (const Pfn pfn : some) free_swap_cache(cpu_, cpu_.machine.page(pfn));
      folios_put(cpu_, some);
    }
    folios_.clear();
  }

  Cpu& cpu_;
  std::vector<Pfn> folios_;
};

void zap_present(Cpu& cpu, Vma& vma, PteSlot slot, Gather& gather, const ZapDetails& details) {
  Machine& machine = cpu.machine;
  const Page page = vm_normal_page(machine, slot.get());
  if (!page) {
    slot.drop();
    return;
  }
  const Page folio = compound_head(machine.memmap, page);
  if (!details.even_cows && folio_test_anon(folio)) return;
  const Pte old = slot.clear_and_flush();
  if (!folio_test_anon(folio)) {
    if (old.dirty()) folio_mark_dirty(machine, folio);
    if (old.young()) folio_mark_accessed(cpu, folio);
  }
  folio_remove_rmap(cpu, page, vma);
  gather.add(folio);
}

void zap_entry(Cpu& cpu, Vma& vma, PteSlot slot, Gather& gather, const ZapDetails& details) {
  const SwapEntry entry = slot.get().entry();
  if (entry.is_swap()) {
    if (!details.even_cows) return;
    slot.drop();
    free_swap_and_cache(cpu, entry.offset);
  } else if (entry.has_page()) {
    const Page page = cpu.machine.page(entry.pfn());
    const Page folio = compound_head(cpu.machine.memmap, page);
    if (!details.even_cows && folio_test_anon(folio)) return;
    slot.drop();
    if (entry.is_migration()) return;  // holds no reference: the page is locked meanwhile
    if (entry.is_device_private()) folio_remove_rmap(cpu, page, vma);
    if (!planted(Mistake::kZapKeepsReference)) gather.add(folio);
  } else {
    slot.drop();
  }
}

}  // namespace

void zap_page_range(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end,
                    const ZapDetails& details) {
  if (vma.is_hugetlb()) return zap_hugetlb_range(cpu, vma, start, end);
  vma.mm->page_table.for_each_huge(start, end,
                                   [&](std::uint64_t from, std::uint64_t to, PteSlot pmd) {
                                     zap_huge(cpu, vma, from, to, pmd);
                                   });
  Gather gather(cpu);
  const auto zap = [&](std::uint64_t, PteSlot slot) {
    const Pte pte = slot.get();
    if (pte.none()) return;
    if (pte.present())
      zap_present(cpu, vma, slot, gather, details);
    else
      zap_entry(cpu, vma, slot, gather, details);
  };
  vma.mm->page_table.for_each_pte(start, end, zap, [&] { gather.left_table(); });
}

void unmap_mapping_pages(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages,
                         bool even_cows) {
  SharedGuard guard(file.i_mmap_lock);
  for (std::size_t i = 0; i < file.i_mmap.size(); ++i) {
    Vma& vma = *file.i_mmap[i];
    const std::uint64_t last = std::min<std::uint64_t>(first + pages, vma.pgoff + vma.pages());
    const std::uint64_t from = std::max<std::uint64_t>(first, vma.pgoff);
    if (from >= last) continue;
    const std::uint64_t start = vma.address_of(from), end = vma.address_of(last);
    Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kClear, nullptr});
    zap_page_range(cpu, vma, start, end, {&file, even_cows});
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
