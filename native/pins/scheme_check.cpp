// What can be wrong with a scheme declared at run time, in plain words.
#include <algorithm>

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kLastWord = 5;

struct Checker {
  const SchemeSpec& scheme;
  std::vector<SchemeProblem> problems;

  void problem(std::string field, std::string what) {
    problems.push_back({std::move(field), std::move(what)});
  }
  static std::string n(std::uint64_t value) { return std::to_string(value); }

  void check_name() {
    const std::string& name = scheme.name;
    const bool good =
        !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
    if (!good) problem("name", "is '" + name + "'; 1 to 40 of a-z, 0-9 and '-'");
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
  }

  void check_count() {
    if (scheme.place != CountPlace::kWord) return;
    if (scheme.count_word < 1 || scheme.count_word > kLastWord)
      problem("countWord", "is " + n(scheme.count_word) + "; words 1 to 5 can hold a count");
    if (scheme.count_bits == 0) {
      problem("countBits", "is 0; a count needs at least one bit");
      return;
    }
    if (scheme.protocol == Protocol::kPackedWord) {
      if (scheme.packed_bits != 32 && scheme.packed_bits != 64)
        problem("packedBits", "is " + n(scheme.packed_bits) + "; 32 or 64");
      else if (unsigned{scheme.count_shift} + scheme.count_bits > scheme.packed_bits)
        problem("countBits", "bits " + n(scheme.count_shift) + " to " +
                                 n(scheme.count_shift + scheme.count_bits - 1U) +
                                 " do not exist in a packed word of " + n(scheme.packed_bits));
    } else if (scheme.count_bits != 32 || scheme.count_shift != 0) {
      problem("countBits",
              "this protocol counts in the low 32 bits of its word; a narrower count "
              "needs protocol packed-word");
    }
    if (scheme.count_word == 1 && scheme.count_shift == 0)
      problem("countWord", "bit 0 of word 1 marks a tail page and must stay 0");
  }

  void check_flag(const char* field, const FlagPlace& flag) {
    if (!flag.exists()) return;
    if (flag.word < 0 || flag.word > static_cast<int>(kLastWord)) {
      problem(field, "word " + std::to_string(flag.word) + " does not exist; 0 to 5");
      return;
    }
    if (flag.bit == FlagPlace::kLowestFree) {
      if (flag.word != 0 || &flag != &scheme.pinned)
        problem(field, "only the pinned flag can ask for the lowest free bit, of word 0");
      return;
    }
    if (flag.bit < 0 || flag.bit > 63)
      problem(field, "bit " + std::to_string(flag.bit) + " does not exist; 0 to 63");
    if (flag.word == 1 && flag.bit == 0)
      problem(field, "bit 0 of word 1 marks a tail page and must stay 0");
    if (scheme.place == CountPlace::kWord && flag.word == scheme.count_word &&
        flag.bit >= scheme.count_shift && flag.bit < scheme.count_shift + scheme.count_bits)
      problem(field, "bit " + std::to_string(flag.bit) + " of word " + std::to_string(flag.word) +
                         " is part of the count");
  }

  void check_flags() {
    const bool needs_flag = scheme.protocol == Protocol::kFlagAndWord ||
                            scheme.protocol == Protocol::kPackedWord ||
                            scheme.protocol == Protocol::kListOverlay;
    if (needs_flag && !scheme.pinned.exists())
      problem("pinned", "this protocol needs a pinned flag");
    if (!needs_flag && (scheme.pinned.exists() || scheme.was_lru.exists()))
      problem("pinned", "this protocol has no flags");
    check_flag("pinned", scheme.pinned);
    check_flag("wasLru", scheme.was_lru);
    const FlagPlace &a = scheme.pinned, &b = scheme.was_lru;
    if (a.exists() && b.exists() && a.word == b.word && a.bit == b.bit)
      problem("wasLru", "overlaps the pinned flag");
    if (scheme.protocol == Protocol::kPackedWord) check_packed_flags();
    if (scheme.protocol == Protocol::kListOverlay) check_overlay();
  }

  void check_packed_flags() {
    for (const FlagPlace& flag : {scheme.pinned, scheme.was_lru})
      if (flag.exists() && (flag.word != scheme.count_word || flag.bit >= scheme.packed_bits))
        problem("pinned", "the flags of a packed word lie in the word that is swapped");
    if (scheme.was_lru.exists() && scheme.count_word > 2)
      problem("wasLru", "only words 1 and 2 are free while a page is on no list");
  }

  void check_overlay() {
    const FlagPlace &a = scheme.pinned, &b = scheme.was_lru;
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

std::vector<SchemeProblem> check_scheme(const SchemeSpec& scheme) {
  Checker checker{scheme, {}};
  checker.check_name();
  checker.check_place();
  checker.check_count();
  checker.check_flags();
  checker.check_numbers();
  return checker.problems;
}

void complete_scheme(SchemeSpec& scheme) {
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
}

}  // namespace pagebox::inline PAGEBOX_ENV
