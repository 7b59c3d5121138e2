#include "explore/subject.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/barrier.h"
#include "base/model/leaks.h"
#include "base/rng.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/op_text.h"
#include "engine/scenario/program.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/end_text.h"
#include "explore/places.h"
#include "explore/values.h"
#include "explore/verdict.h"
#include "page/folio.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Verdicts to be remembered, of some hundred bytes each.
constexpr std::size_t kMostJudged = std::size_t{1} << 20;

/// What makes two outcomes differ.
std::vector<std::byte> bytes_of(ExploreResults& results, std::uint64_t of) {
  constexpr std::uint32_t kWhat =
      1U << kKpfAnon | 1U << kKpfAnonExclusive | 1U << kKpfZeroPage | 1U << kKpfNopage;
  const auto clear = [](std::vector<OpRecord>& records) {
    for (OpRecord& record : records)
      for (PagemapEntry& entry : record.entries) entry.flags &= kWhat;
  };
  if ((of & kWithAllFlags) == 0) {
    std::ranges::for_each(results.threads, clear);
    clear(results.after);
  }
  return write_message(results);
}

bool has_op(const ScenarioOps& scenario, std::initializer_list<OpCode> codes) {
  return std::ranges::any_of(scenario.threads, [&](const std::vector<Op>& ops) {
    return std::ranges::any_of(
        ops, [&](const Op& op) { return std::ranges::find(codes, op.code) != codes.end(); });
  });
}
bool pins_by_pfn(const ScenarioOps& scenario) { return has_op(scenario, {OpCode::kPinPage}); }
bool asks_of_pins(const ScenarioOps& scenario) {
  return pins_by_pfn(scenario) && has_op(scenario, {OpCode::kMaybePinned, OpCode::kFreezePage});
}

/// Descriptors alone need no others than those that are named.
std::uint64_t pages_of(const ScenarioOps& scenario, bool with_machine) {
  return with_machine ? count_placed_pages(scenario) : count_named_pages(scenario);
}

}  // namespace

/// One fiber's share. It lies outside the fibers' stacks, which an abandoned run
/// never unwinds.
struct Subject::Thread {
  Interpreter* interpreter = nullptr;
  Barrier* barrier = nullptr;
  // One of them. Random operations are no part of the machine, and no step is made in them.
  std::unique_ptr<Program> program;
  RandomOps* random = nullptr;
  std::vector<std::string>* trace = nullptr;  // outlives the run
  std::vector<OpRecord>* records = nullptr;   // null: nobody asks
  std::uint64_t hash = 0, ops = 0;
  bool no_memory = false;

  /// No exception leaves a fiber.
  void run() {
    try {
      run_all();
      interpreter->is_done();
    } catch (const std::bad_alloc&) {
      no_memory = true;
      barrier->abandon();
    }
  }

 private:
  void run_all() {
    Op op;
    while (next(op)) {
      if (op.code == OpCode::kBarrier) {
        interpreter->waits_at_barrier();
        (void)barrier->wait();
        interpreter->passed_barrier();
        continue;
      }
      if (trace != nullptr) note("begins", op, nullptr);
      const OpRecord record = interpreter->run(op);
      if (random != nullptr) told(op, record);
      hash = hash_record(hash, record);
      ++ops;
      if (records != nullptr) records->push_back(record);
      if (trace != nullptr) note("ends", op, &record);
    }
  }
  bool next(Op& op) {
    if (program != nullptr) return program->next(op);
    const OutsideRunMemory outside;
    return random->next(op);
  }
  void told(const Op& op, const OpRecord& record) {
    const OutsideRunMemory outside;
    random->done(op, record);
  }
  void note(const char* what, const Op& op, const OpRecord* record) const {
    if (trace->size() == kMostNotes) return;
    const OutsideRunMemory outside;
    trace->push_back("thread " + std::to_string(interpreter->thread()) + " " + what + " " +
                     op_text(op) + (record == nullptr ? "" : " " + result_text(*record)));
  }
};

/// Of one schedule; where the machine is copied back, it is too.
struct Subject::State {
  State(Sandbox& sandbox, unsigned count, bool with_records)
      : barrier(count), threads(count), records(with_records ? count : 0) {
    bodies.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
      Thread& thread = threads[i];
      thread.interpreter = &sandbox.interpreter(i + 1);
      thread.barrier = &barrier;
      if (with_records) thread.records = &records[i];
      bodies.push_back({[](void* at) { static_cast<Thread*>(at)->run(); }, &thread});
    }
  }
  /// Leaves nothing of a schedule behind: equal machines are to have equal digests.
  void clear(bool programs_stay) {
    for (Thread& thread : threads) {
      thread.trace = nullptr;
      thread.hash = thread.ops = 0;
      thread.random = nullptr;
      if (programs_stay)
        thread.program->restart();
      else
        thread.program.reset();
    }
    for (std::vector<OpRecord>& each : records) each = {};
  }
  Barrier barrier;
  std::vector<Thread> threads;
  std::vector<std::vector<OpRecord>> records;
  std::vector<FiberBody> bodies;
};

