#include "mm/machine.h"

#include <utility>

#include "mm/pte.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {

Machine::~Machine() = default;

Errc Machine::start(const MachineOptions& options, std::string* reason) {
  std::string lack = layout_lacks(memmap.layout(), LayoutUse::kMemoryManagement);
  if (lack.empty() && options.hugetlb_pages > 0 && !HugetlbPool::has_mark(memmap.shape()))
    lack = memmap.layout().name + ": the layout has no hugetlb pages";
  if (!lack.empty()) {
    if (reason != nullptr) *reason = std::move(lack);
    return Errc::kRefused;
  }
  options_ = options;
  pins.set_ops(pin_ops());
  if (const Errc error = frames.create(memmap.pages()); error != Errc::kOk) return error;
  if (const Errc error = tables.create(memmap.pages()); error != Errc::kOk) return error;
  if (const Errc error = swap.create(options.swap_pages, options.cpus); error != Errc::kOk)
    return error;
  if (pins.scheme().place == CountPlace::kMapcount) {
    auto entries = Mapping::reserve(memmap.capacity() * sizeof(std::uint32_t));
    if (!entries) return entries.error;
    head_entries_ = std::move(entries.value);
  }
  for (unsigned i = 0; i < options.cpus; ++i) cpus_.emplace_back(*this, i);
  allocator.set_cpus(options.cpus, options.page_batch);
  const auto zero = allocator.alloc(0);
  if (!zero) return zero.error;
  zero_pfn_ = zero.value;
  frames.clear(zero_pfn_);
  page(zero_pfn_).set(Flag::kReserved);
  page(zero_pfn_).set(Flag::kUptodate);
  return hugetlb.create(allocator, options.hugetlb_pages);
}

Page Machine::get_huge_zero_page() {
  Guard guard(huge_zero_lock_);
  if (const Page had = huge_zero_page()) return had;
  const auto huge = allocator.alloc(kHugeOrder);
  if (!huge) return {};
  prep_compound(memmap, huge.value, kHugeOrder);
  frames.clear(huge.value, kPagesPerPmd);
  page(huge.value).set(Flag::kUptodate);
  huge_zero_.store(huge.value.value + 1);
  return page(huge.value);
}

PinOps Machine::pin_ops() {
  return {
      .context = this,
      .real_mappings = [](void* machine, Pfn head) -> std::uint32_t {
        Machine& m = *static_cast<Machine*>(machine);
        return rmap_count(m, m.page(head)).value_or(0);
      },
      .release =
          [](void* machine, Pfn head) {
            Machine& m = *static_cast<Machine*>(machine);
            free_folio(m.cpu(0), m.page(head));
          },
      .settle = [](void* machine,
                   Pfn head) { settle_lru_flags(static_cast<Machine*>(machine)->page(head)); },
  };
}

std::uint64_t Machine::foll_pins() const {
  std::uint64_t pins = 0;
  for (const Cpu& cpu : cpus_)
    pins += cpu.pin_statistics.acquired.load() - cpu.pin_statistics.released.load();
  return pins;
}

Result<Pfn> Machine::alloc_online(const Cpu& cpu, unsigned order) {
  const auto pfn = allocator.alloc(order, cpu.index);
  if (!pfn || offline_ < pfn.value || offline_ >= pfn.value + (std::uint64_t{1} << order))
    return pfn;
  const auto other = allocator.alloc(order, cpu.index);
  page(pfn.value).set_refcount(0);
  allocator.free(pfn.value, order);
  return other;
}

std::size_t Machine::alloc_pages(const Cpu& cpu, FreshPage fresh, std::span<Pfn> out) {
  if (cpu.control != nullptr) out = out.first(cpu.control->grants(FailSite::kPage, out.size()));
  const std::size_t had = allocator.alloc_each(out, fresh, cpu.index);
  if (offline_ == kAllOnline) return had;
  const auto at = std::ranges::find(out.first(had), offline_);
  if (at == out.begin() + static_cast<std::ptrdiff_t>(had)) return had;
  const bool replaced = allocator.alloc_each(std::span(at, 1), fresh, cpu.index) == 1;
  page(offline_).set_refcount(0);
  allocator.free(offline_, 0);
  if (!replaced) *at = out[had - 1];
  return replaced ? had : had - 1;
}

Result<Page> Machine::alloc_folio(Cpu& cpu, unsigned order, FailSite site) {
  if (cpu.fails(site)) return Errc::kNoMem;
  const auto pfn = alloc_online(cpu, order);
  if (!pfn) return pfn.error;
  if (order > 0) {
    prep_compound(memmap, pfn.value, order);
    if (memmap.shape().large_mapcount != 0) folio_page(page(pfn.value), 1).set(kFlagLargeRmappable);
  }
  return page(pfn.value);
}

Result<Page> Machine::alloc_zeroed_page(const Cpu& cpu, FreshPage fresh) {
  fresh.flags |= zero_page().mask_of(Flag::kUptodate);
  Pfn pfn;
  if (alloc_pages(cpu, fresh, std::span(&pfn, 1)) == 0) return Errc::kNoMem;
  frames.clear(pfn);
  return page(pfn);
}

const PagemapRange* Machine::find_pagemap(Pfn pfn) const {
  for (const auto& each : pagemaps_) {
    const PagemapRange* range = each.load();
    if (range != nullptr && pfn >= range->first && pfn - range->first < range->pages) return range;
  }
  return nullptr;
}

Errc Machine::add_pagemap(const PagemapRange* range) {
  for (auto& each : pagemaps_) {
    const PagemapRange* expected = nullptr;
    if (each.compare_exchange(expected, range)) return Errc::kOk;
  }
  return Errc::kNoSpc;
}

void Machine::remove_pagemap(const PagemapRange* range) {
  for (auto& each : pagemaps_) {
    const PagemapRange* expected = range;
    if (each.compare_exchange(expected, nullptr)) return;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
