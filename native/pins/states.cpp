#include "pins/states.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint64_t mask_of(const FlagPlace& flag) {
  return flag.exists() ? std::uint64_t{1} << static_cast<unsigned>(flag.bit) : 0;
}

/// Whether pins alone fill the count, before the references of one page run out.
bool pins_fill(const SchemeSpec& scheme) { return scheme.full_count() <= scheme.max_pins; }

constexpr PinEventSet events(auto... list) {
  return {((1U << static_cast<unsigned>(list)) | ... | 0U)};
}

/// The events of an index: `always`, and one each for its bits.
std::uint32_t events_at(unsigned index, PinEvent always, const PinEvent (&each)[3]) {
  std::uint32_t bits = events(always).bits;
  for (unsigned i = 0; i < 3; ++i)
    if ((index >> i & 1) != 0) bits |= events(each[i]).bits;
  return bits;
}

PinStates::Change change_at(const std::vector<StateBit>& all, std::uint32_t happening) {
  PinStates::Change change;
  for (const StateBit& state : all) {
    if ((state.clears.bits & happening) != 0) change.clears |= mask_of(state.place);
    if ((state.sets.bits & happening) != 0) change.sets |= mask_of(state.place);
  }
  return change;
}

}  // namespace

PinStates pin_states(const SchemeSpec& scheme) {
  std::vector<StateBit> all = scheme.states;
  if (scheme.pinned.exists())
    all.push_back(
        {"pinned", scheme.pinned, events(PinEvent::kFirstPin), events(PinEvent::kLastUnpin)});
  // The last unpin of a page that a putback never reaches takes it away as well.
  if (scheme.was_lru.exists())
    all.push_back(
        {"was-lru", scheme.was_lru, events(PinEvent::kIsolate), events(PinEvent::kLastUnpin)});
  PinStates states;
  for (unsigned index = 0; index < states.pin.size(); ++index) {
    states.pin[index] =
        change_at(all, events_at(index, PinEvent::kPin,
                                 {PinEvent::kFirstPin, PinEvent::kFull, PinEvent::kIsolate}));
    states.unpin[index] =
        change_at(all, events_at(index, PinEvent::kUnpin,
                                 {PinEvent::kLastUnpin, PinEvent::kNotFull, PinEvent::kPutback}));
  }
  return states;
}

std::uint64_t own_bits(const SchemeSpec& scheme) {
  std::uint64_t own = scheme.full_count() << scheme.count_shift;
  own |= mask_of(scheme.pinned) | mask_of(scheme.was_lru);
  for (const StateBit& state : scheme.states) own |= mask_of(state.place);
  return own;
}

bool pin_can_happen(const SchemeSpec& scheme, unsigned index, const PinnedPage& page) {
  const bool first = (index & kEnds) != 0, fills = (index & kTurnsFull) != 0;
  const bool moves = (index & kMoves) != 0;
  if (moves != (first && page.listed && scheme.isolates())) return false;
  if (fills && !pins_fill(scheme) && (first || !page.reads_pinned_before)) return false;
  if (first) return page.can_be_first && (fills || scheme.full_count() > 1);
  if (fills) return scheme.full_count() > 1;
  return scheme.full_count() > 2 || scheme.at_limit != AtLimit::kRefuse;
}

bool unpin_can_happen(const SchemeSpec& scheme, unsigned index, const PinnedPage& page) {
  const bool last = (index & kEnds) != 0, empties = (index & kTurnsFull) != 0;
  const bool moves = (index & kMoves) != 0, sticks = scheme.at_limit == AtLimit::kSaturate;
  const bool expected = last && page.listed && scheme.isolates();
  const bool by_chance = last && page.reads_pinned_before && scheme.isolates();
  if (moves != expected && !by_chance) return false;
  if (empties && sticks) return false;
  if (empties && !pins_fill(scheme) && (last || !page.reads_pinned_before)) return false;
  // What the page held before stays in the count, and keeps it above 0.
  if (last && !page.can_be_first && !scheme.pinned.exists()) return false;
  if (last) return empties || scheme.full_count() > 1;
  if (empties) return scheme.full_count() > 1;
  return scheme.full_count() > 2 || scheme.at_limit != AtLimit::kRefuse;
}

const StateBit* wrong_state(const SchemeSpec& scheme, std::uint64_t word) {
  const std::uint64_t count =
      (word & reads_pinned(scheme)) != 0 ? word >> scheme.count_shift & scheme.full_count() : 0;
  const auto means = [](const StateBit& state, PinEvent set, PinEvent clear) {
    return state.sets.bits == events(set).bits && state.clears.bits == events(clear).bits;
  };
  for (const StateBit& state : scheme.states) {
    const bool is = (word & mask_of(state.place)) != 0;
    if (means(state, PinEvent::kFirstPin, PinEvent::kLastUnpin) && is != (count != 0))
      return &state;
    if (means(state, PinEvent::kFull, PinEvent::kNotFull) && is != (count == scheme.full_count()))
      return &state;
  }
  return nullptr;
}

}  // namespace pagebox::inline PAGEBOX_ENV
