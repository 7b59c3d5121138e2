#include "engine/race/race.h"

#include <algorithm>
#include <new>

#include "base/barrier.h"
#include "base/host/threads.h"
#include "engine/race/clock.h"
#include "engine/race/race_ground.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Reading the clock costs less than a tenth of such an operation.
constexpr std::uint64_t kTimedEvery = 8;
/// Progress is counted in a line that all threads share.
constexpr std::uint64_t kCountEvery = 64, kCountStepsEvery = 4096;

class Race;

class RaceWatch final : public LivelockWatch {
 public:
  RaceWatch(Race& race, int thread) : LivelockWatch(thread), race_(race) {}
  unsigned limit_ms() const override;
  void gave_up(const GaveUp& what) override;

 private:
  Race& race_;
};

/// What two readings of the clock cost when nothing lies between them.
std::uint64_t measure_clock_ns() {
  std::uint64_t least = ~std::uint64_t{0};
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t begin = now_ns();
    least = std::min(least, now_ns() - begin);
  }
  return least;
}

/// One line a thread, since each counts in its own.
struct alignas(64) Share {
  std::vector<OpResult> results;
  StepTallies steps;
  std::uint64_t done = 0;  // operations since the race began
  std::uint64_t cpu_ns = 0;
  ReachedCounts reached{};
  std::unique_ptr<RaceWatch> watch;
  PageChunk chunk;
  Rng rng{0};
};

/// What a thread's operations reach counts there.
class ReachedScope {
 public:
  ReachedScope(Interpreter* interpreter, ReachedCounts& counts)
      : cpu_(interpreter != nullptr && interpreter->has_processes() ? &interpreter->cpu()
                                                                    : nullptr) {
    if (cpu_ != nullptr) cpu_->reached = &counts;
  }
  ~ReachedScope() {
    if (cpu_ != nullptr) cpu_->reached = nullptr;
  }
  ReachedScope(const ReachedScope&) = delete;
  ReachedScope& operator=(const ReachedScope&) = delete;

 private:
  Cpu* const cpu_;
};

class Race {
 public:
  Race(RaceGround& ground, const RaceLimits& limits, RaceControl& control, RaceResult& result)
      : ground_(ground),
        limits_(limits),
        control_(control),
        result_(result),
        rounds_barrier_(limits.threads),
        shares_(limits.threads),
        clock_cost_ns_(measure_clock_ns()) {
    std::uint64_t state = limits.seed;
    const std::uint64_t seed = splitmix64(state);
    for (unsigned i = 0; i < limits.threads; ++i) {
      Share& share = shares_[i];
      share.results.resize(ground.names().size());
      share.watch = std::make_unique<RaceWatch>(*this, static_cast<int>(i));
      share.rng = Rng::stream(seed, i);
    }
  }

  Errc run() {
    const PatienceScope patience(between_);
    begin_ns_ = now_ns();
    if (const Errc error = begin_round(); error != Errc::kOk) return error;
    const Errc error = run_threads(
        limits_.threads, [this](unsigned thread) { run_thread(thread); }, limits_.affinity ? 0 : -1,
        [this] { rounds_barrier_.abandon(); });
    ground_.end();
    if (error != Errc::kOk) return error;
    if (no_memory_.load() != 0) return Errc::kNoMem;
    collect_livelocks();
    result_.names = ground_.names();
    result_.total.resize(result_.names.size());
    for (Share& share : shares_) {
      add_steps(share);
      for (unsigned i = 0; i < kReached; ++i) result_.reached[i] += share.reached[i];
      for (std::size_t i = 0; i < share.results.size(); ++i)
        result_.total[i].merge(share.results[i]);
      result_.threads.push_back(std::move(share.results));
      result_.thread_cpu_ns.push_back(share.cpu_ns);
    }
    return error_;
  }

  /// It has to end: what its loops wait for has had its time.
  bool is_overdue() const { return stop_requested() || now_ns() >= deadline_ns(); }
  bool has_given_up() const { return given_up_.load(atomics::kRelaxed) != 0; }
  void give_up() { given_up_.store(1, atomics::kRelaxed); }

 private:
  void add_steps(Share& share) const {
    for (unsigned i = 0; i < kPinOps; ++i) {
      if (share.steps[i].ops == 0) continue;
      const auto [first, second] = ground_.slots_of(static_cast<PinOp>(i));
      share.results[first].OpTally::merge(share.steps[i]);
      // What was not taken was not given back either.
      if (second != first) share.results[second].OpTally::merge(share.steps[i]);
    }
  }