Subject::Subject(const ExploreSettings& settings)
    : settings_(settings),
      random_(complete(settings.random, settings.mixes)),
      made_{.setup = settings.scenario == nullptr ? random_setup(random_) : std::vector<Op>{},
            .threads = {},
            .after = {}},
      setup_(settings.scenario != nullptr ? settings.scenario->setup : made_.setup),
      with_machine_(settings.scenario != nullptr ? needs_machine(*settings.scenario)
                                                 : random_.folios == 0),
      placed_pages_(
          pages_of(settings.scenario != nullptr ? *settings.scenario : made_, with_machine_)),
      threads_(settings.scenario != nullptr
                   ? static_cast<unsigned>(settings.scenario->threads.size())
                   : settings.threads) {
  if (settings.scenario != nullptr) {
    with_witness_ = settings.witness || pins_by_pfn(*settings.scenario);
    asks_ = asks_of_pins(*settings_.scenario);
    programs_stay_ =
        settings_.schedules_each == 0 && !has_op(*settings_.scenario, {OpCode::kRepeat});
  } else {
    for (const OpMix& mix : settings.mixes) mixes_.emplace_back(mix);
    random_ops_.resize(threads_);
  }
  // What is made once for all, by the first who asks, must not lie in a run's memory.
  (void)builtin_layouts();
  (void)builtin_schemes();
  if (settings.restore) memory_ = RunMemory::create();
}

Subject::~Subject() = default;

void Subject::threads_change() {
  asks_ = asks_of_pins(*settings_.scenario);
  programs_stay_ = false;  // those that were made may have no list any more
}

Errc Subject::run(std::uint64_t run, Strategy& strategy, bool traced, Finding& finding, Ran& ran,
                  std::string* reason) {
  if (memory_ != nullptr && kept_ == nullptr)
    if (const Errc error = prepare(reason); error != Errc::kOk) return error;
  const Errc error = run_here(run, strategy, traced, finding, ran, reason);
  if (memory_ != nullptr) {
    is_digested_ ? memory_->restore_digested() : memory_->restore();
    is_digested_ = false;
  }
  return error;
}

std::uint64_t Subject::held_bytes() const {
  // A node of the table and its bucket; texts are of findings, which are few.
  constexpr std::uint64_t kEach = sizeof(StateDigest) + sizeof(Verdict) + 4 * sizeof(void*);
  return judged_.size() * kEach + (memory_ == nullptr ? 0 : 2 * memory_->kept_bytes());
}

void Subject::forget() { judged_ = {}; }

std::string Subject::place_name(const void* at) const { return Places(*now_).name(at); }

ExploreStep Subject::describe(const Step& step, std::size_t noted) const {
  ExploreStep out;
  out.thread = step.fiber + std::uint64_t{1};
  out.access = access_name(step.what.access);
  out.place = place_name(step.what.at);
  out.noted = noted;
  out.has_values = step.has_values;
  if (!step.has_values) return out;
  out.before = step.before;
  out.after = step.after;
  const Values values(*now_);
  out.before_text = values.text(step.what.at, step.what.bytes, step.before);
  out.after_text = values.text(step.what.at, step.what.bytes, step.after);
  const LockChange change = values.lock(step, out.place);
  out.lock = change.lock;
  out.lock_event = change.event;
  return out;
}

Errc Subject::run_here(std::uint64_t run, Strategy& strategy, bool traced, Finding& finding,
                       Ran& ran, std::string* reason) {
  const UseRunMemory use(memory_.get());
  // Of all that runs outside the schedule, where nobody else goes on. The sandbox goes
  // before it: taking it down may wait too.
  LivelockWatch watch;
  const PatienceScope alone(watch);
  Errc error = Errc::kOk;
  if (kept_ != nullptr) {
    watch.watch(&kept_->box().memmap(), 0);
    error = run_on(*kept_, run, strategy, traced, finding, ran);
  } else {
    const sanitizer::MayStay may_stay;
    std::unique_ptr<Sandbox> sandbox;
    error = make(sandbox, reason);
    if (error != Errc::kOk) return error;
    error = run_on(*sandbox, run, strategy, traced, finding, ran);
    // Abandoned fibers may hold its locks: nothing can be taken down.
    const bool ended = error == Errc::kOk && finding.outcome <= Outcome::kLeak;
    if (!ended) {
      (void)sandbox.release();
      ++abandoned_;
    }
  }
  const OutsideRunMemory outside;
  std::string livelock = setup_livelock_;
  for (const Livelock& found : watch.take()) {
    livelock = livelock_text(found);
    break;
  }
  if (!livelock.empty()) {
    if (finding.outcome == Outcome::kClean) finding.outcome = Outcome::kLivelock;
    finding.text += (finding.text.empty() ? "" : "; ") + livelock;
  }
  return error;
}

