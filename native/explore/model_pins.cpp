#include "explore/model_pins.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/rng.h"
#include "explore/strategies/random.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

enum class PinStep : std::uint8_t {
  kPinUnpin,
  kPin,
  kUnpin,
  kGetPut,
  kGet,
  kReferencedUnpin,
  kQuery,
  kIsolatePutback,
  kRelease,
};
constexpr unsigned kSteps = 9;

/// Lies outside the fibers' stacks, which an abandoned run never unwinds.
struct Holdings {
  std::array<std::uint8_t, kMaxModelFolios> pins{}, refs{};
};

class PinsModel {
 public:
  PinsModel(Box& box, const ModelPinsSettings& settings)
      : box_(box),
        settings_(settings),
        kernel_(box.scheme().kernel()),
        frame_(box.scheme().frame()),
        pages_(std::uint64_t{settings.folios} << settings.order),
        auditor_(box) {
    for (unsigned i = 0; i < settings.threads; ++i) {
      arguments_[i] = {this, i};
      bodies_[i] = {[](void* at) {
                      const auto* argument = static_cast<Argument*>(at);
                      argument->model->run_thread(argument->thread);
                    },
                    &arguments_[i]};
    }
  }

  std::span<const FiberBody> bodies() const { return {bodies_.data(), settings_.threads}; }

  /// Microseconds: only what the few pages of a run can have changed.
  Errc reset(std::uint64_t run) {
    run_ = run;
    false_negative_ = refused_unpin_ = kNone;
    held_ = {};
    std::memset(box_.memmap().base(), 0, pages_ * box_.memmap().shape().stride_bytes);
    box_.accounts().reset(Pfn{0}, Pfn{pages_});
    box_.zone().reset();
    if (frame_.side_table != nullptr) std::fill_n(frame_.side_table, pages_, 0U);
    if (frame_.shards != nullptr)
      for (std::uint32_t i = 0; i < frame_.shard_count; ++i)
        std::fill_n(frame_.shards[i], pages_, ShardedCount{});
    PageSetup setup;
    setup.type = settings_.type;
    setup.order = settings_.order;
    return box_.setup_range(Pfn{0}, pages_, setup);
  }

  /// The first row, if the descriptors are not as they must be.
  bool check(ModelViolation& violation) {
    if (false_negative_ != kNone) {
      violation.row = {Invariant::kMaybePinnedSound,
                       AuditPlace::page(Pfn{false_negative_}),
                       "pins",
                       1,
                       0,
                       "asked while the thread that asks holds a pin"};
      return false;
    }
    if (refused_unpin_ != kNone) {
      violation.row = {Invariant::kUnpinAccepted,
                       AuditPlace::page(Pfn{refused_unpin_}),
                       "pins",
                       1,
                       0,
                       "refused to the thread that held the pin"};
      return false;
    }
    enter(true);
    const Errc error = auditor_.run(report_, 1);
    enter(false);
    if (error != Errc::kOk || report_.clean()) return true;
    violation.row = report_.rows.front();
    return false;
  }

  std::uint64_t hash_words(std::uint64_t hash) const {
    const std::byte* at = box_.memmap().base();
    const std::uint64_t bytes = pages_ * box_.memmap().shape().stride_bytes;
    for (std::uint64_t i = 0; i + 8 <= bytes; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + i, 8);
      hash = add_to_hash(hash, word);
    }
    return hash;
  }

 private:
  struct Argument {
    PinsModel* model;
    unsigned thread;
  };
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  void run_thread(unsigned thread) {
    const std::uint64_t program =
        settings_.schedules_each == 0 ? 0 : run_ / settings_.schedules_each;
    Rng rng = Rng::stream(add_to_hash(settings_.workload_seed, program), thread);
    for (unsigned i = 0; i < settings_.ops; ++i) {
      const auto step = static_cast<PinStep>(rng.below(kSteps));
      const auto folio = static_cast<unsigned>(rng.below(settings_.folios));
      // Any page of the folio: a pin of a tail goes to the head.
      const Pfn pfn{(std::uint64_t{folio} << settings_.order) + rng.below(1U << settings_.order)};
      do_step(step, folio, pfn, thread);
    }
  }

  void do_step(PinStep step, unsigned folio, Pfn pfn, unsigned thread) {
    auto& pins = held_[thread].pins[folio];
    auto& refs = held_[thread].refs[folio];
    switch (step) {
      case PinStep::kPinUnpin:
        if (kernel_.try_pin(frame_, pfn.value, 1, thread) == Errc::kOk) unpin(pfn, thread);
        break;
      case PinStep::kPin:
        if (kernel_.try_pin(frame_, pfn.value, 1, thread) == Errc::kOk) ++pins;
        break;
      case PinStep::kUnpin:
        if (pins == 0) break;
        --pins;
        unpin(pfn, thread);
        break;
      case PinStep::kGetPut:
        if (box_.get(pfn) == Errc::kOk) (void)box_.put(pfn);
        break;
      case PinStep::kGet:
        if (box_.get(pfn) == Errc::kOk) ++refs;
        break;
      case PinStep::kReferencedUnpin:
        if (pins == 0 && refs == 0) break;  // slow GUP needs something to hold the page
        if (kernel_.pin(frame_, pfn.value, 1, thread) == Errc::kOk) unpin(pfn, thread);
        break;
      case PinStep::kQuery:
        if (!kernel_.maybe_pinned(frame_, pfn.value) && pins != 0) false_negative_ = pfn.value;
        break;
      case PinStep::kIsolatePutback:
        if (const auto taken = box_.isolate(pfn); taken && taken.value) (void)box_.putback(pfn);
        break;
      case PinStep::kRelease: (void)box_.release(pfn); break;
    }
  }

  void unpin(Pfn pfn, unsigned thread) {
    const auto last = kernel_.unpin(frame_, pfn.value, 1, thread);
    if (!last) refused_unpin_ = pfn.value;
    if (!last || !last.value) return;
    if (const auto head = box_.head_of(pfn)) box_.free_page(head.value);
  }

  /// What the fibers hold at the end, into the ledger or out of it. References are in
  /// the accounts already: get() put them there.
  void enter(bool in) {
    for (unsigned thread = 0; thread < settings_.threads; ++thread) {
      for (unsigned folio = 0; folio < settings_.folios; ++folio) {
        const std::uint32_t pins = held_[thread].pins[folio];
        const Pfn head{std::uint64_t{folio} << settings_.order};
        if (pins == 0) continue;
        if (in)
          (void)box_.ledger()->add(thread, head, pins);
        else
          (void)box_.ledger()->remove(thread, head, pins);
      }
    }
  }

  Box& box_;
  const ModelPinsSettings& settings_;
  const PinKernel& kernel_;
  const PinFrame& frame_;
  const std::uint64_t pages_;
  std::uint64_t run_ = 0, false_negative_ = kNone, refused_unpin_ = kNone;
  std::array<Holdings, kMaxModelThreads> held_{};
  std::array<Argument, kMaxModelThreads> arguments_{};
  std::array<FiberBody, kMaxModelThreads> bodies_{};
  Auditor auditor_;
  AuditReport report_;
};