  void run_thread(unsigned thread) {
    const PatienceScope patience(*shares_[thread].watch);
    try {
      run_rounds(thread);
    } catch (const std::bad_alloc&) {
      // Nobody waits for this thread any more.
      no_memory_.store(1);
      give_up();
      rounds_barrier_.abandon();
      barrier_->abandon();
    }
  }

  void run_rounds(unsigned thread) {
    do {
      if (thread == 0) round_begin_ns_ = now_ns();
      if (!rounds_barrier_.wait()) return;
      const std::uint64_t begin_cpu_ns = thread_cpu_ns();
      run_round(thread);
      shares_[thread].cpu_ns += thread_cpu_ns() - begin_cpu_ns;
      if (!rounds_barrier_.wait()) return;
      if (thread == 0) {
        const PatienceScope alone(between_);
        end_round();
        if (!over_) error_ = begin_round();
        over_ |= error_ != Errc::kOk;
      }
      if (!rounds_barrier_.wait()) return;
    } while (!over_);
  }

  /// Alone.
  Errc begin_round() {
    const StopAsk overdue{
        [](const void* self) { return static_cast<const Race*>(self)->is_overdue(); }, this};
    if (const Errc error = ground_.begin_round(result_.rounds, between_, overdue);
        error != Errc::kOk)
      return error;
    for (Share& share : shares_) share.watch->watch(&ground_.memmap(), result_.rounds);
    barrier_ = std::make_unique<Barrier>(limits_.threads);
    return Errc::kOk;
  }

  void run_round(unsigned thread) {
    Share& share = shares_[thread];
    OpSource& source = ground_.source(thread);
    PageThread& pages = ground_.pages(thread);
    Interpreter* interpreter = ground_.interpreter(thread);
    const ReachedScope counts(interpreter, share.reached);
    const bool by_time = ground_.rounds_by_time() && limits_.ops_per_round == 0;
    const std::uint64_t end_ns =
        std::min(by_time ? round_begin_ns_ + kRoundNs : ~std::uint64_t{0}, deadline_ns());
    std::uint64_t left = ground_.rounds_by_time() && limits_.ops_per_round != 0
                             ? limits_.ops_per_round
                             : ~std::uint64_t{0};
    if (limits_.ops != 0) left = std::min(left, limits_.ops - share.done);
    const unsigned step_ops = ground_.ops_of_step();
    // A setup that was cut short has nothing to run on.
    if (interpreter != nullptr && now_ns() >= end_ns) left = 0;
    std::uint64_t counted = 0, n = 0;
    const auto count = [&](std::uint64_t ops, std::uint64_t every) {
      left -= ops;
      share.done += ops;
      if ((counted += ops) >= every) control_.add_ops(std::exchange(counted, 0));
    };
    Op op;
    for (bool more = true; more && left != 0 && !has_given_up() && !stop_requested();) {
      source.next_chunk(share.chunk, std::min<std::uint64_t>(left / step_ops, PageChunk::kMax));
      if (share.chunk.size != 0) {
        const std::uint64_t now = run_chunk(share, pages);
        count(share.chunk.size * step_ops, kCountStepsEvery);
        if (end_ns != ~std::uint64_t{0} && (now != 0 ? now : now_ns()) >= end_ns) break;
        continue;
      }
      if (interpreter == nullptr || !(more = source.next(op))) break;
      const bool looks = n++ % kTimedEvery == 0;
      const std::uint64_t now = looks ? now_ns() : 0;
      if (now >= end_ns) break;
      if (op.code == OpCode::kBarrier) {
        interpreter->waits_at_barrier();
        more = barrier_->wait();
        interpreter->passed_barrier();
        continue;
      }
      run_op(*interpreter, share, source, op);
      if (looks) share.results[static_cast<unsigned>(op.code)].latency.record(now_ns() - now);
      count(1, kCountEvery);
    }
    control_.add_ops(counted);
    if (interpreter != nullptr) interpreter->is_done();
    // Whoever left early is nobody to wait for.
    if (interpreter != nullptr && source.next(op)) barrier_->abandon();
  }

  /// Latency is sampled once in each full chunk, at a drawn place, so that the sample never
  /// keeps step with the pattern. The clock as it was read for that; 0: it was not.
  std::uint64_t run_chunk(Share& share, PageThread& pages) const {
    const PageChunk& chunk = share.chunk;
    pages.set_last(chunk.page(chunk.size - 1));
    const std::size_t timed = share.rng.below(PageChunk::kMax);
    if (timed >= chunk.size) {
      pages.run(chunk, 0, chunk.size, share.steps);
      return 0;
    }
    pages.run(chunk, 0, timed, share.steps);
    const PinOp step = chunk.step(timed);
    const std::uint64_t begin = now_ns();
    pages.run_one(step, chunk.page(timed), share.steps);
    const std::uint64_t now = now_ns();
    share.results[ground_.slots_of(step).first].latency.record(
        now - begin > clock_cost_ns_ ? now - begin - clock_cost_ns_ : 0);
    pages.run(chunk, timed + 1, chunk.size, share.steps);
    return now;
  }

