#include "page/memmap.h"

#include <cstring>
#include <utility>

#include "base/constant_memory.h"
#include "base/fault.h"
#include "base/memory_changes.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

// Descriptors of a block start and end on pages of memory only for strides that
// divide them; discard() wants whole pages, so reset() zeroes small runs by hand.
constexpr std::uint64_t kDiscardBytes = 1U << 20;
// Behind the last descriptor lie as many as the largest folio has: where a flag or an order
// was overwritten, its tails are looked for no further away than that.
constexpr std::uint64_t kGuardPages = 1024;

}  // namespace

Errc Memmap::create(const Layout& layout, std::uint64_t pages, std::uint64_t capacity,
                    std::unique_ptr<Memmap>& out, const Behaviour& behaviour) {
  if (pages == 0 || capacity < pages || capacity > max_pages(layout)) return Errc::kInval;
  const ConstantMemory constant;
  std::unique_ptr<Memmap> memmap(new Memmap);
  memmap->layout_ = layout;
  if (behaviour.rules) memmap->layout_.era.rules = *behaviour.rules;
  memmap->quirks_ = behaviour.quirks;
  memmap->options_ = behaviour.options;
  memmap->shape_ = shape_of(memmap->layout_);
  memmap->addresses_ = AddressMap(memmap->shape_);
  memmap->pages_ = pages;
  memmap->capacity_ = capacity;
  auto descriptors = Mapping::reserve_large((capacity + kGuardPages) * layout.stride_bytes);
  if (!descriptors) return Errc::kNoMem;
  const std::uint64_t blocks = (capacity + kBlockPages - 1) / kBlockPages;
  auto touched = Mapping::reserve((blocks + 63) / 64 * 8);
  if (!touched) return Errc::kNoMem;
  memmap->mapping_ = std::move(descriptors.value);
  memmap->touched_ = std::move(touched.value);
  out = std::move(memmap);
  return Errc::kOk;
}

void Memmap::init_descriptor(Pfn pfn, unsigned zone) {
  mark_touched(pfn);
  const Page page = this->page(pfn);
  page.set_mapcount_raw(planted(Mistake::kFreshMapcountZero) ? 0 : -1);
  page.set_flags(shape_.flags_of_new_page(pfn.value, zone));
}

bool Memmap::is_untouched(Pfn pfn) const {
  // Initialisation writes -1, so a zero `_mapcount` with zero flags is no page yet.
  const Page page = this->page(pfn);
  return page.flags() == 0 && page.mapcount_raw() == 0 && page.refcount() == 0;
}

void Memmap::zero(Pfn first, Pfn end) {
  const std::uint64_t stride = shape_.stride_bytes;
  const std::uint64_t bytes = (end - first) * stride;
  const std::uint64_t offset = first.value * stride;
  if (bytes < kDiscardBytes || offset % kPageBytes != 0 || bytes % kPageBytes != 0 ||
      mapping_.discard(offset, bytes) != Errc::kOk) {
    memory_changes(base() + offset, bytes);
    std::memset(base() + offset, 0, bytes);
  }
}

void Memmap::mark_touched(Pfn pfn) {
  const std::uint64_t block = pfn.value / kBlockPages;
  auto* word = reinterpret_cast<std::uint64_t*>(touched_.data()) + block / 64;
  const std::uint64_t bit = 1ULL << block % 64;
  if (atomics::load_bits(word, bit, atomics::kRelaxed) == 0) atomics::set_bits(word, bit);
}

bool Memmap::touched(Pfn pfn) const {
  const std::uint64_t block = pfn.value / kBlockPages;
  const auto* words = reinterpret_cast<const std::uint64_t*>(touched_.data());
  return atomics::load_bits(&words[block / 64], std::uint64_t{1} << block % 64,
                            atomics::kRelaxed) != 0;
}

std::uint64_t Memmap::touched_pages() const {
  std::uint64_t pages = 0;
  for_each_touched([&](Pfn first, Pfn end) { pages += end - first; });
  return pages;
}

void Memmap::reset() {
  for_each_touched([this](Pfn first, Pfn end) { zero(first, end); });
  const std::uint64_t words = ((capacity_ + kBlockPages - 1) / kBlockPages + 63) / 64;
  for (std::uint64_t i = 0; i < words; ++i)
    if (bitmap()[i] != 0) atomics::store(&bitmap()[i], std::uint64_t{0}, atomics::kRelaxed);
}

}  // namespace pagebox::inline PAGEBOX_ENV
