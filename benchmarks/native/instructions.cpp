// Counts instructions, under callgrind: each scheme's batch pin+unpin and its
// hand-written loop, over the same pages, both fetching ahead; and what is native of a single
// pin and its unpin from JavaScript: the gate and the box's calls. And a race's fused pin+unpin,
// and its pins and unpins in random order, over those of their loops: as what a longer race takes
// more than a shorter one, since threads, barriers and audits are the same in both. Only the loops
// are counted, and each count is dumped under its name (instructions.mjs reads them). A count does
// not depend on the machine's load, so it can guard what a clock cannot.
#include <valgrind/callgrind.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "engine/box/box.h"
#include "engine/measure/limit_loops.h"
#include "engine/race/race.h"
#include "pins/registry.h"

namespace {

using pagebox::Box;
using pagebox::Errc;
using pagebox::Pfn;

constexpr std::uint64_t kPages = 256;
constexpr std::size_t kOps = 4096;

std::shared_ptr<Box> make_box(const pagebox::SchemeSpec& scheme) {
  pagebox::BoxSettings settings;
  settings.layout = *pagebox::find_layout("linux-6.12");
  settings.scheme = scheme;
  settings.pages = kPages;
  settings.ledger = false;
  std::shared_ptr<Box> box;
  if (Box::create(settings, box) != Errc::kOk) return nullptr;
  if (box->setup_range(Pfn{0}, kPages, {}) != Errc::kOk) return nullptr;
  return box;
}

/// The first pass is not counted: it binds symbols and initialises locks. (What it counted is
/// dumped, since threads that have ended are not set to zero.)
template <class Run>
void count(const std::string& name, Run run) {
  run();
  CALLGRIND_DUMP_STATS_AT("first");
  run();
  CALLGRIND_DUMP_STATS_AT(name.c_str());
}

/// Of one thread, in one round, so that no clock ends it.
bool run_race(pagebox::Box& box, const std::array<std::uint32_t, pagebox::kPinOps>& mix,
              std::uint64_t ops) {
  pagebox::RaceSettings settings;
  settings.ops = settings.ops_per_round = ops;
  settings.mix = mix;
  settings.pattern = pagebox::Pattern::kSequential;
  pagebox::RaceControl control;
  pagebox::RaceResult result;
  return pagebox::run_race(box, settings, control, result) == Errc::kOk &&
         result.stopped_by == pagebox::StoppedBy::kOps;
}

constexpr std::uint64_t kShortRace = 16 * kOps, kLongRace = kShortRace + kOps;

bool count_race(const std::string& name, pagebox::Box& box,
                const std::array<std::uint32_t, pagebox::kPinOps>& mix) {
  bool ran = true;
  for (const bool is_long : {false, true})
    count(name + (is_long ? "-long" : "-short"),
          [&] { ran = ran && run_race(box, mix, is_long ? kLongRace : kShortRace); });
  return ran;
}

}  // namespace

int main() {
  std::printf("%zu\n", kOps);
  std::vector<std::uint32_t> pfns(kOps);
  for (std::size_t i = 0; i < kOps; ++i) pfns[i] = static_cast<std::uint32_t>(i % kPages);
  for (const pagebox::SchemeSpec& scheme : pagebox::builtin_schemes()) {
    const std::shared_ptr<Box> box = make_box(scheme);
    if (box == nullptr) return 1;
    pagebox::Pins& pins = box->scheme();
    const pagebox::LimitLoop limit = pagebox::limit_loop(pins, pagebox::PinOp::kPinUnpin, true);
    if (limit == nullptr) return 1;
    std::uint64_t failed = 0;
    count(scheme.name + " scheme", [&] { failed += pins.try_pin_unpin_many(pfns, 0).failed; });
    count(scheme.name + " limit",
          [&] { failed += limit(pins.frame(), pfns.data(), pfns.size(), 0); });
    pagebox::BoxHandle handle(box);
    count(scheme.name + " single", [&] {
      for (const std::uint32_t pfn : pfns) {
        if (const pagebox::BoxCall call(handle); call)
          failed += box->pin(Pfn{pfn}) == Errc::kOk ? 0 : 1;
        if (const pagebox::BoxCall call(handle); call)
          failed += box->unpin(Pfn{pfn}) == Errc::kOk ? 0 : 1;
      }
    });
    if (failed != 0) return 1;
    std::array<std::uint32_t, pagebox::kPinOps> fused{}, mixed{};
    fused[static_cast<unsigned>(pagebox::PinOp::kPinUnpin)] = 1;
    mixed[static_cast<unsigned>(pagebox::PinOp::kPin)] = 1;
    mixed[static_cast<unsigned>(pagebox::PinOp::kUnpin)] = 1;
    if (!count_race(scheme.name + " race", *box, fused) ||
        !count_race(scheme.name + " mix", *box, mixed))
      return 1;
    const pagebox::LimitMix mix = pagebox::limit_mix(pins, true);
    if (mix == nullptr) return 1;
    const auto limit_mix = [&](std::uint64_t ops) {
      pagebox::LimitHeld held(pagebox::RaceSettings{}.seed, 0);
      for (; ops != 0; ops -= kOps) (void)mix(pins.frame(), pfns.data(), kOps, 0, held);
      (void)pagebox::limit_loop(pins, pagebox::PinOp::kUnpin)(pins.frame(), held.heads.data(),
                                                              held.size, 0);
    };
    count(scheme.name + " limit-mix-short", [&] { limit_mix(kShortRace); });
    count(scheme.name + " limit-mix-long", [&] { limit_mix(kLongRace); });
  }
  return 0;
}
