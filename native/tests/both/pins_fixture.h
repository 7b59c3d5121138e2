// A memmap, a zone and the pins of one scheme, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/box/assembly.h"
#include "page/folio.h"
#include "page/setup.h"
#include "pins/registry.h"

namespace pagebox::testing {

struct PinBox {
  Layout layout;
  Ledger ledger;
  Assembly assembly;
  Memmap* memmap = nullptr;
  Zone* zone = nullptr;
  Pins* pins = nullptr;

  Page page(std::uint64_t pfn) const { return memmap->page(Pfn{pfn}); }

  void set_up(std::uint64_t pfn, PageType type = PageType::kAnon, unsigned order = 0,
              bool on_lru = true) {
    ASSERT_EQ(setup_page(*memmap, *zone, Pfn{pfn}, {type, order, 1, on_lru}), Errc::kOk);
    pins->record_mappings(Pfn{pfn}, static_cast<std::uint32_t>(page(pfn).mapcount_raw() + 1));
  }

  /// The pages on all lists; also that every list can be walked.
  std::uint64_t listed() const {
    std::uint64_t pages = 0;
    Guard guard(zone->lru_lock());
    for (unsigned kind = 0; kind < kLruKinds; ++kind) {
      const Errc error = zone->for_each(static_cast<LruKind>(kind), [&](Page) { ++pages; });
      EXPECT_EQ(error, Errc::kOk);
    }
    return pages;
  }
};

inline std::unique_ptr<PinBox> make_box(const SchemeSpec& scheme, const Layout& layout,
                                        PinOptions options = {}, std::uint64_t pages = 2048,
                                        bool ledger = false, unsigned shards = 4) {
  auto box = std::make_unique<PinBox>();
  box->layout = layout_for(scheme, layout);
  AssemblySettings parts;
  parts.ram.layout = layout;
  parts.ram.pages = pages;
  parts.ram.zone = 0;
  parts.scheme = scheme;
  parts.shards = shards;
  parts.pins = options;
  if (ledger) {
    EXPECT_EQ(box->ledger.reserve(pages), Errc::kOk);
    parts.pins.ledger = &box->ledger;
  }
  EXPECT_EQ(box->assembly.create(parts), Errc::kOk);
  box->memmap = &box->assembly.memmap();
  box->zone = &box->assembly.zone();
  box->pins = &box->assembly.pins();
  return box;
}

inline std::unique_ptr<PinBox> make_box(const char* scheme, const char* layout,
                                        PinOptions options = {}, bool ledger = false) {
  return make_box(*find_scheme(scheme), *find_layout(layout), options, 2048, ledger);
}

inline StateBit state_bit(const char* name, FlagPlace place, std::initializer_list<PinEvent> sets,
                          std::initializer_list<PinEvent> clears) {
  const auto set_of = [](std::initializer_list<PinEvent> events) {
    PinEventSet set;
    for (const PinEvent event : events) set.bits |= 1U << static_cast<unsigned>(event);
    return set;
  };
  return {name, place, set_of(sets), set_of(clears)};
}

/// A count in bits that the Kconfig leaves free, with three states.
inline SchemeSpec states_in_flags(std::uint8_t bits, AtLimit at_limit) {
  const FlagPlace free{0, FlagPlace::kLowestFree};
  SchemeSpec scheme;
  scheme.name = "states-in-flags";
  scheme.protocol = Protocol::kPackedWord;
  scheme.place = CountPlace::kWord;
  scheme.count_bits = bits;
  scheme.count_in_free_bits = true;
  scheme.at_limit = at_limit;
  scheme.states = {
      state_bit("busy", free, {PinEvent::kFirstPin}, {PinEvent::kLastUnpin}),
      state_bit("full", free, {PinEvent::kFull}, {}),
      state_bit("ever", free, {PinEvent::kPin}, {}),
  };
  if (at_limit != AtLimit::kSaturate)
    scheme.states[1].clears.bits = 1U << static_cast<unsigned>(PinEvent::kNotFull);
  complete_scheme(scheme);
  return scheme;
}

/// A count in the list word 2, which isolates.
inline SchemeSpec states_in_list(std::uint8_t bits, AtLimit at_limit) {
  SchemeSpec scheme;
  scheme.name = "states-in-list";
  scheme.protocol = Protocol::kPackedWord;
  scheme.place = CountPlace::kWord;
  scheme.count_word = 2;
  scheme.count_shift = 8;
  scheme.count_bits = bits;
  scheme.pinned = {2, 0};
  scheme.was_lru = {2, 1};
  scheme.at_limit = at_limit;
  scheme.states = {state_bit("moved", {2, 4}, {PinEvent::kIsolate}, {PinEvent::kPutback})};
  complete_scheme(scheme);
  return scheme;
}

/// The built-in schemes, and declared ones for the loops that no built-in one has.
inline std::vector<SchemeSpec> schemes_of_tests() {
  std::vector<SchemeSpec> all = builtin_schemes();
  all.push_back(states_in_flags(2, AtLimit::kSpill));
  all.push_back(states_in_list(20, AtLimit::kRefuse));
  all.push_back(states_in_list(1, AtLimit::kSpill));
  return all;
}

/// Calls test(scheme, layout) for each pair that exists.
template <class Test>
void for_each_fit(Test test) {
  for (const Layout& layout : builtin_layouts())
    for (const SchemeSpec& scheme : schemes_of_tests()) {
      if (!scheme_fits(scheme, layout_for(scheme, layout))) continue;
      SCOPED_TRACE(scheme.name + " on " + layout.name);
      test(scheme, layout);
    }
}

}  // namespace pagebox::testing
