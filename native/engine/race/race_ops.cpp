#include "engine/race/race_ops.h"

#include <algorithm>
#include <new>

#include "base/barrier.h"
#include "base/host/threads.h"
#include "engine/race/clock.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Reading the clock costs less than a tenth of such an operation.
constexpr std::uint64_t kTimedEvery = 8;
constexpr std::uint64_t kCountEvery = 64;

/// A look at the clock in the setup costs as much as an operation.
constexpr std::uint64_t kLookEvery = 64;

class RaceOps;

class RaceWatch final : public LivelockWatch {
 public:
  RaceWatch(RaceOps& race, int thread) : LivelockWatch(thread), race_(race) {}
  unsigned limit_ms() const override;
  void gave_up(const GaveUp& what) override;

 private:
  RaceOps& race_;
};

/// One line a thread, since each counts in its own.
struct alignas(64) Share {
  std::unique_ptr<OpSource> source;
  std::unique_ptr<ScenarioOpResults> results = std::make_unique<ScenarioOpResults>();
  std::uint64_t done = 0;  // operations since the race began
  std::unique_ptr<RaceWatch> watch;
};

class RaceOps {
 public:
  RaceOps(const RaceOpsSettings& settings, RaceControl& control, RaceOpsResult& result,
          std::string* reason)
      : settings_(settings),
        reason_(reason),
        control_(control),
        result_(result),
        setup_(settings.scenario != nullptr ? settings.scenario->setup
                                            : random_setup(settings.random)),
        rounds_barrier_(settings.threads),
        shares_(settings.threads) {
    for (unsigned i = 0; i < settings.threads; ++i)
      shares_[i].watch = std::make_unique<RaceWatch>(*this, static_cast<int>(i));
  }

  Errc run() {
    const PatienceScope patience(between_);
    begin_ns_ = now_ns();
    if (const Errc error = begin_round(); error != Errc::kOk) return error;
    const Errc error = run_threads(
        settings_.threads, [this](unsigned thread) { run_thread(thread); },
        settings_.affinity ? 0 : -1, [this] { rounds_barrier_.abandon(); });
    sandbox_.reset();
    if (error != Errc::kOk) return error;
    if (no_memory_.load() != 0) return Errc::kNoMem;
    collect_livelocks();
    result_.total = std::make_unique<ScenarioOpResults>();
    for (Share& share : shares_) {
      for (unsigned op = 0; op < kOpCodes; ++op) (*result_.total)[op].merge((*share.results)[op]);
      result_.threads.push_back(std::move(share.results));
    }
    return error_;
  }

  /// It has to end: what its loops wait for has had its time.
  bool is_overdue() const { return control_.stopped() || now_ns() >= deadline_ns(); }
  bool has_given_up() const { return given_up_.load(atomics::kRelaxed) != 0; }
  void give_up() { given_up_.store(1, atomics::kRelaxed); }

 private:
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
      run_round(thread);
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

  /// Alone: a machine for the next round.
  Errc begin_round() {
    sandbox_.reset();
    SandboxSettings of_box;
    of_box.layout = settings_.layout;
    of_box.scheme = settings_.scheme;
    of_box.pages = settings_.pages;
    of_box.device_pages = settings_.device_pages;
    of_box.swap_pages = settings_.swap_pages;
    of_box.threads = settings_.threads;
    if (const Errc error = Sandbox::create(of_box, sandbox_, reason_); error != Errc::kOk)
      return error;
    std::uint64_t state = settings_.seed + result_.rounds;
    const std::uint64_t seed = splitmix64(state);
    Program setup(setup_, sandbox_->interpreter(), seed);
    between_.watch(&sandbox_->machine().memmap, result_.rounds);
    std::uint64_t n = 0;
    for (Op op; setup.next(op);) {
      // Cut short, the round is over before it begins.
      if (n++ % kLookEvery == 0 && is_overdue()) break;
      between_.begin(&op);
      (void)sandbox_->interpreter().run(op);
    }
    between_.begin(nullptr);
    for (Share& share : shares_) share.watch->watch(&sandbox_->machine().memmap, result_.rounds);
    for (unsigned i = 0; i < settings_.threads; ++i)
      shares_[i].source = source_of(i, sandbox_->interpreter(i + 1), seed);
    barrier_ = std::make_unique<Barrier>(settings_.threads);
    return Errc::kOk;
  }

  std::unique_ptr<OpSource> source_of(unsigned thread, Interpreter& interpreter,
                                      std::uint64_t seed) const {
    if (settings_.scenario != nullptr)
      return std::make_unique<Program>(settings_.scenario->threads[thread], interpreter, seed);
    return std::make_unique<RandomOps>(settings_.mixes[thread % settings_.mixes.size()],
                                       settings_.random, seed, thread, settings_.ops_per_round);
  }

