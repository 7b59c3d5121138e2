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
  SchemeSpec at = placed(scheme, layout);
  const auto flags = flags_of(at);
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
  if (scheme.pinned.exists()) return std::uint64_t{1} << static_cast<unsigned>(scheme.pinned.bit);
  return scheme.has_states() ? scheme.full_count() << scheme.count_shift : 0;
}

std::uint64_t largest_count(const SchemeSpec& scheme) {
  std::uint64_t largest = kRefcountMax / std::max(1U, scheme.refs_per_pin);
  // The sign bit of a count that is added to shows that it has crossed.
  if (scheme.protocol == Protocol::kPackedWord && scheme.count_bits != 0 &&
      scheme.count_bits < 63 && scheme.at_limit == AtLimit::kRefuse)
    largest = std::min(largest, scheme.full_count());
  return largest;
}

std::uint64_t max_pins(const SchemeSpec& scheme, const Layout& layout, unsigned order) {
  if (scheme.place != CountPlace::kTail) return scheme.max_pins;
  return layout.pincount.exists_in(order) ? kRefcountMax : scheme.max_pins;
}

}  // namespace pagebox::inline PAGEBOX_ENV
