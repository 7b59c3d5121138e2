#include "pins/scheme.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "page/shape.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string bits_text(std::uint64_t bits) { return std::to_string(bits) + "-bit"; }

std::uint64_t low_bits(unsigned bits) { return bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits); }

/// The lowest run of `bits` bits that are 0 in `used`, which then has them; none: there is none.
std::optional<unsigned> take_run(std::uint64_t& used, unsigned bits) {
  for (unsigned at = 0; at + bits <= 64; ++at) {
    const std::uint64_t run = low_bits(bits) << at;
    if ((used & run) != 0) continue;
    used |= run;
    return at;
  }
  return std::nullopt;
}

/// All flags of the scheme, in the order in which they get free bits.
std::vector<FlagPlace*> flags_of(SchemeSpec& scheme) {
  std::vector<FlagPlace*> all = {&scheme.pinned, &scheme.was_lru};
  for (StateBit& state : scheme.states) all.push_back(&state.place);
  std::erase_if(all, [](const FlagPlace* flag) { return !flag->exists(); });
  return all;
}

/// The one place of the head's field of that name; if there is none, why.
struct FieldPlace {
  std::string why;
  unsigned word = 0, shift = 0, bits = 0;
};
FieldPlace find_place(const Layout& layout, const std::string& name) {
  const PageTypeSet tails = types(PageType::kTail, PageType::kSecondTail);
  const std::string named = "the field '" + name + "'";
  FieldPlace found;
  bool in_tails = false;
  for (const Field& field : layout.fields) {
    if (field.name != name || field.contested) continue;
    if ((field.types & layout.types & ~tails).bits == 0) {
      in_tails = true;
      continue;
    }
    const unsigned word = field.offset_bytes / layout.word_bytes;
    const unsigned shift = field.offset_bytes % layout.word_bytes * 8U + field.shift;
    if (found.bits != 0 && (found.word != word || found.shift != shift || found.bits != field.bits))
      return {named + " of " + layout.name + " lies in more than one place"};
    const unsigned first = field.offset_bytes * 8U + field.shift;
    for (const unsigned count : {layout.mapcount_offset * 8U, layout.refcount_offset * 8U})
      if (first < count + 32 && count < first + field.bits)
        return {named + " of " + layout.name + " lies over its counts of references and mappings"};
    found = {{}, word, shift, field.bits};
  }
  if (found.bits != 0) return found;
  if (in_tails)
    return {named + " of " + layout.name + " is one of tail pages; place 'tail' counts in those"};
  return {layout.name + " has no field '" + name + "'"};
}

/// Fields become words; the first that cannot says why.
std::string place_fields(SchemeSpec& scheme, const Layout& layout,
                         const std::vector<FlagPlace*>& flags) {
  std::string why;
  const auto fail = [&](std::string what) {
    if (why.empty()) why = std::move(what);
  };
  const auto wants = [&](const std::string& what, const std::string& field, const FieldPlace& at) {
    return scheme.name + " " + what + " of the field '" + field + "', and that of " + layout.name +
           " has " + std::to_string(at.bits);
  };
  for (FlagPlace* flag : flags) {
    if (flag->field.empty()) continue;
    const FieldPlace at = find_place(layout, flag->field);
    if (at.bits == 0) {
      fail(scheme.name + " cannot be here: " + at.why);
    } else if (static_cast<unsigned>(flag->bit) >= at.bits) {
      fail(wants("uses bit " + std::to_string(flag->bit), flag->field, at));
    } else {
      *flag = {
          static_cast<std::int16_t>(at.word), static_cast<std::int16_t>(flag->bit + at.shift), {}};
    }
  }
  if (scheme.count_field.empty()) return why;
  const FieldPlace at = find_place(layout, scheme.count_field);
  if (at.bits == 0) {
    fail(scheme.name + " cannot be here: " + at.why);
  } else if (unsigned{scheme.count_shift} + scheme.count_bits > at.bits) {
    fail(wants("needs " + std::to_string(scheme.count_shift + scheme.count_bits) + " bits",
               scheme.count_field, at));
  } else {
    scheme.count_word = static_cast<std::uint8_t>(at.word);
    scheme.count_shift = static_cast<std::uint8_t>(scheme.count_shift + at.shift);
    scheme.count_field.clear();
  }
  return why;
}