Errc Subject::run_on(Sandbox& sandbox, std::uint64_t run, Strategy& strategy, bool traced,
                     Finding& finding, Ran& ran) {
  finding.run = run;
  finding.program = settings_.schedules_each == 0 ? 0 : run / settings_.schedules_each;
  now_ = &sandbox;
  if (PinWitness* witness = sandbox.witness(); witness != nullptr) witness->set_asked(asks_);
  std::unique_ptr<State> made_now;
  if (kept_state_ == nullptr)
    made_now = std::make_unique<State>(sandbox, threads_, settings_.outcomes != 0);
  State* const state = made_now != nullptr ? made_now.get() : kept_state_;
  for (unsigned i = 0; i < threads_; ++i) {
    Thread& thread = state->threads[i];
    if (settings_.scenario == nullptr)
      thread.random = random_ops(i, finding.program);
    else if (!programs_stay_ || thread.program == nullptr)
      thread.program = program_of(i, *thread.interpreter, finding.program);
    if (traced) thread.trace = &finding.trace;
  }
  RunLimits limits;
  limits.max_steps = settings_.max_steps;
  limits.stop = settings_.stop;
  limits.record_choices = true;
  if (memory_ != nullptr) limits.serial = 1;
  const RunOutcome outcome = runner_.run(state->bodies, strategy, limits);
  {
    const OutsideRunMemory outside;
    strategy.end(outcome);
  }
  ran.steps += outcome.steps;
  ran.switches += outcome.switches;
  finding.schedule_hash = outcome.schedule_hash;
  finding.outcome = outcome.end;
  bool no_memory = false;
  for (const Thread& thread : state->threads) {
    ran.hash = add_to_hash(ran.hash, thread.hash);
    ran.ops += thread.ops;
    no_memory = no_memory || thread.no_memory;
  }
  if (outcome.end == Outcome::kStopped) return Errc::kIntr;
  if (outcome.end != Outcome::kClean && outcome.end != Outcome::kAbandoned) {
    const OutsideRunMemory outside;
    finding.text = end_text(outcome, threads_, Places(sandbox));
  }
  if (outcome.end != Outcome::kClean || traced) {
    const OutsideRunMemory outside;
    finding.choices.assign(outcome.choices.begin(), outcome.choices.end());
  }
  if (outcome.end != Outcome::kClean) return no_memory ? Errc::kNoMem : Errc::kOk;
  ExploreResults results;
  if (settings_.outcomes != 0 && !no_memory) {
    const OutsideRunMemory outside;
    finding.choices.assign(outcome.choices.begin(), outcome.choices.end());
    if ((settings_.outcomes & kOfThreads) != 0) {
      results.threads.resize(threads_);
      for (unsigned i = 0; i < threads_; ++i)
        results.threads[i].assign(state->records[i].begin(), state->records[i].end());
    }
  }
  state->clear(programs_stay_);
  if (no_memory) return Errc::kNoMem;
  const auto take = [&](const Verdict& verdict) {
    const OutsideRunMemory outside;
    finding.outcome = verdict.outcome;
    if (settings_.outcomes != 0) {
      if ((settings_.outcomes & kOfAfter) != 0) results.after = verdict.after;
      results.fields = verdict.fields;
      finding.results = bytes_of(results, settings_.outcomes);
    }
    if (verdict.outcome != Outcome::kClean) {
      finding.text = verdict.text;
      finding.row = verdict.row;
      finding.choices.assign(outcome.choices.begin(), outcome.choices.end());
    }
    ran.hash = add_to_hash(ran.hash, verdict.words);
  };
  if (memory_ == nullptr) {
    take(judge(sandbox, settings_, traced ? &finding.trace : nullptr));
    return Errc::kOk;
  }
  const StateDigest digest = memory_->digest();
  if (const auto known = judged_.find(digest); known != judged_.end() && !traced) {
    take(known->second);
    is_digested_ = true;
    return Errc::kOk;
  }
  const Verdict verdict = judge(sandbox, settings_, traced ? &finding.trace : nullptr);
  take(verdict);
  // Something was given up while it was judged: that is told each time.
  const auto& watch = static_cast<const LivelockWatch&>(*active_patience);
  const OutsideRunMemory outside;
  if (judged_.size() < kMostJudged && !watch.has_found()) judged_.emplace(digest, verdict);
  return Errc::kOk;
}

Subject::State* Subject::new_state(Sandbox& sandbox) const {
  auto* state = new State(sandbox, threads_, settings_.outcomes != 0);
  if (programs_stay_)
    for (unsigned i = 0; i < threads_; ++i)
      state->threads[i].program = program_of(i, *state->threads[i].interpreter, 0);
  return state;
}

std::unique_ptr<Program> Subject::program_of(unsigned thread, Interpreter& interpreter,
                                             std::uint64_t program) const {
  return std::make_unique<Program>(settings_.scenario->threads[thread], interpreter,
                                   add_to_hash(settings_.workload_seed, program));
}

RandomOps* Subject::random_ops(unsigned thread, std::uint64_t program) {
  const OutsideRunMemory outside;
  return &random_ops_[thread].emplace(mixes_[thread % mixes_.size()], random_,
                                      add_to_hash(settings_.workload_seed, program), thread,
                                      settings_.ops);
}

}  // namespace pagebox::inline PAGEBOX_ENV
