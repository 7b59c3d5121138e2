// Two and three fibers on one page, random schedules: at the end counts, list
// membership and ledger agree, for every scheme.
#include "../both/pins_fixture.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::AllSchedules;
using pagebox::testing::body;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;
using pagebox::testing::PinBox;
using pagebox::testing::random_runs;

constexpr std::uint64_t kRuns = 300;
constexpr Pfn kPage{1};

/// What every run must leave behind: no pin, the page on its list.
void expect_clean(PinBox& box, std::int32_t refs) {
  ASSERT_EQ(box.page(1).refcount(), refs);
  if (box.pins->scheme().answer == PinAnswer::kExact) {
    ASSERT_EQ(box.pins->pins(kPage).pins, 0U);
  }
  ASSERT_EQ(box.listed(), 2U);
  ASSERT_TRUE(box.page(1).test(Flag::kLru));
}

TEST(PinsRace, PinsAndUnpinsLeaveNothingBehind) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    for (const unsigned threads : {2U, 3U}) {
      auto box = make_box(scheme, layout, {}, 16);
      box->set_up(0);
      box->set_up(1);
      const std::int32_t refs = box->page(1).refcount();
      unsigned shard = 0;
      bool missed = false;
      auto pinner = [&] {
        const unsigned mine = shard++ % threads;
        for (int i = 0; i < 2; ++i) {
          if (box->pins->try_pin_speculative(kPage, 1, mine) != Errc::kOk) continue;
          missed |= !box->pins->maybe_pinned(kPage);
          const Result<bool> last = box->pins->unpin(kPage, 1, mine);
          missed |= !last || last.value;
        }
      };
      std::vector<FiberBody> bodies(threads, body(pinner));
      const auto ends = random_runs(bodies, kRuns, [&] {
        expect_clean(*box, refs);
        shard = 0;
      });
      EXPECT_EQ(ends[RunEnd::kClean], kRuns);
      EXPECT_FALSE(missed) << "a pin that maybe_pinned did not see, or an unpin that failed";
      expect_clean(*box, refs);
    }
  });
}

TEST(PinsRace, ReclaimIsolatesAndGivesBackMeanwhile) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout, {}, 16);
    box->set_up(0);
    box->set_up(1);
    const std::int32_t refs = box->page(1).refcount();
    bool failed = false;
    auto pinner = [&] {
      failed |= box->pins->pin_referenced(kPage, 1, 0) != Errc::kOk;
      failed |= box->pins->pin_referenced(kPage, 1, 0) != Errc::kOk;
      failed |= !box->pins->unpin(kPage, 1, 0);
      failed |= !box->pins->unpin(kPage, 1, 0);
    };
    auto reclaim = [&] {
      const Result<bool> isolated = box->pins->isolate(kPage);
      failed |= !isolated;
      if (isolated.value) failed |= box->pins->putback(kPage) != Errc::kOk;
    };
    const FiberBody bodies[] = {body(pinner), body(reclaim), body(pinner)};
    const auto ends = random_runs(bodies, kRuns, [&] { expect_clean(*box, refs); });
    EXPECT_EQ(ends[RunEnd::kClean], kRuns);
    EXPECT_FALSE(failed);
    expect_clean(*box, refs);
  });
}

TEST(PinsRace, TheLastOfPinAndOwnerIsReportedOnce) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    PinOptions options;
    unsigned freed = 0;
    options.ops.context = &freed;
    options.ops.release = [](void* context, Pfn) { ++*static_cast<unsigned*>(context); };
    auto box = make_box(scheme, layout, options, 16);
    auto pinner = [&] {
      if (box->pins->try_pin_speculative(kPage, 1, 0) != Errc::kOk) return;
      const Result<bool> last = box->pins->unpin(kPage, 1, 0);
      freed += last && last.value ? 1 : 0;
    };
    auto owner = [&] { freed += box->page(1).ref_sub(1) == 1 ? 1 : 0; };
    const FiberBody bodies[] = {body(pinner), body(owner), body(pinner)};
    bool once = true, first = true;
    const auto ends = random_runs(bodies, kRuns, [&] {
      once &= first || freed == 1;
      first = false;
      freed = 0;
      box->memmap->reset();
      box->zone->reset();
      box->pins->reset();
      box->set_up(1, PageType::kAnon, 0, false);
      box->page(1).set_refcount(1);
    });
    EXPECT_EQ(ends[RunEnd::kClean], kRuns);
    EXPECT_TRUE(once && freed == 1);
  });
}

/// How many runs end with an unpin that finds the flag gone.
std::uint64_t double_last_unpins(QuirkSet quirks, bool& clean) {
  PinOptions options;
  options.quirks = quirks;
  auto box = make_box(*find_scheme("lru-overlay"), *find_layout("linux-4.20"), options, 16);
  bool corrupt = false;
  std::uint64_t found = 0;
  auto pinner = [&] {
    if (box->pins->try_pin_speculative(kPage, 1, 0) != Errc::kOk) return;
    corrupt |= box->pins->unpin(kPage, 1, 0).error == Errc::kCorrupt;
  };
  const FiberBody bodies[] = {body(pinner), body(pinner)};
  const auto ends = random_runs(bodies, 4000, [&] {
    found += corrupt ? 1 : 0;
    corrupt = false;
    box->memmap->reset();
    box->zone->reset();
    box->set_up(0);
    box->set_up(1);
  });
  clean = ends[RunEnd::kClean] == 4000;
  return found;
}

TEST(PinsRace, TheDoubleLastUnpinShowsOnlyWithItsQuirk) {
  bool clean = false;
  EXPECT_GT(double_last_unpins(quirk_set(Quirk::kDoubleLastUnpin), clean), 0U);
  EXPECT_TRUE(clean);
  EXPECT_EQ(double_last_unpins({}, clean), 0U);
  EXPECT_TRUE(clean);
}

}  // namespace
