#include "explore/model_ops.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "base/barrier.h"
#include "base/model/random_strategy.h"
#include "base/rng.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/op_text.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint64_t hash_record(std::uint64_t hash, const OpRecord& record) {
  hash = add_to_hash(hash, record.keys);
  hash = add_to_hash(hash, static_cast<std::uint64_t>(record.ret) << 1 | (record.fault ? 1 : 0));
  for (const std::uint64_t count : {record.pages, record.bytes, record.cpages, record.faults})
    hash = add_to_hash(hash, count);
  for (const std::uint64_t word : record.v) hash = add_to_hash(hash, word);
  for (const FaultResult signal : record.signals)
    hash = add_to_hash(hash, static_cast<std::uint64_t>(signal));
  for (const std::uint8_t code : record.prot) hash = add_to_hash(hash, code);
  for (const PagemapEntry& entry : record.entries)
    hash = add_to_hash(hash, static_cast<std::uint64_t>(entry.state) << 32 | entry.mapcount);
  return hash;
}

/// One fiber's share. It lies outside the fibers' stacks, which an abandoned run
/// never unwinds.
struct Thread {
  Interpreter* interpreter = nullptr;
  Barrier* barrier = nullptr;
  std::unique_ptr<OpSource> source;
  std::vector<std::string>* trace = nullptr;
  std::uint64_t hash = 0, ops = 0;
  bool no_memory = false;

  /// No exception leaves a fiber.
  void run() {
    try {
      run_all();
    } catch (const std::bad_alloc&) {
      no_memory = true;
      barrier->abandon();
    }
  }

 private:
  void run_all() {
    Op op;
    while (source->next(op)) {
      if (op.code == OpCode::kBarrier) {
        (void)barrier->wait();
        continue;
      }
      note("begins", op_text_of(op));
      const OpRecord record = interpreter->run(op);
      source->done(op, record);
      hash = hash_record(hash, record);
      ++ops;
      if (trace != nullptr) note("ends", op_text_of(op) + " " + result_text(record));
    }
  }
  std::string op_text_of(const Op& op) const { return trace == nullptr ? "" : op_text(op); }
  void note(const char* what, const std::string& text) const {
    if (trace != nullptr)
      trace->push_back("thread " + std::to_string(interpreter->thread()) + " " + what + " " + text);
  }
};

OpsOutcome outcome_of(RunEnd end) {
  switch (end) {
    case RunEnd::kClean: return OpsOutcome::kClean;
    case RunEnd::kDeadlock: return OpsOutcome::kDeadlock;
    case RunEnd::kLivelock: return OpsOutcome::kLivelock;
    case RunEnd::kLimit: return OpsOutcome::kLimit;
    case RunEnd::kDataRace: return OpsOutcome::kDataRace;
    case RunEnd::kUseAfterFree: return OpsOutcome::kUseAfterFree;
    case RunEnd::kAssertion: return OpsOutcome::kAssertion;
    case RunEnd::kStopped: return OpsOutcome::kLimit;  // the caller discards it
  }
  return OpsOutcome::kAssertion;
}

std::string end_text(const RunOutcome& outcome) {
  if (outcome.text != nullptr)
    return std::string(outcome.file) + ":" + std::to_string(outcome.line) + ": " + outcome.text;
  if (outcome.end == RunEnd::kDeadlock) {
    std::string text = "asleep:";
    for (FiberId fiber = 0; fiber < kMaxFibers; ++fiber)
      if ((outcome.sleeping & fiber_bit(fiber)) != 0)
        text += " thread " + std::to_string(fiber + 1);
    return text;
  }
  return "thread " + std::to_string(outcome.fiber + 1);
}

class OpsModel {
 public:
  explicit OpsModel(const ModelOpsSettings& settings)
      : settings_(settings),
        random_(complete(settings.random, settings.mixes)),
        setup_(settings.scenario != nullptr ? settings.scenario->setup : random_setup(random_)),
        placed_pages_(count_placed_pages(settings.scenario != nullptr
                                             ? *settings.scenario
                                             : ScenarioOps{.setup = setup_, .threads = {}})),
        threads_(settings.scenario != nullptr
                     ? static_cast<unsigned>(settings.scenario->threads.size())
                     : settings.threads) {}

  unsigned abandoned() const { return abandoned_; }

