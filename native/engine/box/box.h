// A box: the memory of a small machine. Descriptors, the zone's LRU lists, the
// allocator, one pin scheme, and the ledger of who holds what. Frames, address
// spaces and devices are its machine's (box_machine.h), which comes when it is
// first needed.
//
// Calls below may come from several OS threads at once, except where they say
// `exclusive`; box_gate.h keeps those apart from all others.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/errc.h"
#include "base/lock.h"
#include "engine/box/accounts.h"
#include "engine/box/assembly.h"
#include "engine/box/box_gate.h"
#include "page/setup.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The longest descriptor: 80 bytes of 8-byte words.
inline constexpr unsigned kMaxWords = 10;

struct BoxSettings {
  Layout layout;
  SchemeSpec scheme;
  std::uint64_t pages = 0;         // RAM
  std::uint64_t device_pages = 0;  // pfns reserved behind RAM
  /// Fewer will do where a pfn of the layout cannot name so many.
  bool device_pages_optional = false;
  unsigned shards = 8;  // logical threads that pin by pfn
  Behaviour behaviour;
  /// Keep an exact account of pins and references, and refuse a wrong unpin or put
  /// before the descriptor is touched.
  bool ledger = true;
  /// It may get a machine; costs counters of the scheme for its processors.
  bool address_spaces = false;
  /// A machine from the start: memory behind the descriptors, pages only by allocation.
  bool frames = false;
  /// A page of a box without a machine is initialised as anonymous memory by its
  /// first pin or reference.
  bool populate_anon = true;
  /// Descriptors on huge pages, all touched at creation.
  bool huge_pages = false;
  /// RAM below is set up by pfn, though there be a machine: the allocator never hands it out.
  std::uint64_t placed_pages = 0;
  /// Pins are entered in the ledger by who holds them, around audits alone (races).
  bool ledger_at_audits = false;
  // Of its machine, see MachineOptions.
  unsigned cpus = 8;  // one to a user while there are enough
  std::uint64_t swap_pages = 1 << 14;
  bool transparent_huge_pages = true;
  std::uint64_t hugetlb_pages = 0;  // more than none: the machine comes with the box
  /// Who pays that calls and exclusive runs see each other (box_gate.h): measurements and
  /// tests ask for the way of systems without membarrier.
  AsymmetricBarrier::Payer gate_payer = AsymmetricBarrier::Payer::kRare;
  unsigned page_batch = Allocator::kBatch;  // of the processors' lists of free pages
};

struct PageWords {
  std::array<std::uint64_t, kMaxWords> words{};
  unsigned count = 0;  // of this layout: stride / word bytes
  unsigned word_bytes = 8;
};

class BoxMachine;

/// Pins of many pages, to be taken or given back.
struct PinBatch {
  std::span<const std::uint32_t> pfns;
  std::span<const std::uint32_t> counts;  // one for each page; empty: one pin each
  /// Gets what became of each page, and no failure ends the batch. Empty: all or nothing.
  std::span<std::int32_t> errors;

  std::uint32_t count(std::size_t i) const { return counts.empty() ? 1 : counts[i]; }
};

class Box {
 public:
  /// kInval: a setting out of range; kRefused: the scheme does not exist for this
  /// layout (`reason` says why); kNoMem: cannot be reserved. Nothing is touched:
  /// 2^28 pages take less than 10 ms.
  static Errc create(const BoxSettings& settings, std::shared_ptr<Box>& out,
                     std::string* reason = nullptr);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  // One page. kRange: no such pfn; kInval: n is 0; kCorrupt: word 1 of a tail points
  // nowhere. A tail stands for its head. What fails has changed nothing. `shard` is
  // the logical thread: the ledger refuses what another one pinned.

  /// kRange, kInval: a pfn or a count, as each of the calls says it.
  Errc check(Pfn pfn, std::uint32_t n) const {
    if (pfn.value >= memmap().capacity()) return Errc::kRange;
    return n == 0 || n > kRefcountMax ? Errc::kInval : Errc::kOk;
  }

