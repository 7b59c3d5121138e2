// Taking and dropping the references of GUP.
#include "mm/folio_state.h"
#include "mm/gup/gup_internal.h"
#include "mm/gup/pin_question.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// What becomes of a pin that the scheme does not take; kPinLimit: its count is full.
Errc refusal(Machine& machine, Page folio, Errc error) {
  const bool full = error == Errc::kPinLimit, none = error == Errc::kRefused;
  if ((full || none) && machine.divergences != nullptr)
    machine.divergences->add(machine.pfn_of(folio), PinEffect::kPinRefused);
  return none ? Errc::kOpNotSupp : error;
}

}  // namespace

WalkGuard::WalkGuard(Cpu& cpu) : cpu_(cpu), token_(cpu.machine.rcu.read_lock(cpu.index)) {}
WalkGuard::~WalkGuard() { cpu_.machine.rcu.read_unlock(token_); }

namespace {

/// A plain reference of somebody who gives it back later: refused where that could not be.
bool try_get_handed_out(Machine& machine, Page folio) {
  return folio.try_ref_add_up_to(1, machine.pins.most_refs());
}

/// Another device's registers on the bus: only for who asks for them (v6.2).
bool refuses_p2pdma(Machine& machine, Page page, std::uint32_t flags) {
  if ((flags & kFollPciP2pdma) != 0) return false;
  const PagemapRange* range = machine.pagemap(machine.pfn_of(page));
  return range != nullptr && range->memory == DeviceMemory::kP2pdma;
}

}  // namespace

bool try_grab_folio_speculative(Cpu& cpu, Page page, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  if (refuses_p2pdma(machine, page, flags)) return false;
  if ((flags & kFollPin) != 0) {
    // What is refused here, the slow half refuses with its reason.
    if (!pins_have_room(machine, page) ||
        machine.pins.try_pin_speculative(machine.pfn_of(page), 1, cpu.index) != Errc::kOk)
      return false;
    cpu.pin_statistics.acquired.add(1);
    return true;
  }
  const Page folio = compound_head(machine.memmap, page);
  if (!try_get_handed_out(machine, folio)) return false;
  if (compound_head(machine.memmap, page) == folio || machine.has(Quirk::kGrabKeepsOldHead))
    return true;
  folio_put(cpu, folio);  // split or freed meanwhile
  return false;
}

Errc try_grab_folio(Cpu& cpu, Page page, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  const Page folio = compound_head(machine.memmap, page);
  if ((flags & (kFollGet | kFollPin)) == 0) return Errc::kOk;
  if (folio.refcount() <= 0) return Errc::kNoMem;
  if (refuses_p2pdma(machine, folio, flags)) return Errc::kRemoteIo;
  if ((flags & kFollGet) != 0)
    return try_get_handed_out(machine, folio) ? Errc::kOk : Errc::kPinLimit;
  // Everybody's page: a pin would say nothing, and unpin skips it too (v6.5).
  if (machine.is_zero_pfn(machine.pfn_of(folio))) return Errc::kOk;
  if (grabs_by_reference(machine, folio, flags))
    return try_get_handed_out(machine, folio) ? Errc::kOk : Errc::kPinLimit;
  const Errc error = pins_have_room(machine, folio)
                         ? machine.pins.pin_referenced(machine.pfn_of(page), 1, cpu.index)
                         : Errc::kRefused;
  if (error == Errc::kOk) cpu.pin_statistics.acquired.add(1);
  return error == Errc::kOk ? error : refusal(machine, folio, error);
}

void release_folio(Cpu& cpu, Page page, std::uint32_t flags) {
  const Pfn pfn = cpu.machine.pfn_of(page);
  if ((flags & kFollPin) != 0)
    unpin_user_page(cpu, pfn);
  else if ((flags & kFollGet) != 0)
    put_user_page(cpu, pfn);
}

void put_user_page(Cpu& cpu, Pfn pfn) {
  Machine& machine = cpu.machine;
  folio_put(cpu, compound_head(machine.memmap, machine.page(pfn)));
}

void unpin_user_page(Cpu& cpu, Pfn pfn) {
  Machine& machine = cpu.machine;
  if (machine.is_zero_pfn(pfn)) return;
  const IdleWatch watch(cpu, machine.page(pfn));
  const auto last = machine.pins.unpin(pfn, 1, cpu.index);
  if (!last) return;
  cpu.pin_statistics.released.add(1);
  // Only the last one may look at the page: it may be somebody else's by now.
  if (last.value) free_folio(cpu, compound_head(machine.memmap, machine.page(pfn)));
}

bool folio_is_longterm_pinnable(Machine& machine, Page folio) {
  const Pfn pfn = machine.pfn_of(folio);
  const PagemapRange* range = machine.pagemap(pfn);
  return range == nullptr ? !machine.is_offline(pfn) : range->memory != DeviceMemory::kCoherent;
}

bool leaves_tracked_files(const Machine& machine, std::uint32_t flags) {
  constexpr std::uint32_t kAll = kFollPin | kFollLongterm | kFollWrite;
  return (flags & kAll) == kAll && !machine.has(Quirk::kLongtermFilePins);
}

bool grabs_by_reference(Machine& machine, Page folio, std::uint32_t flags) {
  return (flags & kFollLongterm) != 0 && !folio_is_longterm_pinnable(machine, folio) &&
         !pins_have_room(machine, folio);
}

bool gup_must_unshare(Machine& machine, const Vma* vma, std::uint32_t flags, Page page) {
  if ((flags & (kFollWrite | kFollPin)) != kFollPin) return false;
  // Before v5.19 nothing says who owns a page: pins take it as it is.
  if (!machine.memmap.shape().anon_exclusive) return false;
  const Page folio = compound_head(machine.memmap, page);
  if (!folio_test_anon(folio)) {
    // Long-term, in a mapping that copies on write: the copy comes first, or the
    // pin would miss what the process writes later.
    if ((flags & kFollLongterm) == 0) return false;
    return vma == nullptr || vma->is_cow();
  }
  return !page_anon_exclusive(page);
}

}  // namespace pagebox::inline PAGEBOX_ENV
