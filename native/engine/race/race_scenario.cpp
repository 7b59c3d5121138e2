// A race of a scenario: each round is a fresh machine and the whole scenario, with an
// audit of everybody alive and again when all have exited.
#include <new>

#include "engine/race/race_ground.h"
#include "engine/scenario/in_order.h"
#include "engine/scenario/program.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// A look at the clock in the setup costs as much as an operation.
constexpr std::uint64_t kLookEvery = 64;
/// Page tables wait for readers a few operations longer.
constexpr unsigned kPollEvery = 8;

constexpr std::array<std::string_view, kOpCodes> op_names() {
  std::array<std::string_view, kOpCodes> names;
  for (unsigned i = 0; i < kOpCodes; ++i) names[i] = kOpTable[i].name;
  return names;
}
constexpr std::array<std::string_view, kOpCodes> kOpNames = op_names();

class ScenarioGround final : public RaceGround {
 public:
  ScenarioGround(const ScenarioRaceSettings& settings, std::string* reason)
      : settings_(settings), reason_(reason) {
    if (settings.scenario != nullptr) {
      setup_ = settings.scenario->setup;
      placed_pages_ = count_placed_pages(*settings.scenario);
    } else {
      random_ = complete(settings.random, settings.mixes);
      for (const OpMix& mix : settings.mixes) mixes_.emplace_back(mix);
      setup_ = random_setup(random_);
      placed_pages_ = count_placed_pages({.setup = setup_, .threads = {}, .after = {}});
    }
    sources_.resize(settings.threads);
  }

  std::span<const std::string_view> names() const override { return kOpNames; }
  Slots slots_of(PinOp step) const override {
    const auto slots = [](OpCode first, OpCode second) {
      return Slots{static_cast<unsigned>(first), static_cast<unsigned>(second)};
    };
    switch (step) {
      case PinOp::kGetPut: return slots(OpCode::kGetPage, OpCode::kPutPage);
      case PinOp::kMaybePinned: return slots(OpCode::kMaybePinned, OpCode::kMaybePinned);
      default: return slots(OpCode::kPinPage, OpCode::kUnpinPage);
    }
  }
  unsigned ops_of_step() const override { return 2; }
  bool rounds_by_time() const override { return settings_.scenario == nullptr; }

  Errc begin_round(std::uint64_t round, LivelockWatch& watch, const StopAsk& overdue) override {
    sandbox_.reset();
    std::uint64_t state = settings_.seed + round;
    const std::uint64_t seed = splitmix64(state);
    SandboxSettings of;
    of.layout = settings_.layout;
    of.scheme = settings_.scheme;
    of.behaviour = settings_.behaviour;
    of.pages = settings_.pages;
    of.device_pages = settings_.device_pages;
    of.swap_pages = settings_.swap_pages;
    of.threads = settings_.threads;
    of.transparent_huge_pages = settings_.huge_pages;
    of.page_batch = Allocator::kBatch;
    of.placed_pages = placed_pages_;
    of.seed = seed;
    of.stops = settings_.scenario != nullptr && has_stops(*settings_.scenario);
    if (const Errc error = Sandbox::create(of, sandbox_, reason_); error != Errc::kOk) return error;
    Program setup(setup_, sandbox_->interpreter(), seed);
    watch.watch(&sandbox_->machine().memmap, round);
    std::uint64_t n = 0;
    for (Op op; setup.next(op);) {
      // Cut short, the round is over before it begins.
      if (n++ % kLookEvery == 0 && overdue()) break;
      watch.begin(&op);
      (void)sandbox_->interpreter().run(op);
    }
    watch.begin(nullptr);
    watch_ = &watch;
    seed_ = seed;
    if (settings_.scenario != nullptr) settle_setup(*sandbox_, *settings_.scenario);
    for (unsigned i = 0; i < settings_.threads; ++i) {
      sources_[i] = source_of(i, seed);
      interpreter_of(i).polls_every(kPollEvery);
    }
    return Errc::kOk;
  }

  Errc end_round(bool, const StopAsk&, RaceResult& result, bool& clean) override {
    if (settings_.scenario != nullptr)
      run_after(*sandbox_, *settings_.scenario, seed_, *watch_,
                [](const Op&, std::size_t, OpRecord&&) {});
    result.audit = sandbox_->audit();
    sandbox_->finish();
    if (result.audit.clean()) result.audit = sandbox_->audit();
    if (result.audit.clean()) result.leaks = sandbox_->leaks();
    clean = result.audit.clean() && result.leaks.empty();
    return Errc::kOk;
  }
  void end() override { sandbox_.reset(); }

  OpSource& source(unsigned thread) override { return *sources_[thread]; }
  PageThread& pages(unsigned thread) override { return interpreter_of(thread).pages(); }
  Interpreter* interpreter(unsigned thread) override { return &interpreter_of(thread); }
  const Memmap& memmap() const override { return sandbox_->machine().memmap; }

 private:
  Interpreter& interpreter_of(unsigned thread) { return sandbox_->interpreter(thread + 1); }
  std::unique_ptr<OpSource> source_of(unsigned thread, std::uint64_t seed) {
    if (settings_.scenario != nullptr)
      return std::make_unique<Program>(settings_.scenario->threads[thread], interpreter_of(thread),
                                       seed);
    return std::make_unique<RandomOps>(mixes_[thread % mixes_.size()], random_, seed, thread,
                                       settings_.ops_per_round);
  }

  const ScenarioRaceSettings& settings_;
  std::string* const reason_;  // why there is no machine; null: nobody asks
  RandomOpsSettings random_;
  std::vector<MixTable> mixes_;
  std::vector<Op> setup_;
  std::uint64_t placed_pages_ = 0, seed_ = 0;
  LivelockWatch* watch_ = nullptr;  // of the round
  std::unique_ptr<Sandbox> sandbox_;
  std::vector<std::unique_ptr<OpSource>> sources_;
};

Errc check_settings(ScenarioRaceSettings& settings, std::string* reason) {
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
    // Not of so much time: a seed is to do the same again on a machine that is slower.
    if (settings.ops != 0 && settings.ops_per_round == 0) settings.ops_per_round = kRoundOps;
  }
  if (settings.threads == 0 || settings.threads > kMaxScenarioThreads)
    return refuse("threads: 1 to 64");
  if (settings.duration_ns == 0 && settings.ops == 0 && settings.rounds == 0)
    settings.duration_ns = kDefaultDurationNs;
  return Errc::kOk;
}

}  // namespace

Errc run_race(const ScenarioRaceSettings& asked, RaceControl& control, RaceResult& result,
              std::string* reason) {
  ScenarioRaceSettings settings = asked;
  if (const Errc error = check_settings(settings, reason); error != Errc::kOk) return error;
  try {
    ScenarioGround ground(settings, reason);
    return run_race_on(ground, settings, control, result);
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
