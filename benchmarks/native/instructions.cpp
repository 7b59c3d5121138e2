// Counts instructions, under callgrind: each scheme's batch pin+unpin and its
// hand-written loop, over the same pages, both fetching ahead. Only the loops are counted, and each
// count is dumped under its name (instructions.mjs reads them). A count does not
// depend on the machine's load, so it can guard what a clock cannot.
#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "engine/box/box.h"
#include "engine/measure/limit_loops.h"
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

/// The first pass is not counted: it binds symbols and initialises locks.
template <class Run>
void count(const std::string& name, Run run) {
  run();
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  run();
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(name.c_str());
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
    if (failed != 0) return 1;
  }
  return 0;
}
