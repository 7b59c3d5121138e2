// Real threads on shared pages: afterwards no pin, no reference and no list
// place is lost, and meanwhile no pin is missed.
#include <array>
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

/// Asks for so many pins that two of them do not fit, and keeps what it is granted.
void pin_near_the_limit(PinBox& box, unsigned thread, std::vector<std::uint32_t>& granted,
                        std::atomic<unsigned>& wrong) {
  Rng rng = Rng::stream(17, thread);
  const auto most = static_cast<std::uint32_t>(kRefcountMax) /
                    static_cast<std::uint32_t>(box.pins->refs_per_pin(box.page(1)));
  for (int round = 0; round < 400; ++round) {
    const auto n = static_cast<std::uint32_t>(rng.below(4) == 0 ? 1 : 1 + rng.below(most - 1));
    const Errc error = rng.below(2) == 0 ? box.pins->try_pin_speculative(Pfn{1}, n, thread)
                                         : box.pins->pin_referenced(Pfn{1}, n, thread);
    // kNoMem: it met the moment between another's add and its undoing.
    if (error != Errc::kOk && error != Errc::kPinLimit && error != Errc::kNoMem) ++wrong;
    if (error == Errc::kOk) granted.push_back(n);
    if (granted.size() > 2 || rng.below(2) == 0)
      while (!granted.empty()) {
        if (!box.pins->unpin(Pfn{1}, granted.back(), thread)) ++wrong;
        granted.pop_back();
      }
  }
}

TEST(PinsThreads, BesideALedgerTheSumStaysWithinTheLimit) {
  for (const SchemeSpec& scheme : builtin_schemes()) {
    SCOPED_TRACE(scheme.name);
    auto box = make_box(scheme, *find_layout("linux-6.12"), {}, 64, true);
    box->set_up(1);
    const std::int32_t own = box->page(1).refcount();
    std::atomic<unsigned> wrong{0};
    std::array<std::vector<std::uint32_t>, kThreads> granted;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] { pin_near_the_limit(*box, i, granted[i], wrong); });
    for (std::thread& thread : threads) thread.join();
    std::uint64_t sum = 0;
    for (const auto& each : granted)
      for (const std::uint32_t n : each) sum += n;
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(static_cast<std::uint64_t>(box->page(1).refcount()),
              static_cast<std::uint64_t>(own) +
                  sum * static_cast<std::uint64_t>(box->pins->refs_per_pin(box->page(1))));
    for (unsigned i = 0; i < kThreads; ++i)
      for (const std::uint32_t n : granted[i]) EXPECT_TRUE(box->pins->unpin(Pfn{1}, n, i));
    EXPECT_EQ(box->page(1).refcount(), own);
    EXPECT_EQ(box->listed(), 1U);
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
