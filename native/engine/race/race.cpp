#include "engine/race/race.h"

#include <algorithm>
#include <new>

#include "base/barrier.h"
#include "base/host/threads.h"
#include "engine/box/box.h"
#include "engine/race/clock.h"
#include "engine/race/race_worker.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// One line a thread, since each counts in its own.
struct alignas(64) RoundShare {
  std::uint64_t done = 0;  // operations since the race began
  Errc error = Errc::kOk;  // of entering the holdings
};

class Race {
 public:
  Race(Box& box, const RaceSettings& settings, RaceControl& control, RaceResult& result)
      : box_(box),
        settings_(settings),
        control_(control),
        result_(result),
        auditor_(box),
        barrier_(settings.threads),
        shares_(settings.threads) {
    if (settings.pattern == Pattern::kZipf) zipf_ = std::make_unique<ZipfTable>(settings.pages);
    for (unsigned i = 0; i < settings.threads; ++i)
      workers_.push_back(std::make_unique<RaceWorker>(box, settings, i, zipf_.get()));
  }

  Errc run() {
    const Errc error = run_threads(
        settings_.threads, [this](unsigned thread) { run_thread(thread); },
        settings_.affinity ? 0 : -1, [this] { barrier_.abandon(); });
    if (error != Errc::kOk) return error;
    result_.total = std::make_unique<OpResults>();
    for (const auto& worker : workers_) {
      result_.threads.push_back(std::make_unique<OpResults>(worker->results()));
      for (unsigned op = 0; op < kPinOps; ++op) (*result_.total)[op].merge(worker->results()[op]);
    }
    return error_;
  }

 private:
  void run_thread(unsigned thread) {
    RaceWorker& worker = *workers_[thread];
    const bool leads = thread == 0;
    if (leads) begin_ns_ = now_ns();
    for (;;) {
      if (leads) begin_round();
      if (!barrier_.wait()) return;
      run_round(worker, shares_[thread]);
      shares_[thread].error = worker.enter_holdings();
      barrier_.wait();
      if (leads) end_round();
      barrier_.wait();
      worker.withdraw_holdings();
      if (over_) break;
    }
    worker.release_holdings();
  }

  void begin_round() { round_begin_ns_ = now_ns(); }

  void run_round(RaceWorker& worker, RoundShare& share) {
    std::uint64_t left = settings_.ops_per_round != 0 ? settings_.ops_per_round : ~std::uint64_t{0};
    if (settings_.ops != 0) left = std::min(left, settings_.ops - share.done);
    const std::uint64_t round_end =
        settings_.ops_per_round != 0 ? ~std::uint64_t{0} : round_begin_ns_ + kRoundNs;
    const std::uint64_t end_ns = std::min(round_end, deadline_ns());
    while (left != 0 && !stop_requested()) {
      const auto chunk =
          static_cast<std::size_t>(std::min<std::uint64_t>(left, RaceWorker::kChunk));
      worker.run_chunk(chunk);
      left -= chunk;
      share.done += chunk;
      control_.add_ops(chunk);
      if (end_ns != ~std::uint64_t{0} && now_ns() >= end_ns) break;
    }
  }

  /// Alone between two barriers.
  void end_round() {
    const std::uint64_t now = now_ns();
    result_.ns += now - round_begin_ns_;
    ++result_.rounds;
    control_.add_round();
    for (const RoundShare& share : shares_)
      if (share.error != Errc::kOk) error_ = share.error;

    const auto ends = [this](StoppedBy by) {
      result_.stopped_by = by;
      over_ = true;
    };
    if (stop_requested())
      ends(StoppedBy::kAbort);
    else if (settings_.ops != 0 && std::all_of(shares_.begin(), shares_.end(), [this](auto& share) {
               return share.done >= settings_.ops;
             }))
      ends(StoppedBy::kOps);
    else if (settings_.rounds != 0 && result_.rounds >= settings_.rounds)
      ends(StoppedBy::kRounds);
    else if (now >= deadline_ns())
      ends(StoppedBy::kTime);
    if (error_ != Errc::kOk) over_ = true;

    if (error_ == Errc::kOk && (settings_.audit_rounds || over_)) {
      error_ = auditor_.run(result_.audit, kAuditRows, stop_ask());
      if (error_ != Errc::kOk) over_ = true;
      if (stop_requested()) ends(StoppedBy::kAbort);
      if (!result_.audit.clean()) ends(StoppedBy::kAudit);
    }
  }

  std::uint64_t deadline_ns() const {
    return settings_.duration_ns == 0 ? ~std::uint64_t{0} : begin_ns_ + settings_.duration_ns;
  }
  bool stop_requested() const { return control_.stopped() || box_.gate().stop_requested(); }
  StopAsk stop_ask() const {
    return {[](const void* self) { return static_cast<const Race*>(self)->stop_requested(); },
            this};
  }

  Box& box_;
  const RaceSettings& settings_;
  RaceControl& control_;
  RaceResult& result_;
  Auditor auditor_;
  Barrier barrier_;
  std::vector<RoundShare> shares_;
  std::unique_ptr<ZipfTable> zipf_;
  std::vector<std::unique_ptr<RaceWorker>> workers_;
  // Written by thread 0 before a barrier, read by all after it.
  std::uint64_t begin_ns_ = 0, round_begin_ns_ = 0;
  bool over_ = false;
  Errc error_ = Errc::kOk;
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
    result = {};
    return Race(box, settings, control, result).run();
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
