// Streams: parts of loops without an end do what single calls do, part after part.
#include "pins/streams.h"

#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;

const PinStreamKernel& streams_of(const pagebox::testing::PinBox& box) {
  return stream_kernel_of(box.pins->scheme(), box.memmap->shape().word_bytes);
}

constexpr std::uint8_t kKeep = 0, kGive = 1;

struct Mix {
  std::vector<std::uint32_t> pfns;
  std::vector<std::uint8_t> steps;
  KeptPages kept;
  Rng rng{1};

  KeptRun run(const pagebox::testing::PinBox& box, std::size_t from = 0) {
    return streams_of(box).keep_run(box.pins->frame(), pfns.data() + from, steps.data() + from,
                                    kGive, steps.size() - from, pfns.size() - from, 0, kept, rng);
  }
};

TEST(PinStreams, ARangeGoesRoundAndCountsWhatFails) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 10; pfn < 20; ++pfn)
      if (pfn != 12) box->set_up(pfn);
    const std::int32_t refs = box->page(11).refcount();
    std::array<std::uint32_t, 64> freed{};
    PfnRange range{10, 20, 17};
    BatchResult result =
        streams_of(*box).try_pin_unpin_range(box->pins->frame(), range, 25, 0, freed.data());
    EXPECT_EQ(range.at, 12U);
    EXPECT_EQ(result.done, 23U);
    EXPECT_EQ(result.failed, 2U);
    EXPECT_EQ(result.first_failed, 5U);
    EXPECT_EQ(result.first_error, Errc::kAgain);
    EXPECT_EQ(result.freed, 0U);
    for (std::uint64_t pfn = 10; pfn < 20; ++pfn)
      if (pfn != 12) EXPECT_EQ(box->page(pfn).refcount(), refs);
    EXPECT_EQ(box->listed(), 9U);
    PfnRange one{15, 16, 15};
    result = streams_of(*box).try_pin_unpin_range(box->pins->frame(), one, 7, 0, freed.data());
    EXPECT_EQ(result.done, 7U);
    EXPECT_EQ(one.at, 15U);
  });
}

TEST(PinStreams, TheLastReferenceIsTold) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 8; ++pfn) box->set_up(pfn);
    const std::vector<std::uint32_t> pfns = {5, 3, 6, 4000};
    std::array<std::uint32_t, 4> freed{};
    // The page behind is fetched, and nothing else.
    const BatchResult result = streams_of(*box).try_pin_unpin_ahead(
        box->pins->frame(), pfns.data(), 3, pfns.size(), 0, freed.data());
    EXPECT_EQ(result.done, 3U);
    EXPECT_EQ(result.failed, 0U);
    EXPECT_EQ(box->listed(), 8U);
  });
}

TEST(PinStreams, AMixKeepsHeadsAndGivesThemBack) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 40; ++pfn) box->set_up(pfn);
    const std::int32_t refs = box->page(7).refcount();
    const std::uint64_t pins = box->pins->pins(Pfn{7}).pins;
    Mix mix;
    for (std::uint32_t i = 0; i < 40; ++i) {
      mix.pfns.push_back(i);
      mix.steps.push_back(i % 4 == 3 ? kGive : kKeep);
    }
    EXPECT_EQ(mix.run(*box).done, 40U);
    ASSERT_EQ(mix.kept.size, 20U);
    for (std::uint32_t i = 0; i < mix.kept.size; ++i)
      EXPECT_TRUE(box->pins->maybe_pinned(Pfn{mix.kept.heads[i]}));
    mix.steps.assign(40, kGive);
    const KeptRun run = mix.run(*box);
    EXPECT_EQ(run.done, 20U);  // nothing is kept: the caller's
    EXPECT_FALSE(run.unpinned);
    EXPECT_EQ(mix.kept.size, 0U);
    for (std::uint64_t pfn = 0; pfn < 40; ++pfn) {
      EXPECT_EQ(box->page(pfn).refcount(), refs);
      EXPECT_EQ(box->pins->pins(Pfn{pfn}).pins, pins);
    }
    EXPECT_EQ(box->listed(), 40U);
  });
}

TEST(PinStreams, AMixEndsBeforeWhatItCannotDo) {
  auto box = make_box("refcount-bias", "linux-6.12");
  for (std::uint64_t pfn = 0; pfn < 4; ++pfn)
    if (pfn != 2) box->set_up(pfn);
  Mix mix;
  mix.pfns = {0, 1, 2, 3};
  mix.steps.assign(4, kKeep);
  EXPECT_EQ(mix.run(*box).done, 2U);
  EXPECT_EQ(mix.run(*box, 3).done, 1U);
  mix.kept.size = KeptPages::kMax;
  EXPECT_EQ(mix.run(*box).done, 0U);
}

TEST(PinStreams, AMixTellsAnUnpinThatIsRefused) {
  auto box = make_box("side-table", "linux-6.12");
  for (std::uint64_t pfn = 0; pfn < 4; ++pfn) box->set_up(pfn);
  Mix mix;
  mix.pfns = {0, 1};
  mix.steps = {kGive, kKeep};
  mix.kept.keep(Pfn{3});  // nobody has pinned it
  const KeptRun run = mix.run(*box);
  EXPECT_EQ(run.done, 1U);
  EXPECT_TRUE(run.unpinned);
  EXPECT_EQ(run.head, 3U);
  EXPECT_EQ(run.error, Errc::kNotPinned);
  EXPECT_FALSE(run.last);
  EXPECT_EQ(mix.kept.size, 0U);
}

}  // namespace
