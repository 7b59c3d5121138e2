#include "engine/scenario/in_order.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <new>
#include <utility>

#include "base/turns.h"
#include "engine/box/sandbox.h"
#include "engine/scenario/program.h"
#include "mm/swap/lru_batch.h"

namespace pagebox::inline PAGEBOX_ENV {

void settle_setup(Sandbox& sandbox, const ScenarioOps& scenario) {
  if (!scenario.after.empty() && sandbox.has_machine()) lru_add_drain_all(sandbox.machine().cpu(0));
}

void run_after(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
               LivelockWatch& watch,
               const std::function<void(const Op&, std::size_t, OpRecord&&)>& done) {
  if (scenario.after.empty()) return;
  if (sandbox.has_machine()) {
    sandbox.processes().join_names();
    lru_add_drain_all(sandbox.machine().cpu(0));
  }
  Program after(scenario.after, sandbox.interpreter(0), seed);
  for (Op op; after.next(op);) {
    watch.begin(&op);
    done(op, after.last(), sandbox.interpreter(0).run(op));
  }
  watch.begin(nullptr);
}

namespace {

/// The threads of a scenario whose operations stop.
class InTurns {
 public:
  InTurns(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed, LivelockWatch& watch,
          std::function<bool(RanOp&&)> done)
      : sandbox_(sandbox),
        scenario_(scenario),
        seed_(seed),
        watch_(watch),
        done_(std::move(done)) {}

  /// False: `done` has said that it is enough.
  bool run() {
    const std::size_t count = scenario_.threads.size();
    at_barrier_.resize(count);
    watches_.resize(count);
    std::vector<std::function<void()>> bodies;
    bodies.reserve(count);
    for (unsigned i = 0; i < count; ++i)
      bodies.emplace_back([this, i] {
        try {
          run_thread(i);
        } catch (const std::bad_alloc&) {
          no_memory_ = true;
        }
        at_barrier_[i] = ~std::uint64_t{0};
        sandbox_.interpreter(i + 1).is_done();
      });
    const auto stuck = [this] {
      StopGate* gate = sandbox_.has_machine() ? sandbox_.processes().gate() : nullptr;
      return gate != nullptr && gate->release_one();
    };
    Turns turns;
    if (turns.run(std::move(bodies), stuck) != Errc::kOk || no_memory_) throw std::bad_alloc();
    for (LivelockWatch& each : watches_) watch_.add(each.take());
    return goes_on_;
  }

 private:
  void run_thread(unsigned thread) {
    LivelockWatch& watch = watches_[thread];
    watch.watch(&sandbox_.box().memmap(), 0);
    const PatienceScope patience(watch);
    Interpreter& interpreter = sandbox_.interpreter(thread + 1);
    Program program(scenario_.threads[thread], interpreter, seed_);
    for (Op op; goes_on_ && program.next(op);) {
      if (op.code == OpCode::kBarrier) {
        wait(thread);
        continue;
      }
      watch.begin_of(static_cast<int>(thread), &op);
      OpRecord record = interpreter.run(op);
      watch.begin_of(static_cast<int>(thread), nullptr);
      Turns::progressed();
      goes_on_ = goes_on_ && done_({thread + 1, program.last(), std::move(record)});
      // Who has resumed it goes on first.
      if (op.stop_at != StopPoint::kNowhere) (void)Turns::pass();
    }
  }
  /// The first goes on first again, as everywhere in order.
  void wait(unsigned thread) {
    const std::uint64_t phase = ++at_barrier_[thread];
    sandbox_.interpreter(thread + 1).waits_at_barrier();
    Turns::progressed();
    const auto all_there = [&] {
      return std::ranges::all_of(at_barrier_, [&](std::uint64_t at) { return at >= phase; });
    };
    if (thread != 0) (void)Turns::pass();
    while (!all_there() && Turns::pass()) {}
    sandbox_.interpreter(thread + 1).passed_barrier();
    Turns::progressed();
  }

  Sandbox& sandbox_;
  const ScenarioOps& scenario_;
  const std::uint64_t seed_;
  LivelockWatch& watch_;
  const std::function<bool(RanOp&&)> done_;
  std::vector<std::uint64_t> at_barrier_;  // by thread: barriers met
  std::deque<LivelockWatch> watches_;
  bool goes_on_ = true, no_memory_ = false;
};

}  // namespace

bool run_in_order(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
                  LivelockWatch& watch, std::vector<RanOp>& out) {
  // True: at a barrier, more is to come.
  bool within = true;
  std::uint64_t words = 0;
  const auto count_words = [&](const OpRecord& record) {
    words += record.v.size() + record.signals.size() + record.prot.size() + record.entries.size();
    within = words <= kMaxRanWords;
  };
  const auto run_until_barrier = [&](Program& program, unsigned thread) {
    Op op;
    while (program.next(op)) {
      if (op.code == OpCode::kBarrier) return true;
      watch.begin_of(static_cast<int>(thread) - 1, &op);
      out.push_back({thread, program.last(), sandbox.interpreter(thread).run(op)});
      watch.begin_of(-1, nullptr);
      count_words(out.back().record);
      if (!within) return false;
    }
    return false;
  };
  Program setup(scenario.setup, sandbox.interpreter(0), seed);
  (void)run_until_barrier(setup, 0);
  settle_setup(sandbox, scenario);
  if (has_stops(scenario)) {
    (void)InTurns(sandbox, scenario, seed, watch, [&](RanOp&& ran) {
      out.push_back(std::move(ran));
      count_words(out.back().record);
      return within;
    }).run();
  }
  std::vector<std::unique_ptr<Program>> threads;
  threads.reserve(scenario.threads.size());
  for (unsigned i = 0; i < scenario.threads.size() && !has_stops(scenario); ++i)
    threads.push_back(
        std::make_unique<Program>(scenario.threads[i], sandbox.interpreter(i + 1), seed));
  for (bool more = !threads.empty(); more && within;) {
    more = false;
    for (unsigned i = 0; i < threads.size() && within; ++i)
      more |= run_until_barrier(*threads[i], i + 1);
  }
  if (!within) return false;
  const auto past = static_cast<unsigned>(scenario.threads.size() + 1);
  run_after(sandbox, scenario, seed, watch, [&](const Op&, std::size_t index, OpRecord&& record) {
    if (!within) return;
    out.push_back({past, index, std::move(record)});
    count_words(out.back().record);
  });
  return within;
}

}  // namespace pagebox::inline PAGEBOX_ENV
