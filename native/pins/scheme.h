// A scheme says where the pin count lives and how it changes: constants for one
// of a few protocols. A scheme declared at run time has the same shape, is
// checked by check_scheme() and runs on the same loops.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "page/layout.h"
#include "page/page_type.h"
#include "page/quirks.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The algorithm; one file each (protocol_*.cpp).
enum class Protocol : std::uint8_t {
  kAdd,          // plain atomic add
  kFlagAndWord,  // a flag, and a count in another word
  kPackedWord,   // flag, was-LRU and count in one word, compare-and-swap
  kListOverlay,  // flags and count over `lru`, under the zone's LRU lock
  kExternal,     // counts outside the descriptor, by pfn
};
inline constexpr unsigned kProtocols = 5;
inline constexpr std::array<std::string_view, kProtocols> kProtocolNames = {
    "add", "flag-and-word", "packed-word", "list-overlay", "external"};

/// Where the count is. All but kRefcount exist beside `_refcount`, which every
/// pin holds too.
enum class CountPlace : std::uint8_t {
  kRefcount,   // nowhere else: refs_per_pin references a pin
  kWord,       // `count` below
  kMapcount,   // `_mapcount`, told apart by the number of real mappings
  kCounter,    // the layout's own counter field
  kTail,       // the tail page the layout names; refs_per_pin where it names none
  kSideTable,  // 32 bits a pfn, outside
  kSharded,    // monotone pin and unpin counts of 64 bits a pfn and shard, outside
};
inline constexpr unsigned kCountPlaces = 7;
inline constexpr std::array<std::string_view, kCountPlaces> kCountPlaceNames = {
    "refcount", "word", "mapcount", "counter", "tail", "side-table", "sharded"};

/// One bit of a word of the descriptor, or of a named field of the layout.
struct FlagPlace {
  static constexpr std::int16_t kNone = -1;
  /// As `bit`, in word 0 only: the lowest bit that the layout's Kconfig leaves free and the
  /// rest of the scheme does not use.
  static constexpr std::int16_t kLowestFree = -2;
  std::int16_t word = kNone;  // 0 = flags, 1..5
  std::int16_t bit = 0;       // of a field: from its first bit on
  /// Instead of a word; a placed scheme has none.
  std::string field;  // NOLINT(readability-redundant-member-init)
  bool exists() const { return word != kNone || !field.empty(); }
  bool operator==(const FlagPlace&) const = default;
};

/// What `pins` and `maybe_pinned` can say.
enum class PinAnswer : std::uint8_t {
  kExact,
  kFuzzy,    // an upper bound: many references look like a pin
  kUnknown,  // every referenced page may be pinned
};
inline constexpr std::array<std::string_view, 3> kPinAnswerNames = {"exact", "fuzzy", "unknown"};

/// What others can see of a pin beyond its references; conform reports a
/// mismatch that one of these explains as `explained`.
enum class PinEffect : std::uint8_t {
  kLruClear,        // PG_lru is clear, and the page on no list, while it is pinned
  kMapcountRaised,  // `_mapcount` is higher by the number of pins
  kAnswerFuzzy,     // a page with many references reads as pinned
  kAnswerUnknown,   // nobody can tell a pin from a reference
  kAnswerLags,      // a query during a pin or unpin may still count it
  kLruSkipped,      // reclaim, ageing, migration and mlock pass a pinned page by: it is isolated
  kPinRefused,      // pages whose words the scheme has no room in, or counts nothing for
  kCountSticks,     // a page whose count was full once reads as pinned until it is freed
};
inline constexpr unsigned kPinEffects = 8;
inline constexpr std::array<std::string_view, kPinEffects> kPinEffectNames = {
    "lru-clear",   "mapcount-raised", "answer-fuzzy", "answer-unknown",
    "answer-lags", "lru-skipped",     "pin-refused",  "count-sticks"};

/// A set of effects, one bit each.
struct PinEffectSet {
  std::uint32_t bits = 0;
  constexpr bool has(PinEffect effect) const {
    return (bits >> static_cast<unsigned>(effect) & 1U) != 0;
  }
};
template <class... Effects>
constexpr PinEffectSet pin_effects(Effects... list) {
  return {((1U << static_cast<unsigned>(list)) | ... | 0U)};
}

/// What a count does with the pin that it has no room for.
enum class AtLimit : std::uint8_t {
  kRefuse,    // kPinLimit
  kSaturate,  // it stays at its largest, for good: nobody knows how many there are
  kSpill,     // the rest is counted in the side table
};
inline constexpr std::array<std::string_view, 3> kAtLimitNames = {"refuse", "saturate", "spill"};

/// What happens to a count, and can change a state bit in the same swap.
enum class PinEvent : std::uint8_t {
  kPin,  // any pin, the first too
  kFirstPin,
  kFull,     // the count came to its largest
  kIsolate,  // the first pin took the page off its LRU
  kUnpin,    // any unpin, the last too
  kLastUnpin,
  kNotFull,  // the count left its largest
  kPutback,  // the last unpin puts the page back on its LRU
};
inline constexpr unsigned kPinEvents = 8;
inline constexpr std::array<std::string_view, kPinEvents> kPinEventNames = {
    "pin", "first-pin", "full", "isolate", "unpin", "last-unpin", "not-full", "putback"};

/// A set of events, one bit each.
struct PinEventSet {
  std::uint32_t bits = 0;
  constexpr bool has(PinEvent event) const {
    return (bits >> static_cast<unsigned>(event) & 1U) != 0;
  }
};

/// A named bit beside the count, in its word.
struct StateBit {
  std::string name;
  FlagPlace place;
  PinEventSet sets, clears;  // where an event does both, it sets
};
inline constexpr unsigned kMaxStates = 8;