  /// kAgain: the page is free or frozen.
  Errc get(Pfn pfn, std::uint32_t n = 1);
  /// kNotReferenced: the ledger has fewer references from get(). The last one frees
  /// the page.
  Errc put(Pfn pfn, std::uint32_t n = 1);
  /// As fast GUP. kAgain: free or frozen; kPinLimit, kRefused: as the scheme says. With a
  /// ledger no sum of pins and references is granted that `_refcount` cannot hold.
  Errc pin(Pfn pfn, std::uint32_t n = 1, unsigned shard = 0) {
    const Errc error = check_pin(pfn, n);
    return error == Errc::kOk ? scheme().try_pin_speculative(pfn, n, shard) : error;
  }
  /// Whether the scheme's declaration leaves page types out: a pin then asks for the type.
  bool asks_type() const { return asks_type_; }
  /// kRefused: the declaration leaves pages of this type out.
  Errc check_type(Pfn pfn) const;
  /// As slow GUP. kAgain: free; kNoMem: the count was at or below zero.
  Errc pin_referenced(Pfn pfn, std::uint32_t n = 1, unsigned shard = 0) {
    const Errc error = check_pin(pfn, n);
    return error == Errc::kOk ? scheme().pin_referenced(pfn, n, shard) : error;
  }
  /// kNotPinned: the ledger has fewer pins. The last reference frees the page.
  Errc unpin(Pfn pfn, std::uint32_t n = 1, unsigned shard = 0) {
    if (const Errc error = check(pfn, n); error != Errc::kOk) return error;
    const auto last = scheme().unpin(pfn, n, shard);
    return last && !last.value ? Errc::kOk : end_unpin(pfn, last);
  }
  /// Many pages. kRange, kInval: a pfn or a count, and nothing is done. Without `errors`
  /// all or nothing, as Pins::try_pin_all() and unpin_all() say it.
  BatchResult pin_many(const PinBatch& batch, unsigned shard = 0);
  BatchResult unpin_many(const PinBatch& batch, unsigned shard = 0);
  Result<bool> maybe_pinned(Pfn pfn) const;
  Result<PinCount> pins(Pfn pfn) const;

  /// As folio_isolate_lru: takes a reference and takes the page off its list. False:
  /// it is on none. kAgain: free.
  Result<bool> isolate(Pfn pfn);
  /// As folio_putback_lru. kInval: nobody has isolated it.
  Errc putback(Pfn pfn);

  // Boxes without a machine, and placed pages (else kOpNotSupp): the others are address
  // spaces'.

  /// Makes 2^order pages from `pfn` on be of a type; nobody else may use them
  /// meanwhile. kFree: as release(). kBusy:
  /// somebody holds one of them, or a folio reaches out of the range; kRefused: not in
  /// this layout; kInval: misaligned, or a tail.
  Errc setup(Pfn pfn, const PageSetup& setup);
  /// The same for each 2^order pages of [first, first + pages). Stops at an error;
  /// what was set up before it stays.
  Errc setup_range(Pfn first, std::uint64_t pages, const PageSetup& setup);
  /// Unmaps the page and gives its own references back: it is free at once, or when
  /// the last other reference goes. kAgain: it is free, or was released already;
  /// kRefused: a device's page, which only the device takes back.
  Errc release(Pfn pfn);

  Result<PageWords> words(Pfn pfn) const;
  Result<PageType> type_of(Pfn pfn) const;
  Result<Pfn> head_of(Pfn pfn) const;

  /// exclusive. As just created; touched pages only. kBusy: there are address spaces,
  /// files, devices or pins of theirs.
  Errc reset();

