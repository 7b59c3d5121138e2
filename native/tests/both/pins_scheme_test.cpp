// Schemes as constants: the eleven, what fits which layout, and what is wrong
// with declared ones.
#include <gtest/gtest.h>

#include <algorithm>

#include "page/layout.h"
#include "pins/claims.h"
#include "pins/registry.h"
#include "pins/scheme.h"

namespace {

using namespace pagebox;

TEST(PinsScheme, TheElevenInOrder) {
  std::vector<std::string> names;
  for (const SchemeSpec& scheme : builtin_schemes()) names.push_back(scheme.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"refcount", "lru-overlay", "packed-64", "packed-32",
                                      "flag-and-word", "own-counter", "mapcount-overlay",
                                      "refcount-bias", "folio-pincount", "side-table", "sharded"}));
  for (const std::string& name : names) ASSERT_NE(find_scheme(name), nullptr);
  EXPECT_EQ(find_scheme("refcount-biased"), nullptr);
}

TEST(PinsScheme, BuiltinsPassTheirOwnCheck) {
  for (const SchemeSpec& scheme : builtin_schemes()) {
    for (const SchemeProblem& problem : check_scheme(scheme))
      ADD_FAILURE() << scheme.name << ": " << problem.field << " " << problem.what;
    EXPECT_FALSE(scheme.summary.empty());
    EXPECT_FALSE(scheme.source.empty());
    EXPECT_EQ(scheme.max_pins, largest_count(scheme)) << scheme.name;
    // An answer that is not exact has a rule for its false positives.
    EXPECT_FALSE(scheme.answer != PinAnswer::kExact && scheme.false_positives.empty());
  }
}

/// How often the bits of a place are said not to be there.
long missing_bits(const SchemeSpec& scheme) {
  return std::ranges::count_if(check_scheme(scheme), [](const SchemeProblem& problem) {
    return problem.what.find("does not exist; 0 to 63") != std::string::npos;
  });
}

TEST(PinsScheme, AFlagIsOneOf64Bits) {
  SchemeSpec scheme = *find_scheme("flag-and-word");
  for (FlagPlace SchemeSpec::* const flag : {&SchemeSpec::pinned, &SchemeSpec::was_lru})
    for (const bool named : {false, true})
      for (const auto& [bit, missing] : {std::pair{63, 0}, {64, 1}, {127, 1}, {-3, 1}}) {
        SchemeSpec moved = scheme;
        moved.*flag = {3, static_cast<std::int16_t>(bit)};
        if (named) (moved.*flag).word = FlagPlace::kNone;
        if (named) (moved.*flag).field = "index";
        EXPECT_EQ(missing_bits(moved), missing) << bit << (named ? " of a field" : "");
      }
}

TEST(PinsScheme, LimitsOfTheFacts) {
  EXPECT_EQ(find_scheme("refcount-bias")->max_pins, (1U << 21) - 1);
  EXPECT_EQ(find_scheme("packed-32")->max_pins, (1U << 30) - 1);
  EXPECT_EQ(find_scheme("lru-overlay")->max_pins, (1U << 31) - 1);
}

TEST(PinsScheme, Packed64DoesNotExistForFourByteWords) {
  const SchemeSpec& scheme = *find_scheme("packed-64");
  for (const Layout& layout : builtin_layouts()) {
    const Fit fit = scheme_fits(scheme, layout);
    EXPECT_EQ(static_cast<bool>(fit), layout.word_bytes == 8) << layout.name;
    if (!fit) {
      EXPECT_NE(fit.why.find("32-bit words"), std::string::npos) << fit.why;
    }
  }
}

TEST(PinsScheme, FlagAndWordNeedsAFreeFlagBit) {
  const SchemeSpec& scheme = *find_scheme("flag-and-word");
  unsigned refused = 0;
  for (const Layout& layout : builtin_layouts()) {
    const Fit fit = scheme_fits(scheme, layout);
    EXPECT_EQ(static_cast<bool>(fit), free_flag_bits(layout) != 0) << layout.name;
    if (!fit) {
      EXPECT_NE(fit.why.find(layout.kconfig.name), std::string::npos) << fit.why;
    }
    refused += fit ? 0 : 1;
  }
  Layout full = *find_layout("linux-4.20");
  full.kconfig.section_bits =
      static_cast<std::uint8_t>(full.kconfig.section_bits + free_flag_bits(full));
  EXPECT_FALSE(scheme_fits(scheme, full));
}

