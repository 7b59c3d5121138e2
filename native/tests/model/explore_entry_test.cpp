// The door to the model: a request is bytes, each of which may be missing or wrong, and
// what comes back is never cut.
#include "explore/entry.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/explore_messages.h"
#include "engine/scenario/op_row.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Told {
  std::vector<ExploreFinding> findings;
  std::vector<ExploreCount> counts;
  ExploreSummary summary;
  std::string refused;
  unsigned summaries = 0, unreadable = 0;
};

void take(void* self, std::uint32_t kind, const void* bytes, std::size_t size) {
  auto& told = *static_cast<Told*>(self);
  const std::span<const std::byte> span(static_cast<const std::byte*>(bytes), size);
  std::string why;
  Errc error = Errc::kOk;
  switch (static_cast<ExploreMessage>(kind)) {
    case ExploreMessage::kProgress: {
      ExploreSummary so_far;
      error = read_message(span, so_far, why);
      break;
    }
    case ExploreMessage::kFinding:
      error = read_message(span, told.findings.emplace_back(), why);
      break;
    case ExploreMessage::kOutcome:
      error = read_message(span, told.counts.emplace_back(), why);
      break;
    case ExploreMessage::kSummary:
      error = read_message(span, told.summary, why);
      ++told.summaries;
      break;
    case ExploreMessage::kRefused: error = read_message(span, told.refused, why); break;
  }
  if (error != Errc::kOk) ++told.unreadable;
}

Errc explore_through_door(std::span<const std::byte> bytes, Told& told) {
  told = {};
  return static_cast<Errc>(
      pagebox_model_entry()->explore(bytes.data(), bytes.size(), nullptr, {&told, &take}));
}

ExploreRequest pins_request(const char* scheme) {
  ExploreRequest request;
  request.layout = *find_layout("linux-6.12");
  request.scheme = *find_scheme(scheme);
  request.what = ExploreWhat::kRandom;
  request.mixes.resize(1);
  EXPECT_TRUE(request.mixes[0].add("pins", 1));
  request.thread_count = 2;
  request.ops = 3;
  request.random.folios = 2;
  request.schedules = 100;
  request.schedules_each = 1;
  return request;
}

ExploreRequest random_request() {
  ExploreRequest request = pins_request("refcount-bias");
  request.what = ExploreWhat::kRandom;
  request.mixes.assign(1, OpMix{});
  EXPECT_TRUE(request.mixes[0].add("mm", 1));
  request.random.folios = 0;
  request.schedules = 20;
  return request;
}

TEST(ExploreEntry, ExploresPinsAndCountsEachOutcome) {
  Told told;
  EXPECT_EQ(explore_through_door(write_message(pins_request("sharded")), told), Errc::kOk);
  EXPECT_EQ(told.unreadable, 0U);
  EXPECT_EQ(told.summaries, 1U);
  EXPECT_EQ(told.summary.schedules, 100U);
  ASSERT_FALSE(told.counts.empty());
  EXPECT_EQ(told.counts[0].outcome, "clean");
  EXPECT_EQ(told.counts[0].schedules, 100U);
  ASSERT_EQ(told.summary.drawn.size(), 1U);
  EXPECT_EQ(told.summary.drawn[0].outcome, "random");
  EXPECT_EQ(told.summary.drawn[0].schedules, 100U);
}

TEST(ExploreEntry, TakesSchemesAndLayoutsThatNobodyBuiltIn) {
  ExploreRequest request = random_request();
  request.scheme.name = "mine";
  request.layout.name = "ours";
  Told own, same;
  EXPECT_EQ(explore_through_door(write_message(request), own), Errc::kOk) << own.refused;
  EXPECT_EQ(explore_through_door(write_message(random_request()), same), Errc::kOk);
  EXPECT_EQ(own.summary.schedules, 20U);
  EXPECT_EQ(own.summary.hash, same.summary.hash);  // a name decides nothing
}

TEST(ExploreEntry, SaysWhatIsAllowed) {
  Told told;
  ExploreRequest request = pins_request("refcount-bias");
  request.ops = 17;
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kInval);
  EXPECT_EQ(told.refused, "pinOps: 1 to 16");
  request = pins_request("packed-64");
  request.layout = *find_layout("linux-6.12-32");
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kRefused);
  EXPECT_NE(told.refused, "");
  request = pins_request("refcount-bias");
  request.behaviour.quirks.bits = std::uint64_t{1} << 63;
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kInval);
  EXPECT_EQ(told.refused, "quirks: bits that are none");
  request = pins_request("refcount-bias");
  EXPECT_TRUE(request.mixes[0].add("pageout", 1));
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kInval);
  EXPECT_EQ(told.refused, "mix: on folios no other operations than those on pages, not pageout");
  request = random_request();
  request.strategy = "luck";
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kInval);
  EXPECT_EQ(told.refused, "strategy: random, depth-first, dpor, pct, pos, urw, surw, portfolio");
  request = random_request();
  request.layout.word_bytes = 3;
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kInval);
  EXPECT_EQ(told.refused.rfind("layout: ", 0), 0U) << told.refused;
}

