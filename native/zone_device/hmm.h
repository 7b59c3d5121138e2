// hmm_range_fault: what a range of an address space looks like, page by page, for
// a device that mirrors it; faults in what the caller asks for. Takes no
// references: what it says holds as long as the notifier's number does.
//
// Source: Documentation/mm/hmm.rst; v6.12 mm/hmm.c as behaviour.
#pragma once

#include <cstdint>
#include <span>

#include "zone_device/interval_notifier.h"

namespace pagebox::inline PAGEBOX_ENV {

/// |63 valid|62 write|61 error|60 .. 56 order|55 .......... 0 pfn|
/// As input: valid asks for the page, write for write access.
struct HmmPfn {
  static constexpr std::uint64_t kValid = 1ULL << 63, kWrite = 1ULL << 62, kError = 1ULL << 61,
                                 kReqFault = kValid, kReqWrite = kWrite;
  static constexpr unsigned kOrderShift = 56;
  static constexpr std::uint64_t kPfnMask = (1ULL << kOrderShift) - 1;

  std::uint64_t value = 0;
  bool valid() const { return (value & kValid) != 0; }
  bool write() const { return (value & kWrite) != 0; }
  bool error() const { return (value & kError) != 0; }
  unsigned order() const { return static_cast<unsigned>(value >> kOrderShift & 31); }
  Pfn pfn() const { return {value & kPfnMask}; }
};

struct HmmRange {
  const IntervalNotifier* notifier = nullptr;
  std::uint64_t notifier_seq = 0;  // of read_begin()
  std::uint64_t start = 0, end = 0;
  std::span<HmmPfn> pfns;  // one a page; in: requests, out: findings
  /// What is asked of a page: (its word & pfn_flags_mask) | default_flags. Both
  /// zero: a snapshot.
  std::uint64_t default_flags = 0, pfn_flags_mask = 0;
  /// Private pages of this owner are reported, not faulted.
  const void* dev_private_owner = nullptr;
};

/// mmap_lock held, shared. kBusy: the range changed meanwhile, start again from
/// read_begin(); kFault: asked for a page where none can be; kPerm: asked to
/// write where the vma is read-only.
Errc hmm_range_fault(Cpu& cpu, HmmRange& range);

}  // namespace pagebox::inline PAGEBOX_ENV
