// A race on a box that is its user's: steps on its pages, drawn from a mix. The box stays
// from round to round, with what threads hold of it.
#include <algorithm>
#include <new>

#include "engine/race/race_ground.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Of what is given back, beside the streams of a pattern and a mix.
std::uint64_t kept_seed(std::uint64_t seed) {
  std::uint64_t state = seed + 1;
  return splitmix64(state);
}

/// A function of (seed, thread) alone: what is drawn does not depend on the race.
class PinMix final : public OpSource {
 public:
  PinMix(const RaceSettings& settings, unsigned thread, const ZipfTable* zipf)
      : rng_(mix_rng(settings.seed, thread)),
        stream_(settings.pattern, settings.first, settings.pages, settings.seed, thread,
                settings.threads, zipf) {
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < kPinOps; ++i) {
      if (settings.mix[i] == 0) continue;
      const auto step = static_cast<PinOp>(i);
      if (step != PinOp::kPin && step != PinOp::kUnpin) keeps_ = false;
      steps_[kinds_] = step;
      reach_[kinds_++] = sum += settings.mix[i];
    }
    pairs_ =
        kinds_ == 1 && (steps_[0] == PinOp::kPinUnpin || steps_[0] == PinOp::kSpeculativeUnpin);
  }

  bool next(Op& /*op*/) override { return false; }
  void next_chunk(PageChunk& chunk, std::size_t limit) override {
    chunk.size = std::min(limit, PageChunk::kMax);
    chunk.uniform = kinds_ == 1;
    chunk.keeps = keeps_;
    if (pairs_ && stream_.is_range())
      chunk.range = stream_.take(chunk.size);
    else
      fill(chunk);
    if (chunk.uniform)
      chunk.steps[0] = steps_[0];
    else
      draw(std::span(chunk.steps).first(chunk.size));
  }

 private:
  /// With the next ones behind it.
  void fill(PageChunk& chunk) {
    chunk.readable = chunk.size + kPrefetchPages;
    std::copy_n(ahead_.begin(), known_, chunk.pfns.begin());
    stream_.fill(std::span(chunk.pfns).subspan(known_, chunk.readable - known_));
    known_ = kPrefetchPages;
    std::copy_n(chunk.pfns.begin() + static_cast<std::ptrdiff_t>(chunk.size), known_,
                ahead_.begin());
  }
  /// Without a branch that depends on what is drawn.
  void draw(std::span<PinOp> steps) {
    Rng rng = rng_;
    for (PinOp& step : steps) {
      const auto at = static_cast<std::uint32_t>(rng.below(reach_[kinds_ - 1]));
      unsigned which = at >= reach_[0] ? 1 : 0;
      for (unsigned i = 1; i + 1 < kinds_; ++i) which += at >= reach_[i] ? 1 : 0;
      step = steps_[which];
    }
    rng_ = rng;
  }

  Rng rng_;
  PatternStream stream_;
  std::array<std::uint32_t, kPrefetchPages> ahead_{};
  std::size_t known_ = 0;                       // of these
  std::array<PinOp, kPinOps> steps_{};          // what the mix has
  std::array<std::uint32_t, kPinOps> reach_{};  // sums of their weights
  unsigned kinds_ = 0;
  bool pairs_ = false, keeps_ = true;
};

class BoxGround final : public RaceGround {
 public:
  BoxGround(Box& box, const RaceSettings& settings)
      : box_(box), audit_rounds_(settings.audit_rounds), auditor_(box) {
    if (settings.pattern == Pattern::kZipf) zipf_ = std::make_unique<ZipfTable>(settings.pages);
    for (unsigned i = 0; i < settings.threads; ++i) {
      sources_.push_back(std::make_unique<PinMix>(settings, i, zipf_.get()));
      // What is held depends on the race, so its chances are its own.
      threads_.push_back(std::make_unique<PageThread>(box, i % box.settings().shards, true,
                                                      Pages::kStay, kept_seed(settings.seed) + i));
    }
  }