  /// Schedule `run` on a machine of its own. `finding.trace` is filled if `traced`. kIntr:
  /// told to stop in the setup.
  Errc run(std::uint64_t run, bool traced, ModelOpsFinding& finding, ModelOpsReport& report,
           std::string* reason) {
    SandboxSettings of_box;
    of_box.layout = settings_.layout;
    of_box.scheme = settings_.scheme;
    of_box.behaviour = settings_.behaviour;
    of_box.pages = settings_.pages;
    of_box.device_pages = settings_.device_pages;
    of_box.swap_pages = settings_.swap_pages;
    of_box.threads = threads_;
    of_box.placed_pages = placed_pages_;
    of_box.seed = add_to_hash(settings_.seed, run);
    // Of all that runs outside the schedule, where nobody else goes on. The sandbox goes
    // before it: taking it down may wait too.
    LivelockWatch watch;
    const PatienceScope alone(watch);
    const Errc error = run_on(of_box, run, traced, watch, finding, report, reason);
    if (const std::vector<Livelock> found = watch.take(); !found.empty()) {
      if (finding.outcome == OpsOutcome::kClean) finding.outcome = OpsOutcome::kLivelock;
      finding.text += (finding.text.empty() ? "" : "; ") + livelock_text(found.front());
    }
    return error;
  }

 private:
  Errc run_on(const SandboxSettings& of_box, std::uint64_t run, bool traced, LivelockWatch& watch,
              ModelOpsFinding& finding, ModelOpsReport& report, std::string* reason) {
    std::unique_ptr<Sandbox> sandbox;
    if (const Errc error = Sandbox::create(of_box, sandbox, reason); error != Errc::kOk)
      return error;
    Program setup(setup_, sandbox->interpreter(), settings_.seed);
    watch.watch(&sandbox->machine().memmap, 0);
    for (Op op; setup.next(op);) {
      if (is_stopped()) return Errc::kIntr;
      watch.begin(&op);
      (void)sandbox->interpreter().run(op);
    }
    watch.begin(nullptr);

    Barrier barrier(threads_);
    std::vector<Thread> threads(threads_);
    std::vector<FiberBody> bodies;
    for (unsigned i = 0; i < threads_; ++i) {
      Thread& thread = threads[i];
      thread.interpreter = &sandbox->interpreter(i + 1);
      thread.barrier = &barrier;
      thread.source = source_of(i, *thread.interpreter, run);
      if (traced) thread.trace = &finding.trace;
      bodies.push_back({[](void* at) { static_cast<Thread*>(at)->run(); }, &thread});
    }
    RandomStrategy strategy(settings_.seed);
    strategy.begin(run);
    RunLimits limits;
    limits.max_steps = settings_.max_steps;
    limits.stop = settings_.stop;
    const RunOutcome outcome = runner_.run(bodies, strategy, limits);
    strategy.end(outcome);
    if (outcome.end == RunEnd::kStopped) {
      (void)sandbox.release();  // as below
      return Errc::kIntr;
    }
    if (std::ranges::any_of(threads, &Thread::no_memory)) {
      (void)sandbox.release();
      return Errc::kNoMem;
    }

    finding.run = run;
    finding.schedule_hash = outcome.schedule_hash;
    finding.outcome = outcome_of(outcome.end);
    report.steps += outcome.steps;
    report.hash = add_to_hash(report.hash, outcome.schedule_hash);
    for (const Thread& thread : threads) {
      report.hash = add_to_hash(report.hash, thread.hash);
      report.ops += thread.ops;
    }
    if (outcome.end == RunEnd::kClean) {
      check(*sandbox, finding, report);
      return Errc::kOk;
    }
    finding.text = end_text(outcome);
    // Abandoned fibers may hold its locks: nothing can be taken down.
    (void)sandbox.release();
    ++abandoned_;
    return Errc::kOk;
  }

  bool is_stopped() const { return settings_.stop != nullptr && *settings_.stop != 0; }

  std::unique_ptr<OpSource> source_of(unsigned thread, Interpreter& interpreter,
                                      std::uint64_t run) const {
    const std::uint64_t seed = add_to_hash(settings_.seed, run);
    if (settings_.scenario != nullptr)
      return std::make_unique<Program>(settings_.scenario->threads[thread], interpreter, seed);
    return std::make_unique<RandomOps>(settings_.mixes[thread % settings_.mixes.size()], random_,
                                       seed, thread, settings_.ops);
  }