  /// Null until there is one.
  BoxMachine* machine() const { return machine_.get(); }
  /// exclusive. Makes the machine, once: untouched pages are address spaces' from then
  /// on. kRefused: not allowed by the settings, or not possible in the layout; kNoMem.
  Errc ensure_machine(std::string* reason = nullptr);
  /// Pfns below may be named: RAM, and devices that were added.
  std::uint64_t pfn_limit() const { return pfn_limit_.load(atomics::kRelaxed); }
  void set_pfn_limit(std::uint64_t limit) { pfn_limit_.store(limit, atomics::kRelaxed); }
  /// Bytes that its pages cost now, about: descriptors, accounts, frames.
  std::uint64_t held_bytes() const;
  /// Pages below are set up by pfn.
  std::uint64_t placed_pages() const {
    return machine_ == nullptr ? settings_.pages : settings_.placed_pages;
  }
  /// The page is the box's own: set up, or populated by a pin. Else a machine's.
  bool owns(Pfn head) const { return accounts_.state(head) != PageState::kNever; }

  const BoxSettings& settings() const { return settings_; }
  Assembly& assembly() { return assembly_; }
  Memmap& memmap() { return assembly_.memmap(); }
  const Memmap& memmap() const { return assembly_.memmap(); }
  Zone& zone() { return assembly_.zone(); }
  const Zone& zone() const { return assembly_.zone(); }
  Allocator& allocator() { return assembly_.allocator(); }
  /// Pins of another scheme on the same descriptors, outside the ledger: for
  /// measurements that take turns. kRefused: it needs another layout, or none has it.
  Errc make_pins(const SchemeSpec& scheme, unsigned shards, std::unique_ptr<Pins>& out);
  Pins& scheme() { return assembly_.pins(); }
  const Pins& scheme() const { return assembly_.pins(); }
  Accounts& accounts() { return accounts_; }
  const Accounts& accounts() const { return accounts_; }
  /// Null without one.
  Ledger* ledger() const { return ledger_.get(); }
  BoxGate& gate() { return gate_; }
  /// The last reference of `head` is gone: off its list, back to the allocator.
  void free_page(Pfn head);
  /// Initialises a page never handed out, if this box does that. False: it does not.
  bool try_populate(Pfn pfn);

 private:
  explicit Box(const BoxSettings& settings);
  Errc build(std::string* reason);
  PinOps pin_ops();
  /// Memory management's, not one that was set up by hand.
  bool is_machines(Pfn head) const { return machine_ != nullptr && !owns(head); }
  bool runs_machine() const;
  /// The machine comes with the box, not when it is first needed.
  bool starts_machine() const { return settings_.frames || settings_.hugetlb_pages > 0; }
  bool counts_refs() const { return ledger_ != nullptr; }
  bool may_place(Pfn first, std::uint64_t pages) const {
    return machine_ == nullptr ||
           (pages <= settings_.placed_pages && first.value <= settings_.placed_pages - pages);
  }
  /// One reference or more for whoever asks, in no account: the head's pfn.
  Result<Pfn> try_get_folio(Pfn pfn, std::uint32_t n);
  void drop_folio(Pfn head, std::uint32_t n);
  bool asks_type_ = false;
  Errc check_pin(Pfn pfn, std::uint32_t n) const {
    const Errc error = check(pfn, n);
    return error == Errc::kOk && asks_type_ ? check_type(pfn) : error;
  }
  Errc end_unpin(Pfn pfn, Result<bool> last);
  BatchResult check(const PinBatch& batch) const;
  BatchResult pin_typed(const PinBatch& batch, unsigned shard);
  Errc place(Pfn pfn, const PageSetup& setup);
  bool is_held(Pfn head, const PageRecord& record) const;
  Errc freeze_range(Pfn first, Pfn end);
  void unfreeze_range(Pfn first, Pfn end);

  BoxSettings settings_;
  Accounts accounts_;
  std::unique_ptr<Ledger> ledger_;
  Assembly assembly_;
  SpinLock setup_lock_;  // a page is initialised once
  BoxGate gate_{*this, settings_.gate_payer};
  Atomic<std::uint64_t> pfn_limit_;
  std::unique_ptr<BoxMachine> machine_;  // the last: it stands on all of the above
};

}  // namespace pagebox::inline PAGEBOX_ENV
