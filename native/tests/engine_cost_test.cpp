// Each limit loop leaves the same words behind as the scheme that it measures.
#include "engine/measure/cost.h"

#include <algorithm>
#include <map>

#include "engine/measure/limit_loops.h"
#include "tests/both/engine_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kCostPages = 64;

class LimitLoops : public ::testing::TestWithParam<SchemeSpec> {
 protected:
  std::shared_ptr<Box> make(unsigned order) {
    auto box = TestBox{.scheme = GetParam().name, .pages = kCostPages, .ledger = false}.make();
    EXPECT_EQ(box->setup_range(Pfn{0}, kCostPages, {.order = order}), Errc::kOk);
    return box;
  }
};

std::vector<std::uint64_t> words_of(const Box& box) {
  std::vector<std::uint64_t> words;
  for (std::uint64_t pfn = 0; pfn < kCostPages; ++pfn)
    for (const std::uint64_t word : box.words(Pfn{pfn}).value.words) words.push_back(word);
  return words;
}

TEST_P(LimitLoops, PinAsTheSchemeDoes) {
  for (const unsigned order : {0U, 2U}) {
    auto by_scheme = make(order), by_limit = make(order);
    std::vector<std::uint32_t> pfns(200);
    PatternStream(Pattern::kRandom, Pfn{0}, kCostPages, 3, 0, 1, nullptr).fill(pfns);
    const LimitLoop pin = limit_loop(by_limit->scheme(), PinOp::kPin);
    const LimitLoop unpin = limit_loop(by_limit->scheme(), PinOp::kUnpin);
    const LimitLoop query = limit_loop(by_limit->scheme(), PinOp::kMaybePinned);
    ASSERT_NE(pin, nullptr);
    const PinFrame& frame = by_limit->scheme().frame();

    EXPECT_EQ(by_scheme->scheme().try_pin_many(pfns, 0).failed, 0U);
    EXPECT_EQ(pin(frame, pfns.data(), pfns.size(), 0), 0U);
    EXPECT_EQ(words_of(*by_scheme), words_of(*by_limit)) << "order " << order;
    EXPECT_EQ(query(frame, pfns.data(), pfns.size(), 0), pfns.size());
    for (const std::uint32_t pfn : pfns)
      EXPECT_EQ(by_scheme->pins(Pfn{pfn}).value.pins, by_limit->pins(Pfn{pfn}).value.pins);

    EXPECT_EQ(by_scheme->scheme().unpin_many(pfns, 0).failed, 0U);
    EXPECT_EQ(unpin(frame, pfns.data(), pfns.size(), 0), 0U);
    EXPECT_EQ(words_of(*by_scheme), words_of(*by_limit)) << "order " << order;
    for (const PinOp op : {PinOp::kSpeculativeUnpin, PinOp::kReferencedUnpin})
      EXPECT_EQ(limit_loop(by_limit->scheme(), op)(frame, pfns.data(), pfns.size(), 0), 0U);
    EXPECT_CLEAN(*by_limit);
  }
}

TEST_P(LimitLoops, RefuseAFreePage) {
  auto box =
      TestBox{.scheme = GetParam().name, .pages = 4, .ledger = false, .populate = false}.make();
  const std::uint32_t pfn = 1;
  EXPECT_EQ(limit_loop(box->scheme(), PinOp::kPinUnpin)(box->scheme().frame(), &pfn, 1, 0), 1U);
  EXPECT_CLEAN(*box);
}

TEST_P(LimitLoops, SamplersMeasureEveryLoopAndLeaveNothing) {
  for (const CostLoop loop : {CostLoop::kScheme, CostLoop::kLimit, CostLoop::kNone}) {
    for (const PinOp op : {PinOp::kPinUnpin, PinOp::kPin, PinOp::kUnpin, PinOp::kReferencedUnpin,
                           PinOp::kMaybePinned}) {
      for (const unsigned threads : {1U, 2U}) {
        CostSettings settings;
        settings.box.layout = *find_layout("linux-6.12");
        settings.box.scheme = GetParam();
        settings.box.pages = kCostPages;
        settings.box.ledger = false;
        settings.pattern = Pattern::kRandom;
        settings.op = op;
        settings.loop = loop;
        settings.threads = threads;
        auto box = TestBox{.scheme = GetParam().name, .pages = kCostPages, .ledger = false}.make();
        ASSERT_EQ(box->setup_range(Pfn{0}, kCostPages, {}), Errc::kOk);
        const auto before = words_of(*box);
        std::unique_ptr<CostSampler> sampler;
        ASSERT_EQ(CostSampler::create_on(box, settings, sampler), Errc::kOk);
        CostSample sample;
        ASSERT_EQ(sampler->sample(500, sample), Errc::kOk);
        EXPECT_EQ(sample.ops, 500U);
        EXPECT_EQ(sample.retries, 0U);
        EXPECT_GT(sample.ns, 0U);
        EXPECT_CLEAN(*box);
      }
    }
  }
}

