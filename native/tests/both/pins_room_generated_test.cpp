// Schemes nobody has thought of, drawn from a seed: table and probe agree on each, on
// every built-in layout, page type and order.
#include <gtest/gtest.h>

#include <random>

#include "pins/probe.h"
#include "pins/registry.h"
#include "pins/room.h"
#include "tests/both/pins_room_text.h"

namespace {

using namespace pagebox;

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  SchemeSpec scheme() {
    for (;;) {
      SchemeSpec drawn = any();
      complete_scheme(drawn);
      if (check_scheme(drawn).empty()) return drawn;
    }
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool coin() { return below(2) != 0; }
  static bool in_word(Protocol protocol) {
    return protocol != Protocol::kAdd && protocol != Protocol::kExternal;
  }

  CountPlace place(Protocol protocol) {
    if (protocol == Protocol::kExternal)
      return coin() ? CountPlace::kSideTable : CountPlace::kSharded;
    return in_word(protocol) ? CountPlace::kWord : static_cast<CountPlace>(below(5));
  }

  FlagPlace flag(const SchemeSpec& scheme) {
    const unsigned word = scheme.protocol == Protocol::kPackedWord ? scheme.count_word : below(6);
    return {static_cast<std::int16_t>(word), static_cast<std::int16_t>(below(coin() ? 8 : 64))};
  }

  /// What makes no sense of it is refused, and drawn again.
  void narrow(SchemeSpec& s) {
    s.count_bits = static_cast<std::uint8_t>(1 + below(32));
    s.count_shift = static_cast<std::uint8_t>(below(coin() ? 32 : 64));
    if (s.place == CountPlace::kSideTable) s.count_shift = 0;
    s.at_limit = static_cast<AtLimit>(below(kAtLimitNames.size()));
  }

  SchemeSpec any() {
    SchemeSpec s;
    s.name = "drawn";
    s.protocol = static_cast<Protocol>(below(kProtocols));
    s.place = place(s.protocol);
    if (s.place == CountPlace::kWord) {
      s.count_word = static_cast<std::uint8_t>(below(6));
      s.count_bits = 32;
    }
    if (s.protocol != Protocol::kPackedWord && coin()) narrow(s);
    if (s.protocol == Protocol::kPackedWord) {
      s.packed_bits = coin() ? 64 : 32;
      s.count_shift = static_cast<std::uint8_t>(below(s.packed_bits));
      s.count_bits = static_cast<std::uint8_t>(1 + below(s.packed_bits - s.count_shift));
    }
    if (in_word(s.protocol)) {
      s.pinned = flag(s);
      if (s.protocol == Protocol::kFlagAndWord && below(3) == 0)
        s.pinned = {0, FlagPlace::kLowestFree};
      if (coin() || s.protocol == Protocol::kListOverlay) s.was_lru = flag(s);
      if (s.protocol == Protocol::kListOverlay) s.was_lru.word = s.pinned.word;
    }
    static constexpr std::uint32_t kRefs[] = {1, 1, 1, 2, 3, 16, 1000, 1024, 65536, 1048576};
    s.refs_per_pin = kRefs[below(std::size(kRefs))];
    if (below(4) == 0) s.types.bits &= static_cast<decltype(s.types.bits)>(random_());
    return s;
  }

  std::mt19937_64 random_;
};

std::string text(const Result<RoomCell>& cell) {
  return cell ? text(cell.value) : std::string(errc_name(cell.error));
}

std::string text(const SchemeSpec& s) {
  return std::string(kProtocolNames[static_cast<unsigned>(s.protocol)]) + " at " +
         std::string(kCountPlaceNames[static_cast<unsigned>(s.place)]) + ", word " +
         std::to_string(s.count_word) + " bits " + std::to_string(s.count_shift) + "+" +
         std::to_string(s.count_bits) + ", pinned " + std::to_string(s.pinned.word) + ":" +
         std::to_string(s.pinned.bit) + ", was-LRU " + std::to_string(s.was_lru.word) + ":" +
         std::to_string(s.was_lru.bit) + ", refs " + std::to_string(s.refs_per_pin);
}

class GeneratedSchemes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(GeneratedSchemes, TableAndProbeAgree) {
  Draw draw(GetParam());
  for (int i = 0; i < 2; ++i) {
    const SchemeSpec scheme = draw.scheme();
    for (const Layout& layout : builtin_layouts())
      for (unsigned type = 0; type < kPageTypes; ++type)
        for (const unsigned order : {0U, 1U, 2U, 9U}) {
          const auto page_type = static_cast<PageType>(type);
          EXPECT_EQ(text(room(scheme, layout, page_type, order)),
                    text(probe(scheme, layout, page_type, order)))
              << text(scheme) << " on " << layout.name << ", " << kPageTypeNames[type]
              << " of order " << order;
        }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GeneratedSchemes, ::testing::Range<std::uint64_t>(1, 13));

TEST(PinsScheme, ADeclaredSchemeCanShowWhatItsKindCan) {
  for (const SchemeSpec& scheme : builtin_schemes())
    EXPECT_EQ(scheme.quirks.bits, quirks_of(scheme).bits) << scheme.name;
}

}  // namespace