  static void check(Sandbox& sandbox, ModelOpsFinding& finding, ModelOpsReport& report) {
    AuditReport audit = sandbox.audit();
    report.hash = hash_words(sandbox.machine(), report.hash);
    const bool alive = !audit.clean();
    sandbox.finish();
    if (!alive) audit = sandbox.audit();
    if (!audit.clean()) {
      finding.outcome = OpsOutcome::kViolation;
      finding.text = row_text(audit.rows.front()) + (alive ? "" : ", when all had exited");
      return;
    }
    finding.text = sandbox.leaks();
    if (!finding.text.empty()) finding.outcome = OpsOutcome::kLeak;
  }

  /// Of pages in use: a free one may still hold what freed it, callbacks' addresses
  /// among that, which differ from process to process.
  static std::uint64_t hash_words(const Machine& machine, std::uint64_t hash) {
    const Memmap& memmap = machine.memmap;
    for (Pfn pfn; pfn.value < memmap.capacity(); pfn.value += 1) {
      const Page page = memmap.page(pfn);
      if (page.refcount() <= 0) continue;
      for (unsigned i = 0; i < memmap.shape().stride_bytes / 8; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, page.at() + i * 8, 8);
        hash = add_to_hash(hash, word);
      }
    }
    return hash;
  }

  const ModelOpsSettings& settings_;
  const RandomOpsSettings random_;
  const std::vector<Op> setup_;
  const std::uint64_t placed_pages_;
  const unsigned threads_;
  ModelRunner runner_;
  unsigned abandoned_ = 0;
};

Errc check_settings(const ModelOpsSettings& settings, std::string* reason) {
  const auto refuse = [reason](const std::string& text) {
    if (reason != nullptr) *reason = text;
    return Errc::kInval;
  };
  if (const ScenarioOps* scenario = settings.scenario; scenario != nullptr) {
    if (scenario->threads.empty() || scenario->threads.size() > kMaxModelOpsThreads)
      return refuse("threads: 1 to 8");
    std::string text;
    return check_scenario(*scenario, text) == Errc::kOk ? Errc::kOk : refuse(text);
  }
  if (settings.threads == 0 || settings.threads > kMaxModelOpsThreads)
    return refuse("threads: 1 to 8");
  if (settings.ops == 0 || settings.ops > kMaxModelOpsEach) return refuse("ops: 1 to 4096");
  if (!is_valid(settings.random)) return refuse("processes, buffers or pages out of range");
  if (settings.mixes.empty()) return refuse("mix: none");
  for (const OpMix& each : settings.mixes)
    if (each.sum() == 0) return refuse("mix: no weight above 0");
  return Errc::kOk;
}

constexpr unsigned kMaxAbandoned = 64;

}  // namespace

std::string_view ops_outcome_name(OpsOutcome outcome) {
  static constexpr std::array<std::string_view, kOpsOutcomes> kNames = {
      "clean", "violation", "leak",           "deadlock", "livelock",
      "limit", "data race", "use after free", "assertion"};
  return kNames[static_cast<unsigned>(outcome)];
}

Errc explore_ops(const ModelOpsSettings& settings, ModelOpsReport& report, std::string* reason) {
  if (const Errc error = check_settings(settings, reason); error != Errc::kOk) return error;
  report = {};
  std::vector<std::uint64_t> hashes;
  hashes.reserve(std::min<std::uint64_t>(settings.schedules, kMaxScheduleHashes));
  OpsModel model(settings);
  for (std::uint64_t i = 0; i < settings.schedules && !report.gave_up; ++i) {
    if (settings.stop != nullptr && *settings.stop != 0) break;
    ModelOpsFinding finding;
    const std::uint64_t run = settings.first_run + i;
    const Errc error = model.run(run, false, finding, report, reason);
    if (error == Errc::kIntr) break;  // in a setup
    if (error != Errc::kOk) return error;
    ++report.schedules;
    if (settings.done != nullptr) *settings.done = report.schedules;
    ++report.outcomes[static_cast<unsigned>(finding.outcome)];
    if (hashes.size() < kMaxScheduleHashes) hashes.push_back(finding.schedule_hash);
    if (finding.outcome == OpsOutcome::kClean) continue;
    if (report.first.size() < kMaxOpsFindings) {
      // A schedule is a function of its number: once more, with the trace.
      ModelOpsReport aside;
      ModelOpsFinding& traced = report.first.emplace_back();
      const Errc again = model.run(run, true, traced, aside, reason);
      if (again == Errc::kIntr) traced = std::move(finding);
      if (again != Errc::kOk && again != Errc::kIntr) return again;
    }
    report.gave_up = model.abandoned() >= kMaxAbandoned;
  }
  std::sort(hashes.begin(), hashes.end());
  report.distinct =
      static_cast<std::uint64_t>(std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