TEST_P(LimitLoops, AMixHoldsWhatItPinsAndGivesAllBack) {
  auto box = make(1);
  const LimitMix mix = limit_mix(box->scheme(), true);
  ASSERT_NE(mix, nullptr);
  std::vector<std::uint32_t> pfns(3000);
  PatternStream(Pattern::kRandom, Pfn{0}, kCostPages, 3, 0, 1, nullptr).fill(pfns);
  const PinFrame& frame = box->scheme().frame();
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    LimitHeld held(seed, 0);
    Rng steps = mix_rng(seed, 0);
    std::uint64_t pins = 0, refused = 0, most = 0;
    for (std::size_t i = 0; i < pfns.size(); ++i) {
      if (steps.below(2) == 0)
        ++pins;
      else if (pins == 0)
        ++refused;
      else
        --pins;
      most = std::max(most, pins);
    }
    ASSERT_LT(most, LimitHeld::kMax);
    EXPECT_EQ(mix(frame, pfns.data(), pfns.size(), 0, held), refused);
    EXPECT_EQ(held.size, pins);
    std::map<std::uint32_t, std::uint64_t> of;
    for (std::uint32_t i = 0; i < held.size; ++i) ++of[held.heads[i]];
    for (const auto& [head, count] : of) EXPECT_GE(box->pins(Pfn{head}).value.pins, count);
    (void)limit_loop(box->scheme(), PinOp::kUnpin)(frame, held.heads.data(), held.size, 0);
    EXPECT_CLEAN(*box);
  }

  for (const unsigned threads : {1U, 2U}) {
    CostSettings settings;
    settings.box = box->settings();
    settings.mix = true;
    settings.op = PinOp::kPin;
    settings.loop = CostLoop::kLimit;
    settings.threads = threads;
    settings.draws = threads == 2;
    std::unique_ptr<CostSampler> sampler;
    const auto sampled = make(0);
    ASSERT_EQ(CostSampler::create_on(sampled, settings, sampler), Errc::kOk);
    for (int nth = 0; nth < 2; ++nth) {
      CostSample sample;
      ASSERT_EQ(sampler->sample(5000, sample), Errc::kOk);
      EXPECT_EQ(sample.ops, 5000U);
      EXPECT_GT(sample.cpu_ns, 0U);
      EXPECT_CLEAN(*sampled);
    }
    settings.loop = CostLoop::kScheme;
    std::string reason;
    EXPECT_EQ(CostSampler::create_on(make(0), settings, sampler, &reason), Errc::kInval);
    EXPECT_NE(reason.find("loop"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, LimitLoops, ::testing::ValuesIn(builtin_schemes()),
                         parameter_name);

TEST(Cost, RefusesWhatHasNoLoop) {
  CostSettings settings;
  settings.box.layout = *find_layout("linux-6.12");
  settings.box.scheme = *find_scheme("refcount");
  settings.box.pages = 8;
  std::unique_ptr<CostSampler> sampler;
  std::string reason;
  settings.op = PinOp::kIsolatePutback;
  EXPECT_EQ(CostSampler::create(settings, sampler, &reason), Errc::kInval);
  EXPECT_NE(reason.find("op"), std::string::npos);
  settings.op = PinOp::kUnpin;
  settings.draws = true;
  EXPECT_EQ(CostSampler::create(settings, sampler, &reason), Errc::kInval);
  EXPECT_NE(reason.find("draws"), std::string::npos);
  settings.op = PinOp::kPinUnpin;
  settings.threads = 0;
  EXPECT_EQ(CostSampler::create(settings, sampler, &reason), Errc::kInval);
  settings.threads = 1;
  settings.loop = CostLoop::kLimit;
  settings.box.layout = *find_layout("linux-6.12-32");
  EXPECT_EQ(CostSampler::create(settings, sampler, &reason), Errc::kInval);
  EXPECT_NE(reason.find("loop"), std::string::npos);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
