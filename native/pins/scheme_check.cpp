// What can be wrong with a scheme declared at run time, in plain words.
#include <algorithm>

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What a word of 64 bits can leave beside flags and zone.
constexpr unsigned kMostFreeBits = 32;
constexpr std::size_t kLongestField = 64;

struct Checker {
  const SchemeSpec& scheme;
  unsigned last_word;
  std::vector<SchemeProblem> problems;

  void problem(std::string field, std::string what) {
    problems.push_back({std::move(field), std::move(what)});
  }
  static std::string n(std::uint64_t value) { return std::to_string(value); }
  static bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
  }

  void check_name() {
    if (!is_name(scheme.name))
      problem("name", "is '" + scheme.name + "'; 1 to 40 of a-z, 0-9 and '-'");
  }

  void check_place() {
    const bool external =
        scheme.place == CountPlace::kSideTable || scheme.place == CountPlace::kSharded;
    if (external != (scheme.protocol == Protocol::kExternal))
      problem("place", "side-table and sharded are the places of protocol external, and no others");
    const bool in_word = scheme.protocol == Protocol::kFlagAndWord ||
                         scheme.protocol == Protocol::kPackedWord ||
                         scheme.protocol == Protocol::kListOverlay;
    if (in_word && scheme.place != CountPlace::kWord)
      problem("place", "this protocol counts in a word");
    check_limit();
    if (scheme.protocol != Protocol::kPackedWord && !scheme.states.empty())
      problem("states", "are for protocol packed-word, which swaps them with the count");
  }

  /// Which counts can be given a width and a limit; of the others the bits are not the scheme's.
  void check_limit() {
    const bool limits = scheme.at_limit != AtLimit::kRefuse;
    const bool narrows = scheme.count_shift != 0 || scheme.count_in_free_bits;
    const auto refuse = [&](unsigned bits, const std::string& why) {
      if (limits) problem("atLimit", "is for counts with bits of their own: " + why);
      if (narrows || (scheme.count_bits != 0 && scheme.count_bits != bits))
        problem("countBits", "is for counts with bits of their own: " + why);
    };
    switch (scheme.place) {
      case CountPlace::kRefcount:
        return refuse(0, "_refcount counts references too, so its limit is that of all of them");
      case CountPlace::kMapcount:
        return refuse(32, "_mapcount is the count of mappings, which the kernel reads as a whole");
      case CountPlace::kSharded:
        return refuse(64, "pins and unpins are counted apart and only ever grow");
      case CountPlace::kSideTable:
        if (scheme.at_limit == AtLimit::kSpill)
          problem("atLimit", "'spill' counts the rest in a table outside, and this count is there");
        if (narrows)
          problem("countShift", "is 0 for a count outside: its entries hold nothing else");
        return check_width(32);
      case CountPlace::kCounter:
      case CountPlace::kTail: return check_width(32);
      case CountPlace::kWord: break;
    }
  }
  void check_width(unsigned width) {
    const unsigned end = unsigned{scheme.count_shift} + scheme.count_bits;
    if (scheme.count_in_free_bits)
      problem("countShift", "'lowest-free' is for protocol packed-word in word 0, page->flags");
    if (scheme.count_bits == 0 || end > width)
      problem("countBits", "has " + n(scheme.count_bits) + " bits from bit " +
                               n(scheme.count_shift) + " on; this place has " + n(width));
  }

  void check_field(const std::string& field, const std::string& name) {
    if (name.size() > kLongestField) problem(field, "names a field in more than 64 letters");
    if (name == "flags")
      problem(field, "page->flags is word 0, of which only single bits and packed counts can be");
  }

  void check_count() {
    if (!scheme.count_field.empty()) {
      if (scheme.place != CountPlace::kWord)
        problem("place", "a field of the layout is a place for counts in a word");
      if (scheme.count_word != 0) problem("countWord", "is left out where a field is named");
      check_field("place", scheme.count_field);
    }
    if (scheme.place != CountPlace::kWord) return;
    const bool packed = scheme.protocol == Protocol::kPackedWord;
    const bool named = !scheme.count_field.empty();
    if (scheme.count_word > last_word)
      problem("countWord", "is " + n(scheme.count_word) + "; there are words 0 to " + n(last_word));
    else if (scheme.count_word == 0 && !packed && !named)
      problem("countWord", "is 0; in page->flags only protocol packed-word can count");
    if (scheme.count_bits == 0) {
      problem("countBits", "is 0; a count needs at least one bit");
      return;
    }
    if (scheme.count_in_free_bits) {
      if (!packed || scheme.count_word != 0 || named)
        problem("countShift", "'lowest-free' is for protocol packed-word in word 0, page->flags");
      if (scheme.count_bits > kMostFreeBits)
        problem("countBits", "is " + n(scheme.count_bits) + "; free bits in a row are at most " +
                                 n(kMostFreeBits));
      if (packed && scheme.packed_bits != 0)
        problem("packedBits",
                "is left out where free bits are asked for: the whole word is swapped");
      return;
    }
    if (packed) {
      const unsigned width = scheme.packed_bits == 0 ? 64 : scheme.packed_bits;
      if (width != 32 && width != 64)
        problem("packedBits", "is " + n(scheme.packed_bits) + "; 32 or 64");
      else if (unsigned{scheme.count_shift} + scheme.count_bits > width)
        problem("countBits", "bits " + n(scheme.count_shift) + " to " +
                                 n(scheme.count_shift + scheme.count_bits - 1U) +
                                 " do not exist in a packed word of " + n(width));
    } else if (scheme.count_bits > 32 || scheme.count_shift + scheme.count_bits > 64) {
      problem("countBits", "bits " + n(scheme.count_shift) + " to " +
                               n(scheme.count_shift + scheme.count_bits - 1U) +
                               "; this protocol counts in at most 32 bits of a word of 64");
    }
    if (scheme.count_word == 1 && scheme.count_shift == 0 && !named)
      problem("countWord", "bit 0 of word 1 marks a tail page and must stay 0");
  }

  void check_flag(const std::string& field, const FlagPlace& flag) {
    if (!flag.exists()) return;
    if (!flag.field.empty()) {
      check_field(field, flag.field);
      if (flag.word != FlagPlace::kNone) problem(field, "has a word and a field; one of them");
      if (flag.bit < 0 || flag.bit > 63)
        problem(field, "bit " + std::to_string(flag.bit) + " of a field does not exist; 0 to 63");
      if (flag.field == scheme.count_field && flag.bit >= scheme.count_shift &&
          flag.bit < scheme.count_shift + scheme.count_bits)
        problem(field, "bit " + std::to_string(flag.bit) + " of the field '" + flag.field +
                           "' is part of the count");
      return;
    }
    if (flag.word < 0 || flag.word > static_cast<int>(last_word)) {
      problem(field, "word " + std::to_string(flag.word) + " does not exist; 0 to " + n(last_word));
      return;
    }
    if (flag.bit == FlagPlace::kLowestFree) {
      const bool packed = scheme.protocol == Protocol::kPackedWord;
      if (flag.word != 0 || (!packed && &flag != &scheme.pinned))
        problem(field, packed ? "'lowest-free' is for word 0, page->flags"
                              : "only the pinned flag can ask for the lowest free bit, of word 0");
      return;
    }
    if (flag.bit < 0 || flag.bit > 63)
      problem(field, "bit " + std::to_string(flag.bit) + " does not exist; 0 to 63");
    if (flag.word == 1 && flag.bit == 0)
      problem(field, "bit 0 of word 1 marks a tail page and must stay 0");
    if (scheme.place == CountPlace::kWord && scheme.count_field.empty() &&
        flag.word == scheme.count_word && !scheme.count_in_free_bits &&
        flag.bit >= scheme.count_shift && flag.bit < scheme.count_shift + scheme.count_bits)
      problem(field, "bit " + std::to_string(flag.bit) + " of word " + std::to_string(flag.word) +
                         " is part of the count");
  }

  void check_flags() {
    const bool needs_flag = scheme.protocol == Protocol::kFlagAndWord ||
                            scheme.protocol == Protocol::kPackedWord ||
                            scheme.protocol == Protocol::kListOverlay;
    // A count of bits that are nobody else's tells by itself; a listed page's word does not.
    const bool tells_itself = scheme.protocol == Protocol::kPackedWord && !scheme.was_lru.exists();
    if (needs_flag && !tells_itself && !scheme.pinned.exists())
      problem("pinned", scheme.protocol == Protocol::kPackedWord
                            ? "a scheme with wasLru needs a pinned flag: while the page is listed "
                              "its words are links"
                            : "this protocol needs a pinned flag");
    if (!needs_flag && (scheme.pinned.exists() || scheme.was_lru.exists()))
      problem("pinned", "this protocol has no flags");
    check_flag("pinned", scheme.pinned);
    check_flag("wasLru", scheme.was_lru);
    check_overlaps();
    if (scheme.protocol == Protocol::kPackedWord) check_packed_flags();
    if (scheme.protocol == Protocol::kListOverlay) check_overlay();
  }

  void check_packed_flag(const std::string& field, const FlagPlace& flag) {
    const int width = scheme.packed_bits == 0 ? 64 : scheme.packed_bits;
    if (flag.exists() && !scheme.count_field.empty()) {
      if (flag.field != scheme.count_field)
        problem(field,
                "the flags of a packed word lie in the word that is swapped, here in the field '" +
                    scheme.count_field + "'");
      return;
    }
    if (flag.exists() &&
        (!flag.field.empty() || flag.word != scheme.count_word || flag.bit >= width))
      problem(field, "the flags of a packed word lie in the word that is swapped, word " +
                         n(scheme.count_word));
  }

  /// Everything that happens in one swap with `event`.
  static constexpr std::uint32_t side_of(unsigned event) { return event < 4 ? 0x0fU : 0xf0U; }

  void check_state(std::size_t i) {
    const StateBit& state = scheme.states[i];
    const std::string field = "states[" + n(i) + "]";
    if (!is_name(state.name))
      problem(field + ".name", "is '" + state.name + "'; 1 to 40 of a-z, 0-9 and '-'");
    for (const std::string_view taken : {"count", "pinned", "was-lru"})
      if (state.name == taken) problem(field + ".name", "'" + state.name + "' is the scheme's own");
    for (std::size_t j = 0; j < i; ++j)
      if (scheme.states[j].name == state.name)
        problem(field + ".name", "'" + state.name + "' is the name of states[" + n(j) + "] too");
    if (!state.place.exists()) return problem(field, "has no place");
    check_flag(field, state.place);
    check_packed_flag(field, state.place);
    if (state.sets.bits == 0) problem(field + ".set", "names no event: nothing ever sets it");
    for (unsigned event = 0; event < kPinEvents; ++event) {
      const std::string name(kPinEventNames[event]);
      const bool lru = event == static_cast<unsigned>(PinEvent::kIsolate) ||
                       event == static_cast<unsigned>(PinEvent::kPutback);
      const bool never = scheme.at_limit == AtLimit::kSaturate &&
                         event == static_cast<unsigned>(PinEvent::kNotFull);
      const std::uint32_t bit = 1U << event;
      const bool named = ((state.sets.bits | state.clears.bits) & bit) != 0;
      if (named && lru && !scheme.isolates())
        problem(field, "'" + name + "' happens only to a scheme with wasLru");
      if (named && never)
        problem(field, "'" + name + "' never happens to a count that saturates: it stays full");
      if ((state.sets.bits & state.clears.bits & bit) != 0)
        problem(field, "'" + name + "' both sets and clears it");
    }
    for (const PinEvent any : {PinEvent::kPin, PinEvent::kUnpin}) {
      const auto event = static_cast<unsigned>(any);
      const std::string name(kPinEventNames[event]);
      if (state.sets.has(any) && (state.clears.bits & side_of(event) & ~(1U << event)) != 0)
        problem(field,
                "every '" + name + "' sets it, so that what is to clear it there never does");
    }
  }

  void check_overlaps() {
    std::vector<std::pair<std::string, const FlagPlace*>> all = {{"pinned", &scheme.pinned},
                                                                 {"wasLru", &scheme.was_lru}};
    for (std::size_t i = 0; i < scheme.states.size(); ++i)
      all.emplace_back("states[" + n(i) + "]", &scheme.states[i].place);
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const FlagPlace &a = *all[j].second, &b = *all[i].second;
        const bool asks = a.bit == FlagPlace::kLowestFree || b.bit == FlagPlace::kLowestFree;
        if (a.exists() && b.exists() && !asks && a == b)
          problem(all[i].first, "overlaps " + (j == 0 ? "the pinned flag" : all[j].first));
      }
  }

  void check_states() {
    if (scheme.protocol != Protocol::kPackedWord) return;
    if (scheme.states.size() > kMaxStates)
      return problem("states", "are " + n(scheme.states.size()) + "; at most " + n(kMaxStates));
    for (std::size_t i = 0; i < scheme.states.size(); ++i) check_state(i);
  }

  void check_packed_flags() {
    check_packed_flag("pinned", scheme.pinned);
    check_packed_flag("wasLru", scheme.was_lru);
    if (scheme.was_lru.exists() && scheme.count_field.empty() && scheme.count_word > 2)
      problem("wasLru", "only words 1 and 2 are free while a page is on no list");
  }

  void check_overlay() {
    const FlagPlace &a = scheme.pinned, &b = scheme.was_lru;
    // What has fields has its words with the layout, and is asked again then.
    if (!scheme.count_field.empty() || !a.field.empty() || !b.field.empty()) {
      if (!b.exists()) problem("wasLru", "an overlay has both flags");
      return;
    }
    if (!b.exists() || a.word != b.word || (a.word != 1 && a.word != 2) ||
        (scheme.count_word != 1 && scheme.count_word != 2) || a.word == scheme.count_word)
      problem("pinned",
              "an overlay has both flags in one of words 1 and 2 and the count in the other");
  }

  void check_numbers() {
    if (scheme.refs_per_pin == 0 || scheme.refs_per_pin > (1U << 20))
      problem("refsPerPin", "is " + n(scheme.refs_per_pin) + "; 1 to 1048576");
    if (scheme.max_pins == 0 || scheme.max_pins > largest_count(scheme))
      problem("maxPins", "is " + n(scheme.max_pins) + "; 1 to " + n(largest_count(scheme)));
    if (scheme.min_word_bytes != 4 && scheme.min_word_bytes != 8)
      problem("minWordBytes", "is " + n(scheme.min_word_bytes) + "; 4 or 8");
    else if (scheme.packed_bits == 64 && scheme.min_word_bytes != 8)
      problem("minWordBytes", "a packed word of 64 bits needs words of 8 bytes");
    if (scheme.types.bits == 0) problem("types", "names no page type");
  }
};

}  // namespace

