// Real threads on shared pages: afterwards no pin, no reference and no list
// place is lost, and meanwhile no pin is missed.
#include <atomic>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "both/pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::make_box;
using pagebox::testing::PinBox;

constexpr unsigned kThreads = 3;
constexpr std::uint32_t kPages = 16;

void pin_and_unpin(PinBox& box, unsigned thread, std::atomic<unsigned>& wrong) {
  Rng rng = Rng::stream(11, thread);
  std::vector<std::uint32_t> pfns(64);
  for (int round = 0; round < 60; ++round) {
    for (std::uint32_t& pfn : pfns) pfn = static_cast<std::uint32_t>(rng.below(kPages));
    if (box.pins->try_pin_many(pfns, thread).failed != 0) ++wrong;
    if (box.pins->maybe_pinned_many(pfns).done != pfns.size()) ++wrong;
    const BatchResult unpinned = box.pins->unpin_many(pfns, thread);
    if (unpinned.failed + unpinned.freed != 0) ++wrong;
    if (box.pins->pin_unpin_many(pfns, thread).failed != 0) ++wrong;
  }
}

void isolate_and_put_back(PinBox& box, std::atomic<unsigned>& wrong, std::atomic<bool>& stop) {
  Rng rng(5);
  while (!stop) {
    const Pfn pfn{rng.below(kPages)};
    const Result<bool> isolated = box.pins->isolate(pfn);
    if (!isolated) ++wrong;
    if (isolated && isolated.value && box.pins->putback(pfn) != Errc::kOk) ++wrong;
  }
}

TEST(PinsThreads, NothingIsLost) {
  for (const char* layout : {"linux-4.20", "linux-6.12", "linux-4.20-zd-32"}) {
    for (const SchemeSpec& scheme : builtin_schemes()) {
      if (!scheme_fits(scheme, *find_layout(layout))) continue;
      for (const bool ledger : {false, true}) {
        SCOPED_TRACE(scheme.name + " on " + layout);
        auto box = make_box(scheme, *find_layout(layout), {}, 64, ledger);
        for (std::uint64_t pfn = 0; pfn < kPages; ++pfn) box->set_up(pfn);
        const std::int32_t refs = box->page(0).refcount();
        std::atomic<unsigned> wrong{0};
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < kThreads; ++i)
          threads.emplace_back([&, i] { pin_and_unpin(*box, i, wrong); });
        std::thread reclaim([&] { isolate_and_put_back(*box, wrong, stop); });
        for (std::thread& thread : threads) thread.join();
        stop = true;
        reclaim.join();
        EXPECT_EQ(wrong, 0U);
        EXPECT_EQ(box->listed(), kPages);
        for (std::uint64_t pfn = 0; pfn < kPages; ++pfn) {
          EXPECT_EQ(box->page(pfn).refcount(), refs);
          if (scheme.answer == PinAnswer::kExact) {
            EXPECT_EQ(box->pins->pins(Pfn{pfn}).pins, 0U);
          }
        }
        EXPECT_TRUE(box->ledger.entries().empty());
      }
    }
  }
}

}  // namespace