  std::span<const std::string_view> names() const override { return kPinOpNames; }
  Slots slots_of(PinOp step) const override {
    return {static_cast<unsigned>(step), static_cast<unsigned>(step)};
  }
  unsigned ops_of_step() const override { return 1; }
  bool rounds_by_time() const override { return true; }
  bool stop_requested() const override { return box_.gate().stop_requested(); }

  Errc begin_round(std::uint64_t, LivelockWatch& watch, const StopAsk&) override {
    watch.watch(&box_.memmap(), 0);
    return Errc::kOk;
  }

  Errc end_round(bool last, const StopAsk& stop, RaceResult& result, bool& clean) override {
    if (!audit_rounds_ && !last) return Errc::kOk;
    return audit_entered(threads_, [&] {
      const Errc error = auditor_.run(result.audit, kAuditRows, stop);
      clean = result.audit.clean();
      return error;
    });
  }
  void end() override {
    for (const auto& thread : threads_) thread->release_all();
  }

  OpSource& source(unsigned thread) override { return *sources_[thread]; }
  PageThread& pages(unsigned thread) override { return *threads_[thread]; }
  Interpreter* interpreter(unsigned) override { return nullptr; }
  const Memmap& memmap() const override { return box_.memmap(); }

 private:
  Box& box_;
  const bool audit_rounds_;
  Auditor auditor_;
  std::unique_ptr<ZipfTable> zipf_;
  std::vector<std::unique_ptr<PinMix>> sources_;
  std::vector<std::unique_ptr<PageThread>> threads_;
};

Errc check_settings(const Box& box, RaceSettings& settings, std::string* reason) {
  const auto refuse = [reason](const char* text) {
    if (reason != nullptr) *reason = text;
    return Errc::kInval;
  };
  if (settings.threads == 0 || settings.threads > kMaxThreads) return refuse("threads: 1 to 256");
  std::uint64_t weights = 0;
  for (const std::uint32_t weight : settings.mix) weights += weight;
  if (weights == 0 || weights > 0xffffffffU)
    return refuse("mix: weights with a sum of 1 to 2^32 - 1");
  const std::uint64_t pages = box.memmap().pages();
  if (settings.first.value >= pages) return refuse("first: no such page");
  if (settings.pages == 0) settings.pages = pages - settings.first.value;
  if (settings.pages > pages - settings.first.value) return refuse("pages: beyond the last page");
  if (settings.duration_ns == 0 && settings.ops == 0 && settings.rounds == 0)
    settings.duration_ns = kDefaultDurationNs;
  return Errc::kOk;
}

/// Pages between two questions whether to stop: some milliseconds.
constexpr std::uint64_t kSetupChunk = std::uint64_t{1} << 16;

Errc set_up(Box& box, const PageSetup& setup, const RaceControl& control) {
  if (setup.order > kMaxOrder) return Errc::kInval;
  const std::uint64_t folio = std::uint64_t{1} << setup.order;
  const std::uint64_t pages = box.memmap().pages() / folio * folio;
  for (std::uint64_t at = 0; at < pages; at += kSetupChunk) {
    if (control.stopped() || box.gate().stop_requested()) return Errc::kCanceled;
    const std::uint64_t n = std::min(kSetupChunk, pages - at);
    if (const Errc error = box.setup_range(Pfn{at}, n, setup); error != Errc::kOk) return error;
  }
  return Errc::kOk;
}

}  // namespace

Errc run_race(Box& box, const RaceSettings& asked, RaceControl& control, RaceResult& result,
              std::string* reason, bool reserved) {
  const ExclusiveRun exclusive(box.gate(), reserved);
  RaceSettings settings = asked;
  if (const Errc error = check_settings(box, settings, reason); error != Errc::kOk) return error;
  if (!exclusive) return exclusive.error();
  if (settings.setup)
    if (const Errc error = set_up(box, *settings.setup, control); error != Errc::kOk) return error;
  try {
    BoxGround ground(box, settings);
    return run_race_on(ground, settings, control, result);
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