/// GUP_PIN_COUNTING_BIAS.
inline constexpr std::uint32_t kPinBias = 1024;
/// What `_refcount` holds before its sign changes.
inline constexpr std::uint64_t kRefcountMax = 0x7fffffff;

struct SchemeSpec {
  std::string name;
  std::string summary;  // one sentence
  std::string source;   // who proposed or shipped it, when
  Protocol protocol = Protocol::kAdd;
  CountPlace place = CountPlace::kRefcount;

  // The count is `count_bits` wide from bit `count_shift` of its place: of word `count_word`, or
  // of the counter, the tail's count or the entry outside. A narrow one (is_narrow()) has a limit
  // of its own, as every packed one has.
  std::uint8_t count_word = 0, count_shift = 0, count_bits = 0;
  /// kWord: the field of the layout that the count is in, instead of `count_word`; `count_shift`
  /// goes from its first bit on. A placed scheme has none.
  std::string count_field;
  /// kPackedWord, word 0: the lowest run of bits that the layout's Kconfig leaves free,
  /// instead of `count_shift`.
  bool count_in_free_bits = false;
  /// kPackedWord: width of the word that is swapped, 32 or 64; 0: the layout's.
  std::uint8_t packed_bits = 0;
  AtLimit at_limit = AtLimit::kRefuse;
  std::vector<StateBit> states;  // kPackedWord
  FlagPlace pinned;              // set while the count is not zero
  FlagPlace was_lru;  // set while the page waits to go back to its LRU; none: never isolates
  std::uint32_t refs_per_pin = 1;

  /// The largest count of one page that stays positive. A packed count refuses
  /// the pin beyond it; elsewhere that pin is kept and the next is refused.
  std::uint64_t max_pins = kRefcountMax;
  PinAnswer answer = PinAnswer::kExact;
  std::string false_positives;  // empty: none
  std::string locks;            // empty: none
  std::uint8_t min_word_bytes = 4;
  PageTypeSet types = ~PageTypeSet{};  // page types that it pins, where they exist
  PinEffectSet effects;
  QuirkSet quirks;  // historic defects that this scheme can show

  bool isolates() const { return was_lru.exists(); }
  /// The largest number that a packed count holds.
  std::uint64_t full_count() const {
    return count_bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - count_bits);
  }
  /// A count that is no whole one of 32 bits, or does not keep the pin that crosses. (A packed
  /// count is never called so.)
  bool is_narrow() const {
    const bool has_bits = place == CountPlace::kWord || place == CountPlace::kCounter ||
                          place == CountPlace::kTail || place == CountPlace::kSideTable;
    return protocol != Protocol::kPackedWord && has_bits && count_bits != 0 &&
           (count_bits != 32 || count_shift != 0 || at_limit != AtLimit::kRefuse);
  }
  /// Says itself when it is full.
  bool has_limit() const { return protocol == Protocol::kPackedWord || is_narrow(); }
  /// Runs on the loops with states (state_word.h), which cost more than those of one flag and
  /// a count that refuses.
  bool has_states() const {
    if (protocol == Protocol::kAdd) return is_narrow();
    return protocol == Protocol::kPackedWord &&
           (at_limit != AtLimit::kRefuse || !states.empty() || !pinned.exists());
  }
  /// Room and probe then look at what happens around a full count.
  bool fills() const { return has_states() || is_narrow(); }
  bool operator==(const SchemeSpec& other) const { return name == other.name; }
};

/// Whether a scheme exists for a layout; if not, why, in a sentence.
struct Fit {
  std::string why;
  explicit operator bool() const { return why.empty(); }
};
Fit scheme_fits(const SchemeSpec& scheme, const Layout& layout);

/// The layout that the scheme really runs on: own-counter adds its field and
/// pays with the stride, the others take the layout as it is.
Layout layout_for(const SchemeSpec& scheme, const Layout& layout);

struct SchemeProblem {
  std::string field;  // of SchemeSpec
  std::string what;   // what was given and what is allowed
};
/// Everything wrong with a declared scheme; empty if it can be used. What
/// depends on a layout (a flag bit that is taken) is for the room analysis.
/// `last_word`: of the descriptor, that the scheme can name.
std::vector<SchemeProblem> check_scheme(const SchemeSpec& scheme, unsigned last_word = 5);

/// The historic defects that a scheme of this kind can show.
QuirkSet quirks_of(const SchemeSpec& scheme);

/// Page types that a count in this place can be kept for: over `_mapcount`, those
/// that are mapped and have no type there.
PageTypeSet types_of_place(CountPlace place);

/// The largest count that stays positive, by the widths alone.
std::uint64_t largest_count(const SchemeSpec& scheme);
/// Fills what follows from the rest of a declared scheme: max_pins,
/// min_word_bytes, answer, locks, effects, quirks; types that its place excludes go.
void complete_scheme(SchemeSpec& scheme);

/// max_pins of a folio of this order: folio-pincount is exact, and so goes
/// further, where the layout names a place.
std::uint64_t max_pins(const SchemeSpec& scheme, const Layout& layout, unsigned order);

/// The scheme with every bit where it lies in this layout: what asked for free bits or for a
/// field has numbers. Where there are not enough, or is no such field, what found none asks still.
SchemeSpec placed(SchemeSpec scheme, const Layout& layout);

/// Bit number of the scheme's pinned flag in its word for this layout; -1: none.
int pinned_bit(const SchemeSpec& scheme, const Layout& layout);
/// The bits of their word, one of which is set where a page reads as pinned: the pinned
/// flag, or the count where there is none. Of a placed scheme; 0: not by bits of a word.
std::uint64_t reads_pinned(const SchemeSpec& scheme);

}  // namespace pagebox::inline PAGEBOX_ENV