  static void run_op(Interpreter& interpreter, Share& share, OpSource& source, const Op& op) {
    share.watch->begin(&op);
    OpRecord record = interpreter.run(op);
    share.watch->begin(nullptr);
    source.done(op, record);
    OpResult& result = share.results[static_cast<unsigned>(op.code)];
    ++result.ops;
    if (const Errc error = failure_of(op, record); error != Errc::kOk) result.fail(error, 1);
    interpreter.take_back(std::move(record));
  }

  /// Alone between two barriers.
  void end_round() {
    const std::uint64_t now = now_ns();
    result_.ns += now - round_begin_ns_;
    const auto ends = [this](StoppedBy by) {
      result_.stopped_by = by;
      over_ = true;
    };
    if (stop_requested())
      ends(StoppedBy::kAbort);
    else if (limits_.ops != 0 && std::ranges::all_of(shares_, [this](const Share& share) {
               return share.done >= limits_.ops;
             }))
      ends(StoppedBy::kOps);
    else if (limits_.rounds != 0 && result_.rounds + 1 >= limits_.rounds)
      ends(StoppedBy::kRounds);
    else if (now >= deadline_ns())
      ends(StoppedBy::kTime);
    audit(ends);
    ++result_.rounds;
    control_.add_round();
  }

  template <class Ends>
  void audit(Ends ends) {
    const StopAsk stop{
        [](const void* self) { return static_cast<const Race*>(self)->stop_requested(); }, this};
    bool clean = true;
    error_ = ground_.end_round(over_, stop, result_, clean);
    if (error_ != Errc::kOk) {
      over_ = true;
      return;
    }
    if (stop_requested()) ends(StoppedBy::kAbort);
    if (clean && !has_given_up() && !between_.has_found()) return;
    result_.dirty_round = result_.rounds;
    ends(has_given_up() || between_.has_found() ? StoppedBy::kLivelock : StoppedBy::kAudit);
  }

  void collect_livelocks() {
    const auto add = [this](LivelockWatch& watch) {
      for (Livelock& each : watch.take()) result_.livelocks.push_back(std::move(each));
    };
    for (Share& share : shares_) add(*share.watch);
    add(between_);
    if (result_.livelocks.empty()) return;
    result_.dirty_round = result_.livelocks.front().round;
    if (result_.stopped_by != StoppedBy::kAudit) result_.stopped_by = StoppedBy::kLivelock;
  }

  std::uint64_t deadline_ns() const {
    return limits_.duration_ns == 0 ? ~std::uint64_t{0} : begin_ns_ + limits_.duration_ns;
  }
  bool stop_requested() const { return control_.stopped() || ground_.stop_requested(); }

  RaceGround& ground_;
  const RaceLimits& limits_;
  RaceControl& control_;
  RaceResult& result_;
  Barrier rounds_barrier_;
  std::vector<Share> shares_;
  const std::uint64_t clock_cost_ns_;
  // Written by thread 0 before a barrier, read by all after it.
  std::unique_ptr<Barrier> barrier_;  // the scenario's own
  std::uint64_t begin_ns_ = 0, round_begin_ns_ = 0;
  bool over_ = false;
  Errc error_ = Errc::kOk;
  Atomic<std::uint32_t> given_up_, no_memory_;
  LivelockWatch between_;  // of setups, audits and ends: nobody else runs
};

unsigned RaceWatch::limit_ms() const {
  if (race_.has_given_up()) return kLostRaceMs;
  return race_.is_overdue() ? kOverdueMs : kPatienceMs;
}

void RaceWatch::gave_up(const GaveUp& what) {
  LivelockWatch::gave_up(what);
  race_.give_up();
}

}  // namespace

Errc run_race_on(RaceGround& ground, const RaceLimits& limits, RaceControl& control,
                 RaceResult& result) {
  try {
    result = {};
    return Race(ground, limits, control, result).run();
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

std::string_view stopped_by_name(StoppedBy by) {
  switch (by) {
    case StoppedBy::kTime: return "time";
    case StoppedBy::kOps: return "ops";
    case StoppedBy::kRounds: return "rounds";
    case StoppedBy::kAbort: return "abort";
    case StoppedBy::kAudit: return "audit";
    case StoppedBy::kLivelock: return "livelock";
  }
  return "";
}

}  // namespace pagebox::inline PAGEBOX_ENV