Finding finding_of(const ModelViolation& violation) {
  Finding finding;
  finding.run = violation.run;
  finding.schedule_hash = violation.schedule_hash;
  finding.outcome = violation.end;
  if (violation.end != Outcome::kClean) return finding;
  finding.outcome = Outcome::kViolation;
  finding.invariant = invariant_name(violation.row.invariant);
  finding.where = violation.row.place.at;
  finding.expected = violation.row.expected;
  finding.found = violation.row.found;
  return finding;
}

}  // namespace

Errc explore_pins(const ModelPinsSettings& settings, ModelReport& report, std::string* reason) {
  namespace limits = explore_limits;
  const auto out_of = [reason](std::uint64_t value, const ExploreLimit& limit) {
    if (value >= limit.min && value <= limit.max) return false;
    if (reason != nullptr)
      *reason = std::string(limit.name) + ": " + std::to_string(limit.min) + " to " +
                std::to_string(limit.max);
    return true;
  };
  if (out_of(settings.threads, limits::kPinThreads) || out_of(settings.ops, limits::kPinOps) ||
      out_of(settings.folios, limits::kPinFolios) || out_of(settings.order, limits::kPinOrder))
    return Errc::kInval;
  if (const Fit fit = scheme_fits(settings.scheme, settings.layout); !fit) {
    if (reason != nullptr) *reason = fit.why;
    return Errc::kRefused;
  }

  BoxSettings of_box;
  of_box.layout = settings.layout;
  of_box.scheme = settings.scheme;
  of_box.behaviour = settings.behaviour;
  of_box.pages = std::uint64_t{settings.folios} << settings.order;
  of_box.shards = settings.threads;
  report = {};
  std::vector<std::uint64_t> hashes;
  hashes.reserve(std::min<std::uint64_t>(settings.schedules, kMaxScheduleHashes));
  std::shared_ptr<Box> box;
  std::unique_ptr<PinsModel> model;
  ModelRunner runner;
  RandomStrategy strategy(settings.seed);
  for (std::uint64_t i = 0; i < settings.schedules; ++i) {
    if (settings.stop != nullptr && *settings.stop != 0) break;
    if (model == nullptr) {
      if (const Errc error = Box::create(of_box, box); error != Errc::kOk) return error;
      model = std::make_unique<PinsModel>(*box, settings);
    }
    const std::uint64_t run = settings.first_run + i;
    if (const Errc error = model->reset(run); error != Errc::kOk) return error;
    strategy.begin(run);
    const RunOutcome outcome = runner.run(model->bodies(), strategy);
    strategy.end(outcome);

    ++report.schedules;
    if (settings.watcher != nullptr && report.schedules % 64 == 0)
      settings.watcher->progress(report.schedules, 0, -1);
    report.steps += outcome.steps;
    report.hash = model->hash_words(add_to_hash(report.hash, outcome.schedule_hash));
    if (hashes.size() < kMaxScheduleHashes) hashes.push_back(outcome.schedule_hash);
    ModelViolation violation;
    violation.end = outcome.end;
    if (outcome.end == Outcome::kClean && model->check(violation)) continue;
    ++report.violations;
    violation.run = run;
    violation.schedule_hash = outcome.schedule_hash;
    if (report.first.size() < kMaxViolations) {
      report.first.push_back(violation);
      if (settings.watcher != nullptr) settings.watcher->found(finding_of(violation));
    }
    if (outcome.end != Outcome::kClean) model.reset();  // abandoned fibers may hold locks
  }
  std::sort(hashes.begin(), hashes.end());
  report.distinct =
      static_cast<std::uint64_t>(std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