/// Words that the scheme names by their fields are checked once they have numbers.
std::string check_placed(const SchemeSpec& scheme, const Layout& layout) {
  SchemeSpec at = scheme;
  if (std::string why = place_fields(at, layout, flags_of(at)); !why.empty()) return why;
  const auto problems = check_scheme(at, layout.stride_bytes / layout.word_bytes - 1U);
  if (problems.empty()) return {};
  return scheme.name + " cannot be in the fields of " + layout.name + ": " + problems[0].field +
         ": " + problems[0].what;
}

bool names_fields(const SchemeSpec& scheme) {
  SchemeSpec copy = scheme;
  return !scheme.count_field.empty() ||
         std::ranges::any_of(flags_of(copy),
                             [](const FlagPlace* flag) { return !flag->field.empty(); });
}

/// What the place of a narrow count must have; empty: it has.
std::string lacks_room(const SchemeSpec& at, const Layout& layout) {
  const unsigned end = unsigned{at.count_shift} + at.count_bits;
  if (at.place == CountPlace::kTail && layout.pincount.tail != 0 && end > layout.pincount.bits)
    return at.name + " counts in " + std::to_string(end) + " bits, and the pin count of " +
           layout.name + " has " + std::to_string(layout.pincount.bits);
  // A pin without the lock tells a count from a link by the whole word; what unlinks leaves the
  // rest as no link is, but in words of 4 bytes the highest bit must be told by it too.
  if (at.protocol == Protocol::kFlagAndWord && at.is_narrow() && at.isolates() &&
      layout.word_bytes == 4 && (at.count_word == 1 || at.count_word == 2) && end == 32)
    return at.name + " counts in the highest bit of a list word, which says in " + layout.name +
           " that the word is a link";
  return {};
}

bool asks_for_free(const FlagPlace& flag) { return flag.bit == FlagPlace::kLowestFree; }

/// Why bits that were asked for have no place: how many, and how many there are.
std::string no_free_bits(const SchemeSpec& scheme, const Layout& layout) {
  SchemeSpec copy = scheme;
  const auto flags = flags_of(copy);
  const auto wanted = static_cast<unsigned>(
      std::ranges::count_if(flags, [](const FlagPlace* flag) { return asks_for_free(*flag); }));
  const unsigned free = free_flag_bits(layout);
  const unsigned needed = wanted + (scheme.count_in_free_bits ? scheme.count_bits : 0U);
  const std::string has = free == 0 ? "leaves no bit of page->flags free"
                                    : "leaves " + std::to_string(free) +
                                          (free == 1 ? " bit" : " bits") + " of page->flags free" +
                                          (free < needed ? "" : ", not enough of them in a row");
  const std::string kconfig =
      "the Kconfig of " + layout.name + " (" + layout.kconfig.name + ") " + has;
  if (scheme.count_in_free_bits)
    return scheme.name + " needs " + std::to_string(scheme.count_bits) +
           " free bits of page->flags in a row" +
           (wanted == 0 ? "" : " and " + std::to_string(wanted) + " more") + ", and " + kconfig;
  return scheme.name +
         (wanted == 1 ? " needs a page flag of its own"
                      : " needs " + std::to_string(wanted) + " page flags of its own") +
         ", and " + kconfig;
}

}  // namespace

