// The array of descriptors. Reserved at creation and not touched: an all-zero
// descriptor is a page never handed out. A bitmap of initialised blocks bounds
// audit and reset.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/errc.h"
#include "base/mapping.h"
#include "page/address.h"
#include "page/behaviour.h"
#include "page/layout.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Memmap {
 public:
  /// Reserves `capacity` descriptors (RAM first, devices to come behind it), of
  /// which `pages` are RAM. kInval: no pages, more than a pfn of this layout can
  /// name (max_pages), or capacity below pages; kNoMem: cannot be reserved.
  static Errc create(const Layout& layout, std::uint64_t pages, std::uint64_t capacity,
                     std::unique_ptr<Memmap>& out, const Behaviour& behaviour = {});

  /// With the rules that hold here, whatever the layout said.
  const Layout& layout() const { return layout_; }
  KernelRules rules() const { return layout_.era.rules; }
  QuirkSet quirks() const { return quirks_; }
  OptionSet options() const { return options_; }
  const Shape& shape() const { return shape_; }
  const AddressMap& addresses() const { return addresses_; }
  std::uint64_t pages() const { return pages_; }
  std::uint64_t capacity() const { return capacity_; }
  /// Not empty, behind RAM, and within what was reserved for devices.
  bool is_device_range(Pfn first, std::uint64_t pages) const {
    return pages != 0 && first.value >= pages_ && first.value <= capacity_ &&
           pages <= capacity_ - first.value;
  }
  std::byte* base() const { return mapping_.data(); }

  Page page(Pfn pfn) const { return {base() + pfn.value * shape_.stride_bytes, &shape_}; }
  Pfn pfn_of(Page page) const {
    const auto offset = static_cast<std::uint64_t>(page.at() - base());
    return {shape_.stride_shift != 0 ? offset >> shape_.stride_shift
                                     : offset / shape_.stride_bytes};
  }

  /// Makes an all-zero descriptor a page of `zone`: `_mapcount` -1, zone, node
  /// and section bits, no references; the kernel's deferred initialisation.
  void init_descriptor(Pfn pfn, unsigned zone);
  /// Never handed out: all zero where initialisation writes.
  bool is_untouched(Pfn pfn) const;

  /// Blocks of kBlockPages pages in which something was initialised.
  static constexpr std::uint64_t kBlockPages = 512;
  void mark_touched(Pfn pfn);
  bool touched(Pfn pfn) const;
  /// Pages of touched blocks: what the array costs. As exact as for_each_touched().
  std::uint64_t touched_pages() const;
  /// Calls fn(first, end) for each run of touched blocks, ascending. Blocks
  /// touched meanwhile may be left out.
  template <class Fn>
  void for_each_touched(Fn&& fn) const;
  /// Back to all-zero; touched blocks only. No one else may use the array.
  void reset();

  /// Bits of a word that may be left on a page whose last reference went; whoever
  /// frees it calls forget(). Before pages are handed out.
  void set_left_behind(unsigned word, std::uint64_t mask) {
    if (word >= left_behind_.size()) left_behind_.resize(word + 1);
    left_behind_[word] |= mask;
    leaves_behind_ = leaves_behind_ || mask != 0;
  }
  /// The same of a table of counts by pfn, each `bits` wide (a power of two up to 32).
  void set_left_outside(std::uint32_t* table, unsigned bits) {
    left_outside_ = table;
    left_outside_bits_ = bits;
    leaves_behind_ = true;
  }
  void forget(Page page) const {
    if (!leaves_behind_) [[likely]]
      return;
    for (unsigned i = 0; i < left_behind_.size(); ++i)
      if (left_behind_[i] != 0) page.set_word(i, page.word(i) & ~left_behind_[i]);
    if (left_outside_ == nullptr) return;
    const std::uint64_t first = pfn_of(page).value * left_outside_bits_;
    const std::uint32_t mask = ~0U >> (32 - left_outside_bits_) << first % 32;
    atomics::fetch_and(left_outside_ + first / 32, ~mask);
  }

  /// For boxes whose pages are all touched; see Mapping::advise_huge_pages.
  void advise_huge_pages() { (void)mapping_.advise_huge_pages(); }

 private:
  Memmap() = default;
  std::uint64_t* bitmap() const { return reinterpret_cast<std::uint64_t*>(touched_.data()); }
  void zero(Pfn first, Pfn end);

  Layout layout_;
  QuirkSet quirks_;
  OptionSet options_;
  Shape shape_;
  AddressMap addresses_;
  std::uint64_t pages_ = 0, capacity_ = 0;
  std::vector<std::uint64_t> left_behind_;
  std::uint32_t* left_outside_ = nullptr;
  unsigned left_outside_bits_ = 32;
  bool leaves_behind_ = false;
  Mapping mapping_, touched_;
};

}  // namespace pagebox::inline PAGEBOX_ENV

#include "page/memmap_inl.h"