  void run_round(unsigned thread) {
    Share& share = shares_[thread];
    Interpreter& interpreter = sandbox_->interpreter(thread + 1);
    const bool by_time = settings_.scenario == nullptr && settings_.ops_per_round == 0;
    const std::uint64_t end_ns =
        std::min(by_time ? round_begin_ns_ + kRoundNs : ~std::uint64_t{0}, deadline_ns());
    std::uint64_t now = 0, counted = 0, n = 0;
    Op op;
    while (share.source->next(op)) {
      const bool looks = n++ % kTimedEvery == 0;
      if (looks) {
        now = now_ns();
        if (now >= end_ns || control_.stopped()) break;
      }
      if (has_given_up()) break;
      if (op.code == OpCode::kBarrier) {
        if (!barrier_->wait()) break;
        continue;
      }
      if (looks) {
        run_op(interpreter, share, op);
        (*share.results)[static_cast<unsigned>(op.code)].latency.record(now_ns() - now);
      } else {
        run_op(interpreter, share, op);
      }
      if (++counted == kCountEvery) control_.add_ops(std::exchange(counted, 0));
      if (settings_.ops != 0 && share.done == settings_.ops) break;
    }
    control_.add_ops(counted);
    // Whoever left early is nobody to wait for.
    if (share.source->next(op)) barrier_->abandon();
  }

  static void run_op(Interpreter& interpreter, Share& share, const Op& op) {
    share.watch->begin(&op);
    const OpRecord record = interpreter.run(op);
    share.watch->begin(nullptr);
    share.source->done(op, record);
    ++share.done;
    OpResult& result = (*share.results)[static_cast<unsigned>(op.code)];
    ++result.ops;
    if (record.fault)
      result.fail(Errc::kFault, 1);
    else if (!record.supported)
      result.fail(Errc::kOpNotSupp, 1);
    else if (record.ret != Errc::kOk)
      result.fail(record.ret, 1);
  }

  /// Alone between two barriers.
  void end_round() {
    const std::uint64_t now = now_ns();
    result_.ns += now - round_begin_ns_;
    const auto ends = [this](StoppedBy by) {
      result_.stopped_by = by;
      over_ = true;
    };
    if (control_.stopped())
      ends(StoppedBy::kAbort);
    else if (settings_.ops != 0 && std::all_of(shares_.begin(), shares_.end(), [this](auto& share) {
               return share.done >= settings_.ops;
             }))
      ends(StoppedBy::kOps);
    else if (settings_.rounds != 0 && result_.rounds + 1 >= settings_.rounds)
      ends(StoppedBy::kRounds);
    else if (now >= deadline_ns())
      ends(StoppedBy::kTime);
    audit();
    if (has_given_up() || between_.has_found()) {
      result_.dirty_round = result_.rounds;
      ends(StoppedBy::kLivelock);
    } else if (!result_.audit.empty() || !result_.leaks.empty()) {
      result_.dirty_round = result_.rounds;
      ends(StoppedBy::kAudit);
    }
    ++result_.rounds;
    control_.add_round();
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

  void audit() {
    result_.audit = sandbox_->audit();
    sandbox_->finish();
    if (!result_.audit.empty()) return;
    result_.audit = sandbox_->audit();
    if (result_.audit.empty()) result_.leaks = sandbox_->leaks();
  }

  std::uint64_t deadline_ns() const {
    return settings_.duration_ns == 0 ? ~std::uint64_t{0} : begin_ns_ + settings_.duration_ns;
  }

  const RaceOpsSettings& settings_;
  std::string* const reason_;  // why there is no machine; null: nobody asks
  RaceControl& control_;
  RaceOpsResult& result_;
  const std::vector<Op> setup_;
  Barrier rounds_barrier_;
  std::vector<Share> shares_;
  // Written by thread 0 before a barrier, read by all after it.
  std::unique_ptr<Sandbox> sandbox_;
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

Errc check_settings(RaceOpsSettings& settings, std::string* reason) {
  const auto refuse = [reason](const std::string& text) {
    if (reason != nullptr) *reason = text;
    return Errc::kInval;
  };
  if (settings.scenario != nullptr) {
    settings.threads = static_cast<unsigned>(settings.scenario->threads.size());
    std::string text;
    if (check_scenario(*settings.scenario, text) != Errc::kOk) return refuse(text);
  } else {
    if (!is_valid(settings.random)) return refuse("processes, buffers or pages out of range");
    if (settings.mixes.empty()) return refuse("mix: none");
    for (const OpMix& each : settings.mixes)
      if (each.sum() == 0) return refuse("mix: no weight above 0");
  }
  if (settings.threads == 0 || settings.threads > kMaxRaceOpsThreads)
    return refuse("threads: 1 to 64");
  if (settings.duration_ns == 0 && settings.ops == 0 && settings.rounds == 0)
    settings.duration_ns = kDefaultDurationNs;
  return Errc::kOk;
}

}  // namespace

Errc run_race_ops(const RaceOpsSettings& asked, RaceControl& control, RaceOpsResult& result,
                  std::string* reason) {
  RaceOpsSettings settings = asked;
  if (const Errc error = check_settings(settings, reason); error != Errc::kOk) return error;
  try {
    result = {};
    return RaceOps(settings, control, result, reason).run();
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
