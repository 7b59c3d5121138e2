#include "pins/scheme.h"

#include <algorithm>

#include "page/shape.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string bits_text(std::uint64_t bits) { return std::to_string(bits) + "-bit"; }

}  // namespace

Fit scheme_fits(const SchemeSpec& scheme, const Layout& layout) {
  if (layout.word_bytes < scheme.min_word_bytes)
    return {scheme.name + " needs " + bits_text(scheme.min_word_bytes * 8U) + " words, " +
            layout.name + " has " + bits_text(layout.word_bytes * 8U) + " words"};
  if (scheme.pinned.exists() && scheme.pinned.bit == FlagPlace::kLowestFree &&
      lowest_free_flag_bit(layout) < 0)
    return {scheme.name + " needs a page flag of its own, and the Kconfig of " + layout.name +
            " (" + layout.kconfig.name + ") leaves no bit of page->flags free"};
  for (const FlagPlace& flag : {scheme.pinned, scheme.was_lru})
    if (flag.exists() && flag.bit >= layout.word_bytes * 8)
      return {scheme.name + " uses bit " + std::to_string(flag.bit) + " of word " +
              std::to_string(flag.word) + ", and the words of " + layout.name + " have " +
              std::to_string(layout.word_bytes * 8U) + " bits"};
  return {};
}

Layout layout_for(const SchemeSpec& scheme, const Layout& layout) {
  if (scheme.place == CountPlace::kCounter && layout.counter_offset == 0)
    return with_own_counter(layout);
  return layout;
}

int pinned_bit(const SchemeSpec& scheme, const Layout& layout) {
  if (!scheme.pinned.exists()) return -1;
  return scheme.pinned.bit == FlagPlace::kLowestFree ? lowest_free_flag_bit(layout)
                                                     : scheme.pinned.bit;
}

std::uint64_t largest_count(const SchemeSpec& scheme) {
  std::uint64_t largest = kRefcountMax / std::max(1U, scheme.refs_per_pin);
  // The sign bit of a count that is added to shows that it has crossed.
  if (scheme.protocol == Protocol::kPackedWord && scheme.count_bits < 63)
    largest = std::min(largest, (std::uint64_t{1} << scheme.count_bits) - 1);
  return largest;
}

std::uint64_t max_pins(const SchemeSpec& scheme, const Layout& layout, unsigned order) {
  if (scheme.place != CountPlace::kTail) return scheme.max_pins;
  const bool has_place =
      layout.pincount.tail != 0 && order >= 1 && order >= layout.pincount.min_order;
  return has_place ? kRefcountMax : scheme.max_pins;
}

}  // namespace pagebox::inline PAGEBOX_ENV
