#include "engine/audit/audit_storage.h"

#include <algorithm>

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "zone_device/dax_file.h"
#include "zone_device/p2pdma.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

class DaxAudit {
 public:
  DaxAudit(const DaxDevice& device, AuditSink& sink)
      : device_(device), machine_(device.machine()), sink_(sink), owners_(pages()) {}

  void run(const MmAuditInput& input) {
    for (const auto& file : device_.files()) {
      for (std::uint64_t i = 0; i < file->pages(); ++i)
        check_block(file->block(i).value, &file->space(), i);
    }
    for (const Pfn pfn : device_.free_list()) check_block(pfn, nullptr, 0);
    check_owners();
    for (std::size_t i = 0; i < input.mms.size(); ++i)
      for (const auto& vma : input.mms[i]->vmas) check_vma(*vma, process_of(input, i));
  }

 private:
  std::uint64_t pages() const { return device_.pagemap().pages(); }

  void check_block(Pfn pfn, const AddressSpace* file, std::uint64_t index) {
    const auto explain = [&] {
      return file == nullptr ? std::string("a free block") : "block " + std::to_string(index);
    };
    if (!device_.pagemap().contains(pfn)) {
      sink_.add(Invariant::kDaxBlockOwned, AuditPlace::page(pfn), "block",
                device_.pagemap().first().value, pfn.value, explain);
      return;
    }
    ++owners_[pfn - device_.pagemap().first()];
    if (!device_.has_descriptors()) return;
    const Page page = machine_.page(pfn);
    if (folio_file(machine_, page) != file)
      sink_.add(Invariant::kDaxBlockLinked, AuditPlace::page(pfn), "mapping",
                file == nullptr ? 0 : 1, page.mapping() != 0,
                [&] { return explain() + " names another file, or none"; });
    if (file != nullptr && folio_index(page) != index)
      sink_.add(Invariant::kDaxBlockLinked, AuditPlace::page(pfn), "index", index,
                folio_index(page), explain);
  }

  /// A removed device has no blocks any more, and neither have its files.
  void check_owners() {
    const unsigned expected = device_.is_removed() ? 0 : 1;
    for (std::uint64_t i = 0; i < owners_.size(); ++i)
      if (owners_[i] != expected)
        sink_.add(Invariant::kDaxBlockOwned, AuditPlace::page(device_.pagemap().first() + i),
                  "block", expected, owners_[i], "files that have it, or the free list");
  }

  DaxFile* file_of(const Vma& vma) const {
    for (const auto& file : device_.files())
      if (&file->space() == vma.file) return file.get();
    return nullptr;
  }

  void check_vma(const Vma& vma, std::uint64_t process) {
    DaxFile* file = file_of(vma);
    if (file == nullptr) return;
    vma.mm->page_table.for_each_pte(vma.start, vma.end, [&](std::uint64_t address, PteSlot slot) {
      const Pte pte = slot.get();
      // What a private mapping has copied is RAM, or in swap.
      if (!pte.present() || !machine_.is_zone_device(pte.pfn())) return;
      const auto block = file->block(vma.pgoff_of(address));
      const Pfn expected = block ? block.value : kNoPfn;
      if (pte.pfn() != expected)
        sink_.add(Invariant::kDaxBlockMapped, AuditPlace::address(process, address), "block",
                  expected.value, pte.pfn().value, "mapped, and the file has another block there");
    });
  }

  const DaxDevice& device_;
  Machine& machine_;
  AuditSink& sink_;
  std::vector<unsigned> owners_;  // by block: files and free lists that have it
};

}  // namespace

void audit_dax(const DaxDevice& device, const MmAuditInput& input, AuditSink& sink) {
  DaxAudit(device, sink).run(input);
}

void audit_p2pdma(const P2pdma& device, const MmAuditInput& input, AuditSink& sink) {
  const DevPagemap& pagemap = device.pagemap();
  struct Use {
    bool free = false, used = false, by_pfn = false;
  };
  std::vector<Use> uses(pagemap.pages());
  const auto use_of = [&](Pfn pfn) -> Use& { return uses[pfn - pagemap.first()]; };
  for (const Pfn pfn : device.free_list()) use_of(pfn).free = true;
  for (const Mm* mm : input.mms)
    for (const auto& vma : mm->vmas)
      mm->page_table.for_each_pte(vma->start, vma->end, [&](std::uint64_t, PteSlot slot) {
        const Pte pte = slot.get();
        if (pte.present() && pagemap.contains(pte.pfn())) use_of(pte.pfn()).used = true;
      });
  for (const HeldReference& each : input.held)
    if (pagemap.contains(each.pfn)) {
      Use& use = use_of(each.pfn);
      (each.by_pfn ? use.by_pfn : use.used) = true;
    }
  for (std::uint64_t i = 0; i < uses.size(); ++i) {
    const Use& use = uses[i];
    const bool held = use.used || use.by_pfn || input.held_is_partial;
    if (use.free ? !use.used : held) continue;
    sink.add(Invariant::kP2pdmaAccounted, AuditPlace::page(pagemap.first() + i), "free",
             use.free ? 0 : 1, use.free ? 1 : 0,
             use.free ? "mapped or held, yet free to be handed out"
                      : "nobody has it, and it is not free");
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