Fit scheme_fits(const SchemeSpec& scheme, const Layout& layout) {
  if (layout.word_bytes < scheme.min_word_bytes)
    return {scheme.name + " needs " + bits_text(scheme.min_word_bytes * 8U) + " words, " +
            layout.name + " has " + bits_text(layout.word_bytes * 8U) + " words"};
  if (names_fields(scheme))
    if (std::string why = check_placed(scheme, layout); !why.empty()) return {std::move(why)};
  SchemeSpec at = placed(scheme, layout);
  const auto flags = flags_of(at);
  if (std::string why = lacks_room(at, layout); !why.empty()) return {std::move(why)};
  if (at.count_in_free_bits ||
      std::ranges::any_of(flags, [](const FlagPlace* flag) { return asks_for_free(*flag); }))
    return {no_free_bits(scheme, layout)};
  for (const FlagPlace* flag : flags)
    if (flag->bit >= layout.word_bytes * 8)
      return {scheme.name + " uses bit " + std::to_string(flag->bit) + " of word " +
              std::to_string(flag->word) + ", and the words of " + layout.name + " have " +
              std::to_string(layout.word_bytes * 8U) + " bits"};
  if (scheme.place == CountPlace::kWord && at.count_shift + at.count_bits > layout.word_bytes * 8)
    return {scheme.name + " counts in bits " + std::to_string(at.count_shift) + " to " +
            std::to_string(at.count_shift + at.count_bits - 1) + " of word " +
            std::to_string(at.count_word) + ", and the words of " + layout.name + " have " +
            std::to_string(layout.word_bytes * 8U) + " bits"};
  return {};
}

Layout layout_for(const SchemeSpec& scheme, const Layout& layout) {
  if (scheme.place == CountPlace::kCounter && layout.counter_offset == 0)
    return with_own_counter(layout);
  return layout;
}

SchemeSpec placed(SchemeSpec scheme, const Layout& layout) {
  const std::vector<FlagPlace*> flags = flags_of(scheme);
  place_fields(scheme, layout, flags);
  if (!scheme.count_in_free_bits &&
      std::ranges::none_of(flags, [](const FlagPlace* flag) { return asks_for_free(*flag); }))
    return scheme;
  std::uint64_t used = used_flag_bits(layout);
  for (const FlagPlace* flag : flags)
    if (flag->word == 0 && !asks_for_free(*flag))
      used |= std::uint64_t{1} << static_cast<unsigned>(flag->bit);
  if (scheme.place == CountPlace::kWord && scheme.count_word == 0 && !scheme.count_in_free_bits)
    used |= low_bits(scheme.count_bits) << scheme.count_shift;
  if (scheme.count_in_free_bits) {
    if (const auto run = take_run(used, scheme.count_bits)) {
      scheme.count_shift = static_cast<std::uint8_t>(*run);
      scheme.count_in_free_bits = false;
    }
  }
  for (FlagPlace* flag : flags) {
    if (!asks_for_free(*flag)) continue;
    if (const auto bit = take_run(used, 1)) flag->bit = static_cast<std::int16_t>(*bit);
  }
  return scheme;
}

int pinned_bit(const SchemeSpec& scheme, const Layout& layout) {
  if (!scheme.pinned.exists()) return -1;
  const FlagPlace at = placed(scheme, layout).pinned;
  return asks_for_free(at) ? -1 : at.bit;
}

std::uint64_t reads_pinned(const SchemeSpec& scheme) {
  if (scheme.place != CountPlace::kWord) return 0;
  if (scheme.pinned.exists()) return std::uint64_t{1} << static_cast<unsigned>(scheme.pinned.bit);
  return scheme.has_states() ? scheme.full_count() << scheme.count_shift : 0;
}

std::uint64_t largest_count(const SchemeSpec& scheme) {
  std::uint64_t largest = kRefcountMax / std::max(1U, scheme.refs_per_pin);
  // The sign bit of a count that is added to shows that it has crossed. Of a folio that has no
  // tail for the count the references bound it.
  if (scheme.has_limit() && scheme.place != CountPlace::kTail && scheme.count_bits != 0 &&
      scheme.count_bits < 63 && scheme.at_limit == AtLimit::kRefuse)
    largest = std::min(largest, scheme.full_count());
  return largest;
}

std::uint64_t max_pins(const SchemeSpec& scheme, const Layout& layout, unsigned order) {
  if (scheme.place != CountPlace::kTail) return scheme.max_pins;
  if (!layout.pincount.exists_in(order)) return scheme.max_pins;
  const bool refuses = scheme.is_narrow() && scheme.at_limit == AtLimit::kRefuse;
  return refuses ? std::min(kRefcountMax, scheme.full_count()) : kRefcountMax;
}

}  // namespace pagebox::inline PAGEBOX_ENV
