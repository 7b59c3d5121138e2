// Schedules a second of small scenarios, with the machine copied back and made anew,
// beside an empty fiber loop of as many points: explore_rate [SCHEDULES [KIND]]. CPU time. A kind
// by its number, from 0, alone: for who counts instructions.
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "engine/scenario/scenario_ops.h"
#include "explore/explore.h"
#include "explore/strategies/random.h"
#include "pins/registry.h"
#include "tests/tools/op_of.h"

using namespace pagebox;  // NOLINT: a program of its own

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Op pin_of(std::int64_t id) {
  Op op = op_of(OpCode::kPin);
  op.id = id;
  op.fast = op.has_page = true;
  return op;
}
Op unpin_of(std::int64_t id) {
  Op op = op_of(OpCode::kUnpin);
  op.id = id;
  return op;
}

struct Kind {
  const char* name;
  ScenarioOps scenario;
};

std::vector<Kind> kinds() {
  Op map = op_of(OpCode::kMmap);
  map.pages = 2;
  map.prot = kProtRead | kProtWrite;
  const Op store = op_of(OpCode::kStore, 7), load = op_of(OpCode::kLoad);
  Op fork = op_of(OpCode::kFork), exit = op_of(OpCode::kExit);
  fork.child = exit.proc = 5;
  Op placed = op_of(OpCode::kSetUpPage);
  placed.has_pfn = true;
  Op take = op_of(OpCode::kPinPage), give = op_of(OpCode::kUnpinPage);
  take.has_pfn = give.has_pfn = true;
  return {{"pin and unpin by pfn", {{placed}, {{take, give}, {take, give}}}},
          {"pin and unpin", {{map, store}, {{pin_of(1), unpin_of(1)}, {pin_of(2), unpin_of(2)}}}},
          {"first faults", {{map}, {{store, load}, {load, store}}}},
          {"fork and exit against stores", {{map, store}, {{fork, exit}, {store, store}}}},
          {"to a device and back against stores",
           {{map, store, op_of(OpCode::kOpenDev)},
            {{op_of(OpCode::kMigrateToDev), op_of(OpCode::kMigrateToSys)}, {store, store}}}}};
}

struct Rate {
  double a_second = 0, points = 0;
  std::uint64_t hash = 0;  // of all that came of it
};

Rate rate_of(ExploreSettings settings, std::uint64_t schedules, bool restore) {
  settings.schedules = schedules;
  settings.restore = restore;
  ExploreReport report;
  std::string reason;
  const double begun = cpu_seconds();
  if (explore(settings, report, &reason) != Errc::kOk || report.findings() != 0) {
    std::cerr << "explore_rate: " << (reason.empty() ? report.first.at(0).text : reason) << "\n";
    std::exit(1);
  }
  const double seconds = cpu_seconds() - begun;
  return {static_cast<double>(schedules) / seconds,
          static_cast<double>(report.steps) / static_cast<double>(schedules), report.hash};
}

/// Two fibers that do nothing but yield, half of the points each.
double empty_rate(double points, std::uint64_t schedules) {
  const auto each = static_cast<unsigned>(points / 2);
  auto yields = [each] {
    for (unsigned i = 0; i < each; ++i) yield_turn();
  };
  const FiberBody body = {[](void* at) { (*static_cast<decltype(yields)*>(at))(); }, &yields};
  const FiberBody bodies[] = {body, body};
  ModelRunner runner;
  RandomStrategy strategy(1);
  const double begun = cpu_seconds();
  for (std::uint64_t run = 0; run < schedules; ++run) {
    (void)strategy.begin(run);
    (void)runner.run(bodies, strategy);
  }
  return static_cast<double>(schedules) / (cpu_seconds() - begun);
}

void print(const char* name, const Rate& rate) {
  std::cout << name << ": " << rate.points << " points, " << rate.a_second << " a second, hash "
            << std::hex << rate.hash << std::dec;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t schedules = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const bool is_one = argc > 2;
  const std::uint64_t one = is_one ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (schedules == 0) {
    std::cerr << "explore_rate: [SCHEDULES [KIND]], 1 or more\n";
    return 2;
  }
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  ExploreSettings pins = settings;  // as explorePins() has it
  pins.mixes.resize(1);
  (void)pins.mixes[0].add("pins", 1);
  pins.ops = 3;
  pins.random.folios = 2;
  pins.schedules_each = 1;
  const std::vector<Kind> kinds = ::kinds();
  for (std::size_t i = 0; i <= kinds.size(); ++i) {
    if (is_one && i != one) continue;
    if (i != 0) settings.scenario = &kinds[i - 1].scenario;
    const ExploreSettings& of = i == 0 ? pins : settings;
    const Rate rate = rate_of(of, schedules, true);
    print(i == 0 ? "pins of a box" : kinds[i - 1].name, rate);
    if (!is_one) {
      if (i != 0) std::cout << ", made anew " << rate_of(of, schedules / 10 + 1, false).a_second;
      std::cout << ", empty loop " << empty_rate(rate.points, schedules);
    }
    std::cout << "\n";
  }
}
