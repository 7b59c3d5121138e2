// Packed counts with named states: what happens at their limit, which bits change with
// which event, and that the room analysis knows all of it.
#include "pins/probe.h"
#include "pins/states.h"
#include "pins_fixture.h"
#include "tests/both/pins_room_text.h"

namespace {

using namespace pagebox;
using pagebox::testing::make_box;
using pagebox::testing::state_bit;
using pagebox::testing::states_in_flags;
using pagebox::testing::states_in_list;

constexpr Pfn kPage{1};

/// The word with the scheme's bits, as one number: states from bit 0, then the count.
struct Bits {
  std::uint64_t count = 0;
  std::vector<bool> states;
  bool operator==(const Bits&) const = default;
};

Bits bits_of(const SchemeSpec& scheme, const pagebox::testing::PinBox& box) {
  const SchemeSpec at = placed(scheme, box.layout);
  const std::uint64_t word = box.page(1).word(at.count_word);
  Bits bits{word >> at.count_shift & at.full_count(), {}};
  for (const StateBit& state : at.states) bits.states.push_back((word >> state.place.bit & 1) != 0);
  return bits;
}

TEST(PinsStates, ChangeWithTheEventsThatNameThem) {
  const SchemeSpec scheme = states_in_flags(8, AtLimit::kRefuse);
  ASSERT_TRUE(check_scheme(scheme).empty());
  auto box = make_box(scheme, *find_layout("linux-6.12"));
  box->set_up(1);
  const std::uint64_t before = box->page(1).word(0);
  Pins& pins = *box->pins;
  ASSERT_EQ(pins.try_pin_speculative(kPage, 1, 0), Errc::kOk);
  EXPECT_EQ(bits_of(scheme, *box), (Bits{1, {true, false, true}}));
  ASSERT_EQ(pins.pin_referenced(kPage, 254, 0), Errc::kOk);
  EXPECT_EQ(bits_of(scheme, *box), (Bits{255, {true, true, true}}));
  const std::int32_t refs = box->page(1).refcount();
  EXPECT_EQ(pins.pin_referenced(kPage, 1, 0), Errc::kPinLimit);
  EXPECT_EQ(pins.try_pin_speculative(kPage, 1, 0), Errc::kPinLimit);
  EXPECT_EQ(box->page(1).refcount(), refs);
  ASSERT_TRUE(pins.unpin(kPage, 1, 0));
  EXPECT_EQ(bits_of(scheme, *box), (Bits{254, {true, false, true}}));
  EXPECT_EQ(pins.unpin(kPage, 255, 0).error, Errc::kNotPinned);
  ASSERT_TRUE(pins.unpin(kPage, 254, 0));
  // "ever" stays; nothing else of the word has changed.
  EXPECT_EQ(bits_of(scheme, *box), (Bits{0, {false, false, true}}));
  EXPECT_EQ(box->page(1).word(0) & ~own_bits(placed(scheme, box->layout)), before);
}

TEST(PinsStates, ASpillCountsOnOutsideAndComesBack) {
  for (const SchemeSpec& scheme :
       {states_in_flags(8, AtLimit::kSpill), states_in_list(3, AtLimit::kSpill)}) {
    auto box = make_box(scheme, *find_layout("linux-6.12"));
    box->set_up(1);
    Pins& pins = *box->pins;
    std::uint64_t held = 0;
    for (const std::uint32_t n : {1U, 6U, 249U, 1U, 5U, 100'000U}) {
      ASSERT_EQ(pins.pin_referenced(kPage, n, 0), Errc::kOk);
      held += n;
      const PinCount count = pins.pins(kPage);
      EXPECT_TRUE(count.exact);
      EXPECT_EQ(count.pins, held) << scheme.name;
    }
    EXPECT_EQ(pins.unpin(kPage, static_cast<std::uint32_t>(held + 1), 0).error, Errc::kNotPinned);
    for (const std::uint32_t n : {99'999U, 1U, 6U, 250U, 5U}) {
      ASSERT_TRUE(pins.unpin(kPage, n, 0));
      held -= n;
      EXPECT_EQ(pins.pins(kPage).pins, held) << scheme.name;
      EXPECT_TRUE(pins.maybe_pinned(kPage));
    }
    ASSERT_TRUE(pins.unpin(kPage, static_cast<std::uint32_t>(held), 0));
    EXPECT_EQ(pins.pins(kPage).pins, 0U);
    EXPECT_FALSE(pins.maybe_pinned(kPage));
    EXPECT_EQ(box->listed(), 1U);
  }
}

TEST(PinsStates, ASaturatedCountSticksAndBoundsThePins) {
  for (const SchemeSpec& scheme :
       {states_in_flags(8, AtLimit::kSaturate), states_in_list(8, AtLimit::kSaturate)}) {
    ASSERT_TRUE(check_scheme(scheme).empty());
    EXPECT_EQ(scheme.answer, PinAnswer::kFuzzy);
    EXPECT_TRUE(scheme.effects.has(PinEffect::kCountSticks));
    auto box = make_box(scheme, *find_layout("linux-6.12"));
    box->set_up(1);
    Pins& pins = *box->pins;
    ASSERT_EQ(pins.pin_referenced(kPage, 254, 0), Errc::kOk);
    EXPECT_EQ(pins.pins(kPage).pins, 254U);
    EXPECT_TRUE(pins.pins(kPage).exact);
    EXPECT_FALSE(pins.sticks(kPage));
    ASSERT_EQ(pins.pin_referenced(kPage, 1000, 0), Errc::kOk);
    EXPECT_FALSE(pins.pins(kPage).exact);
    EXPECT_GE(pins.pins(kPage).pins, 1254U);
    EXPECT_TRUE(pins.sticks(kPage));
    ASSERT_TRUE(pins.unpin(kPage, 1254, 0));
    // It has lost count: the page reads as pinned, whoever has pinned it.
    EXPECT_TRUE(pins.maybe_pinned(kPage));
    EXPECT_FALSE(pins.pins(kPage).exact);
    box->memmap->forget(box->page(1));
    EXPECT_FALSE(pins.maybe_pinned(kPage));
  }
}

TEST(PinsStates, AStateThatContradictsItsCountIsNamed) {
  const SchemeSpec scheme = states_in_flags(8, AtLimit::kRefuse);
  auto box = make_box(scheme, *find_layout("linux-6.12"));
  box->set_up(1);
  ASSERT_EQ(box->pins->pin_referenced(kPage, 1, 0), Errc::kOk);
  EXPECT_EQ(box->pins->wrong_state(kPage), nullptr);
  const SchemeSpec at = placed(scheme, box->layout);
  const Page page = box->page(1);
  page.set_word(0, page.word(0) ^ std::uint64_t{1} << at.states[0].place.bit);
  ASSERT_NE(box->pins->wrong_state(kPage), nullptr);
  EXPECT_EQ(box->pins->wrong_state(kPage)->name, "busy");
}

TEST(PinsStates, FreeBitsAreThoseThatNobodyElseAskedFor) {
  SchemeSpec scheme = states_in_flags(4, AtLimit::kRefuse);
  const Layout& layout = *find_layout("linux-6.12");
  const auto first = static_cast<unsigned>(lowest_free_flag_bit(layout));
  scheme.states[0].place.bit = static_cast<std::int16_t>(first + 1);
  const SchemeSpec at = placed(scheme, layout);
  EXPECT_EQ(at.count_shift, first + 2);
  EXPECT_EQ(at.states[1].place.bit, static_cast<int>(first));
  EXPECT_EQ(at.states[2].place.bit, static_cast<int>(first + 6));
  EXPECT_TRUE(scheme_fits(scheme, layout));
  scheme.count_bits = 30;
  const Fit fit = scheme_fits(scheme, layout);
  EXPECT_FALSE(fit);
  EXPECT_NE(fit.why.find("30 free bits of page->flags in a row"), std::string::npos) << fit.why;
}

struct StateFault {
  const char* field;
  void (*make)(SchemeSpec&);
};

TEST(PinsStates, EachFaultIsNamed) {
  const StateFault faults[] = {
      {"states[0].name", [](SchemeSpec& s) { s.states[0].name = "Busy"; }},
      {"states[0].name", [](SchemeSpec& s) { s.states[0].name = "pinned"; }},
      {"states[1].name", [](SchemeSpec& s) { s.states[1].name = "busy"; }},
      {"states[0].set", [](SchemeSpec& s) { s.states[0].sets = {}; }},
      {"states[0]", [](SchemeSpec& s) { s.states[0].clears = s.states[0].sets; }},
      {"states[0]", [](SchemeSpec& s) { s.states[0].place = {2, 1}; }},
      {"states[0]",
       [](SchemeSpec& s) { s.states[0] = state_bit("a", {0, 30}, {PinEvent::kIsolate}, {}); }},
      {"states[2]",
       [](SchemeSpec& s) {
         s.states[2] = state_bit("a", {0, 30}, {PinEvent::kPin}, {PinEvent::kFull});
       }},
      {"states[1]",
       [](SchemeSpec& s) {
         s.at_limit = AtLimit::kSaturate;
         s.states[1] = state_bit("a", {0, 30}, {PinEvent::kFull}, {PinEvent::kNotFull});
       }},
      {"states[1]", [](SchemeSpec& s) { s.states[0].place.bit = s.states[1].place.bit = 30; }},
      {"states", [](SchemeSpec& s) { s.states.resize(9, s.states[0]); }},
      {"states", [](SchemeSpec& s) { s.protocol = Protocol::kFlagAndWord; }},
      {"atLimit",
       [](SchemeSpec& s) {
         s.protocol = Protocol::kAdd;
         s.place = CountPlace::kRefcount;
         s.at_limit = AtLimit::kSpill;
       }},
      {"countBits", [](SchemeSpec& s) { s.count_bits = 33; }},
      {"countShift", [](SchemeSpec& s) { s.count_word = 2; }},
      {"packedBits", [](SchemeSpec& s) { s.packed_bits = 32; }},
      {"pinned", [](SchemeSpec& s) { s.was_lru = {0, 31}; }},
  };
  for (const StateFault& fault : faults) {
    SchemeSpec scheme = states_in_flags(8, AtLimit::kRefuse);
    fault.make(scheme);
    std::string fields;
    for (const SchemeProblem& problem : check_scheme(scheme)) fields += problem.field + " ";
    EXPECT_NE((" " + fields).find(" " + std::string(fault.field) + " "), std::string::npos)
        << fault.field << " is not among: " << fields;
  }
}

// Over free bits and over live ones, with each limit: the table says what memory does.
TEST(PinsStates, RoomAndProbeAgree) {
  std::vector<SchemeSpec> all;
  for (const AtLimit limit : {AtLimit::kRefuse, AtLimit::kSaturate, AtLimit::kSpill})
    for (const std::uint8_t bits : {1, 2, 8}) {
      all.push_back(states_in_flags(bits, limit));
      all.push_back(states_in_list(bits, limit));
      for (const std::uint8_t word : {0, 2, 3, 4, 5}) {
        SchemeSpec over = states_in_flags(bits, limit);
        over.name = "over-" + std::to_string(word);
        over.count_word = word;
        over.count_in_free_bits = false;
        over.count_shift = 3;
        for (unsigned i = 0; i < over.states.size(); ++i)
          over.states[i].place = {word, static_cast<std::int16_t>(12 + i)};
        all.push_back(over);
        over.pinned = {word, 1};
        over.states.pop_back();
        all.push_back(over);
      }
    }
  // A count of more pins than the references of one page have room for.
  SchemeSpec heavy = states_in_flags(8, AtLimit::kSaturate);
  heavy.count_in_free_bits = false;
  heavy.count_bits = 12;
  heavy.refs_per_pin = 1U << 20;
  for (StateBit& state : heavy.states)
    state.place = {0, static_cast<std::int16_t>(20 + (&state - heavy.states.data()))};
  heavy.max_pins = largest_count(heavy);
  all.push_back(heavy);
  for (SchemeSpec& scheme : all) {
    for (const SchemeProblem& problem : check_scheme(scheme))
      ADD_FAILURE() << scheme.name << ": " << problem.field << " " << problem.what;
    for (const char* name : {"linux-4.20", "linux-6.12", "linux-6.12-32"}) {
      const Layout& layout = *find_layout(name);
      for (unsigned type = 0; type < kPageTypes; ++type) {
        const auto page_type = static_cast<PageType>(type);
        const unsigned order = min_order(page_type);
        const Result<RoomCell> table = room(scheme, layout, page_type, order);
        const Result<RoomCell> probed = probe(scheme, layout, page_type, order);
        ASSERT_TRUE(table);
        const std::string at = scheme.name + ", " + std::to_string(scheme.count_bits) + " bits, " +
                               std::string(kAtLimitNames[static_cast<unsigned>(scheme.at_limit)]) +
                               " on " + layout.name + ", " + std::string(kPageTypeNames[type]);
        ASSERT_TRUE(probed) << at << ": " << errc_name(probed.error);
        EXPECT_EQ(text(table.value), text(probed.value)) << at;
      }
    }
  }
}

}  // namespace