TEST(PinsScheme, OwnCounterRunsOnAWiderLayout) {
  const SchemeSpec& scheme = *find_scheme("own-counter");
  const Layout wider = layout_for(scheme, *find_layout("linux-4.20"));
  EXPECT_EQ(wider.stride_bytes, 80);
  EXPECT_NE(wider.counter_offset, 0);
  EXPECT_EQ(layout_for(*find_scheme("refcount"), *find_layout("linux-4.20")).stride_bytes, 64);
}

SchemeSpec custom() {
  SchemeSpec scheme;
  scheme.name = "mine";
  scheme.protocol = Protocol::kPackedWord;
  scheme.place = CountPlace::kWord;
  scheme.count_word = 2;
  scheme.count_shift = 4;
  scheme.count_bits = 12;
  scheme.packed_bits = 32;
  scheme.pinned = {2, 0};
  scheme.was_lru = {2, 1};
  complete_scheme(scheme);
  return scheme;
}

std::vector<std::string> fields_of(const std::vector<SchemeProblem>& problems) {
  std::vector<std::string> fields;
  for (const SchemeProblem& problem : problems) fields.push_back(problem.field);
  return fields;
}

struct Fault {
  const char* field;
  void (*make)(SchemeSpec&);
};

TEST(PinsScheme, ACustomSchemeIsCompleted) {
  const SchemeSpec scheme = custom();
  EXPECT_TRUE(check_scheme(scheme).empty());
  EXPECT_EQ(scheme.max_pins, 4095U);
  EXPECT_EQ(scheme.min_word_bytes, 4);
  EXPECT_TRUE(scheme.effects.has(PinEffect::kLruClear));
}

TEST(PinsScheme, EachFaultIsNamed) {
  const Fault faults[] = {
      {"name", [](SchemeSpec& s) { s.name = ""; }},
      {"name", [](SchemeSpec& s) { s.name = "Not A Name"; }},
      {"place", [](SchemeSpec& s) { s.protocol = Protocol::kExternal; }},
      {"place", [](SchemeSpec& s) { s.place = CountPlace::kMapcount; }},
      {"countWord", [](SchemeSpec& s) { s.count_word = 6; }},
      {"countBits", [](SchemeSpec& s) { s.count_bits = 0; }},
      {"countBits", [](SchemeSpec& s) { s.count_bits = 29; }},
      {"packedBits", [](SchemeSpec& s) { s.packed_bits = 16; }},
      {"pinned", [](SchemeSpec& s) { s.pinned = {}; }},
      {"pinned", [](SchemeSpec& s) { s.pinned = {2, 4}; }},
      {"pinned", [](SchemeSpec& s) { s.pinned = {1, 0}; }},
      {"pinned", [](SchemeSpec& s) { s.pinned = {2, 64}; }},
      {"pinned", [](SchemeSpec& s) { s.pinned = {7, 1}; }},
      {"wasLru", [](SchemeSpec& s) { s.was_lru = {2, 0}; }},
      {"wasLru", [](SchemeSpec& s) { s.was_lru = {2, FlagPlace::kLowestFree}; }},
      {"refsPerPin", [](SchemeSpec& s) { s.refs_per_pin = 0; }},
      {"maxPins", [](SchemeSpec& s) { s.max_pins = 4096; }},
      {"types", [](SchemeSpec& s) { s.types = {}; }},
  };
  for (const Fault& fault : faults) {
    SchemeSpec scheme = custom();
    fault.make(scheme);
    const std::vector<std::string> fields = fields_of(check_scheme(scheme));
    EXPECT_NE(std::find(fields.begin(), fields.end(), fault.field), fields.end()) << fault.field;
  }
}

TEST(PinsScheme, PageTailIsNeverClaimed) {
  SchemeSpec scheme = custom();
  scheme.count_word = 1;
  scheme.count_shift = 0;
  scheme.pinned = {1, 20};
  scheme.was_lru = {1, 21};
  EXPECT_FALSE(check_scheme(scheme).empty());
  for (const SchemeSpec& builtin : builtin_schemes())
    for (const Layout& layout : builtin_layouts()) {
      if (!scheme_fits(builtin, layout)) continue;
      const BitRange tail_bit{0, static_cast<std::uint16_t>(layout.word_bytes * 8), 1};
      for (const Claim& claim : claims_of(builtin, layout_for(builtin, layout), PageType::kAnon, 9))
        EXPECT_EQ(tail_bit.see(claim.range.all(), claim.range), 0U) << builtin.name;
    }
}

}  // namespace