QuirkSet quirks_of(const SchemeSpec& scheme) {
  QuirkSet quirks = quirk_set(Quirk::kNoZeroTest);
  const bool references =
      scheme.place == CountPlace::kRefcount || scheme.place == CountPlace::kTail;
  // Where a pin is one reference and nothing else, giving back one is right.
  if (!references || scheme.refs_per_pin > 1) quirks = quirks | quirk_set(Quirk::kPutForUnpin);
  if (references && scheme.refs_per_pin > 1)
    quirks = quirks | quirk_set(Quirk::kStrictlyGreater, Quirk::kOneBiasForMany);
  // Defects of code that counts in an atomic_t.
  if (scheme.is_narrow()) return quirks;
  if (scheme.protocol == Protocol::kListOverlay)
    quirks = quirks | quirk_set(Quirk::kMaskAsBitNumber, Quirk::kDoubleLastUnpin);
  if (scheme.protocol == Protocol::kFlagAndWord)
    quirks = quirks | quirk_set(Quirk::kFlagWithoutCount);
  return quirks;
}

PageTypeSet types_of_place(CountPlace place) {
  return place == CountPlace::kMapcount
             ? kMappedTypes | types(PageType::kTail, PageType::kSecondTail)
             : ~PageTypeSet{};
}

std::vector<SchemeProblem> check_scheme(const SchemeSpec& scheme, unsigned last_word) {
  Checker checker{scheme, last_word, {}};
  checker.check_name();
  checker.check_place();
  checker.check_count();
  checker.check_flags();
  checker.check_states();
  checker.check_numbers();
  return checker.problems;
}

