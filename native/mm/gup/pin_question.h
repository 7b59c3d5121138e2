// "Is it pinned?", as each part of mm asks it, and what mm makes of the answer.
//
// Three kinds of scheme answer (pins/scheme.h). An exact or a fuzzy one knows by
// itself. mapcount-overlay compares `_mapcount` with the mappings that a walk
// finds, so an asker that has just emptied an entry, and not yet counted it out,
// says so. `refcount` cannot tell: mm then guesses as kernels before v5.7 did,
// and calls every reference that no mapping, no cache and not the asker itself
// accounts for a pin. That is conservative: a pin is always such a reference, so
// none is missed, and the price is a page that is copied, kept or left alone for
// the sake of an LRU batch or a pipe. Only one question trusts instead of
// guessing, because its askers count the references before they let the page go.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "mm/machine.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Who asks (v6.12's list: facts of the kernel, "who asks is it pinned?").
enum class PinQuestion : std::uint8_t {
  kFork,             // copy the page for the child now
  kShareExclusive,   // reclaim and migration: the entry is emptied, nobody may have a pin
  kReclaim,          // before a swap slot is spent on it
  kReclaimUnmapped,  // after the last entry went: it may not be written or dropped
  kSoftDirty,        // write-protecting it would copy it away from its pin
  kWriteback,        // a device may store to it after it was written
};

/// Of any page of a folio. False positives where the scheme has them. False negatives only of
/// `refcount`, for the question that pin_question.cpp says does not need the answer. The folio's
/// mappings may not change meanwhile but by the asker (page-table lock or folio
/// lock), or `refcount` may answer for another moment.
bool folio_maybe_dma_pinned(Machine& machine, Page page, PinQuestion question);

/// A pin has the folio off its LRU (RAM only).
bool folio_pin_isolated(const Machine& machine, Page folio);
/// A list operation passes the folio by. Recorded if a pin is the reason.
void note_lru_skipped(Machine& machine, Page folio);
/// What an observer is about to read of the page.
void note_observed(Machine& machine, Page page);

/// Whether pages of this kind of memory have room for the scheme's count: pins
/// of others are refused, since they would overwrite what the device keeps there.
bool pins_have_room(Machine& machine, Page folio);

}  // namespace pagebox::inline PAGEBOX_ENV