TEST(ExploreEntry, TracesHaveAnyLength) {
  ExploreRequest request = random_request();
  request.ops = 400;
  request.schedules = 1;
  request.max_steps = 20'000;  // ends as "limit", after some thousand lines
  request.steps = true;
  Told told;
  EXPECT_EQ(explore_through_door(write_message(request), told), Errc::kOk) << told.refused;
  ASSERT_EQ(told.findings.size(), 1U);
  EXPECT_EQ(told.findings[0].outcome, "limit");
  EXPECT_GT(told.findings[0].trace.size(), 100U);
  EXPECT_GT(told.findings[0].steps.size(), 10'000U);
}

TEST(ExploreEntry, RefusesARequestThatIsCutShortAnywhere) {
  ExploreRequest request = random_request();
  request.setup.assign(kOpSlots.size(), 0);
  request.threads = {{}, std::vector<double>(kOpSlots.size(), 0)};
  request.behaviour.rules = KernelRules{1};
  const std::vector<std::byte> whole = write_message(request);
  Told told;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(explore_through_door(std::span(whole).first(size), told), Errc::kInval) << size;
    EXPECT_EQ(told.refused.rfind("request: ", 0), 0U) << told.refused;
    EXPECT_EQ(told.summaries, 0U);
  }
  std::vector<std::byte> longer = whole;
  longer.push_back({});
  EXPECT_EQ(explore_through_door(longer, told), Errc::kInval);
  EXPECT_EQ(told.refused, "request: end: 1 bytes too many");
}

// Whatever the bytes say, an exploration ends or is refused; here each is so small that
// one which is taken costs nothing.
TEST(ExploreEntry, LivesWithAlteredBytes) {
  ExploreRequest request = random_request();
  request.ops = 1;
  request.schedules = 1;
  request.max_steps = 2000;
  const std::vector<std::byte> whole = write_message(request);
  Rng rng(7);
  unsigned refused = 0, taken = 0;
  for (unsigned round = 0; round < 400; ++round) {
    std::vector<std::byte> altered = whole;
    const std::size_t at = round < 32 ? round : rng.below(altered.size());
    altered[at] ^= static_cast<std::byte>(1U << rng.below(8));
    ExploreRequest read;
    std::string why;
    if (read_message(altered, read, why) == Errc::kOk &&
        (read.schedules > 8 || read.pages > 1 << 16 || read.max_steps > 1 << 16 || read.ops > 8))
      continue;  // asked for more, and would get it
    Told told;
    const Errc error = explore_through_door(altered, told);
    if (error == Errc::kOk) {
      ++taken;
      EXPECT_EQ(told.summaries, 1U);
    } else {
      ++refused;
      EXPECT_NE(told.refused, "") << "byte " << at;
    }
    EXPECT_EQ(told.unreadable, 0U);
  }
  EXPECT_GT(refused, 50U);
  EXPECT_GT(taken, 20U);
}

TEST(ExploreMessages, CarryLayoutsWhole) {
  for (const Layout& layout : builtin_layouts()) {
    ExploreRequest request = random_request(), read;
    request.layout = layout;
    std::string why;
    ASSERT_EQ(read_message(write_message(request), read, why), Errc::kOk) << why;
    const Layout& back = read.layout;
    EXPECT_EQ(back.name, layout.name);
    ASSERT_EQ(back.flags.size(), layout.flags.size());
    for (std::size_t i = 0; i < layout.flags.size(); ++i) {
      EXPECT_EQ(back.flags[i].flag, layout.flags[i].flag);
      EXPECT_EQ(back.flags[i].bit, layout.flags[i].bit);
    }
    ASSERT_EQ(back.other_flags.size(), layout.other_flags.size());
    for (std::size_t i = 0; i < layout.other_flags.size(); ++i) {
      EXPECT_EQ(back.other_flags[i].name, layout.other_flags[i].name);
      EXPECT_EQ(back.other_flags[i].bit, layout.other_flags[i].bit);
    }
    ASSERT_EQ(back.fields.size(), layout.fields.size());
    for (std::size_t i = 0; i < layout.fields.size(); ++i) {
      const Field &is = back.fields[i], &was = layout.fields[i];
      EXPECT_EQ(std::tie(is.name, is.offset_bytes, is.shift, is.bits, is.kind, is.meaning,
                         is.contested, is.object, is.types.bits),
                std::tie(was.name, was.offset_bytes, was.shift, was.bits, was.kind, was.meaning,
                         was.contested, was.object, was.types.bits));
    }
  }
}

TEST(ExploreMessages, SayWhichFieldIsWrong) {
  std::vector<std::byte> bytes = write_message(random_request());
  std::string why;
  ExploreRequest request;
  bytes[8] = std::byte{99};  // a version that there never was
  EXPECT_EQ(read_message(bytes, request, why), Errc::kInval);
  EXPECT_EQ(why.substr(0, 12), "version: 99,");
  ExploreFinding finding;
  EXPECT_EQ(read_message(write_message(random_request()), finding, why), Errc::kInval);
  EXPECT_EQ(why, "kind: 1, not 2");
  EXPECT_EQ(read_message({}, finding, why), Errc::kInval);
  EXPECT_EQ(why, "magic: cut short, 0 bytes are left");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