/// What follows from a count that does not refuse.
static void complete_limit(SchemeSpec& scheme) {
  if (scheme.count_bits == 0) return;
  if (scheme.at_limit == AtLimit::kSaturate) {
    scheme.answer = PinAnswer::kFuzzy;
    scheme.effects.bits |= pin_effects(PinEffect::kCountSticks).bits;
    if (!scheme.false_positives.empty()) scheme.false_positives += "; ";
    scheme.false_positives += "a page that once had " + std::to_string(scheme.full_count()) +
                              " or more pins at a time, until it is freed";
  } else if (scheme.at_limit == AtLimit::kSpill) {
    scheme.locks += std::string(scheme.locks.empty() ? "" : "; ") +
                    "the zone's LRU lock while the count is full";
  }
}

void complete_scheme(SchemeSpec& scheme) {
  const bool whole = scheme.place == CountPlace::kCounter || scheme.place == CountPlace::kTail ||
                     scheme.place == CountPlace::kSideTable;
  if (whole && scheme.count_bits == 0) scheme.count_bits = 32;
  scheme.min_word_bytes = scheme.packed_bits == 64 ? 8 : 4;
  scheme.max_pins = largest_count(scheme);
  scheme.types.bits &= types_of_place(scheme.place).bits;
  scheme.quirks = quirks_of(scheme);
  if (scheme.place == CountPlace::kRefcount || scheme.place == CountPlace::kTail) {
    const bool biased = scheme.refs_per_pin > 1;
    const std::string where =
        scheme.place == CountPlace::kTail ? " without a tail for the count" : "";
    scheme.answer = biased ? PinAnswer::kFuzzy : PinAnswer::kUnknown;
    scheme.effects = pin_effects(biased ? PinEffect::kAnswerFuzzy : PinEffect::kAnswerUnknown);
    scheme.false_positives = biased
                                 ? "a page" + where + " with " +
                                       std::to_string(scheme.refs_per_pin) + " or more references"
                                 : "every page" + where + " that has a reference";
  } else if (scheme.place == CountPlace::kMapcount) {
    scheme.effects = pin_effects(PinEffect::kMapcountRaised, PinEffect::kAnswerLags);
    scheme.locks = "the folio lock for an exact query";
  } else if (scheme.place == CountPlace::kSharded) {
    scheme.effects = pin_effects(PinEffect::kAnswerLags);
  } else if (scheme.isolates()) {
    scheme.effects =
        pin_effects(PinEffect::kLruClear, PinEffect::kLruSkipped, PinEffect::kPinRefused);
    scheme.locks = "the zone's LRU lock for the first pin and the last unpin";
  }
  if (scheme.protocol == Protocol::kListOverlay)
    scheme.locks = "the zone's LRU lock for each pin and for the last unpin";
  if (scheme.has_limit()) complete_limit(scheme);
}

}  // namespace pagebox::inline PAGEBOX_ENV
