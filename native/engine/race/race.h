// The race engine for pins: threads of the system on one box, real atomics, full
// speed. A round ends in a barrier and an audit against the exact ledger.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/stop_ask.h"
#include "engine/audit/audit.h"
#include "engine/race/histogram.h"
#include "engine/race/pin_op.h"
#include "engine/scenario/pattern.h"
#include "page/setup.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::uint64_t kDefaultDurationNs = 1'000'000'000;
/// Without a number of operations a round is a slice of time: an audit between them
/// finds a fault while its causes are near.
inline constexpr std::uint64_t kRoundNs = 250'000'000;

class Box;

inline constexpr unsigned kMaxThreads = 256;

struct RaceSettings {
  unsigned threads = 1;
  std::uint64_t seed = 1;
  std::array<std::uint32_t, kPinOps> mix{1};  // weight of each PinOp
  Pattern pattern = Pattern::kRandom;
  Pfn first;
  std::uint64_t pages = 0;  // 0: all RAM behind `first`
  /// What every whole folio of the box is made before the race begins.
  std::optional<PageSetup> setup;
  // Whatever comes first ends the race; with none of them, one second.
  std::uint64_t duration_ns = 0;
  std::uint64_t ops = 0;  // of each thread
  std::uint64_t rounds = 0;
  std::uint64_t ops_per_round = 0;  // of each thread; 0: about a quarter of a second's
  bool audit_rounds = true;
  bool affinity = false;  // thread i on core i
};

/// Shared by a race and whoever watches it, from any thread, at any time.
class RaceControl {
 public:
  void stop() { stop_.store(1); }
  bool stopped() const { return stop_.load(atomics::kRelaxed) != 0; }
  StopAsk stop_ask() const {
    return {[](const void* self) { return static_cast<const RaceControl*>(self)->stopped(); },
            this};
  }
  /// Operations so far, of all threads; grows by chunks.
  std::uint64_t ops() const { return ops_.load(atomics::kRelaxed); }
  std::uint64_t rounds() const { return rounds_.load(atomics::kRelaxed); }

  // For the race itself.
  void add_ops(std::uint64_t ops) { ops_.fetch_add(ops); }
  void add_round() { rounds_.fetch_add(1); }

 private:
  Atomic<std::uint32_t> stop_;
  Atomic<std::uint64_t> ops_, rounds_;
};

struct OpFailure {
  Errc error = Errc::kOk;
  std::uint64_t count = 0;
};

struct OpResult {
  std::uint64_t ops = 0;      // tried; failures are among them
  std::uint64_t retries = 0;  // attempts beyond the first
  /// By errno. Operations that failed together in one batch count as the first one's.
  std::vector<OpFailure> failures;
  Histogram latency;  // 1 in 256

  void fail(Errc error, std::uint64_t count);
  void merge(const OpResult& other);
};

using OpResults = std::array<OpResult, kPinOps>;

enum class StoppedBy : std::uint8_t { kTime, kOps, kRounds, kAbort, kAudit, kLivelock };
/// "time", "ops", "rounds", "abort", "audit", "livelock"
std::string_view stopped_by_name(StoppedBy by);

struct RaceResult {
  StoppedBy stopped_by = StoppedBy::kTime;
  std::uint64_t ns = 0;  // between barriers: audits are not in it
  std::uint64_t rounds = 0;
  std::vector<std::unique_ptr<OpResults>> threads;
  std::unique_ptr<OpResults> total;
  AuditReport audit;  // of the round that ended the race
};

/// Runs a race in threads of its own and returns when it is over; what threads still
/// hold at the end is released. kInval: a setting out of range (`reason` names it);
/// kBusy: the box has another run; kBadF: it is closed; kNoThread: no threads; kCanceled: it was
/// told to stop before it began; as Box::setup.
/// `reserved`: the gate is (BoxGate::reserve_exclusive), and opens whatever comes.
Errc run_race(Box& box, const RaceSettings& settings, RaceControl& control, RaceResult& result,
              std::string* reason = nullptr, bool reserved = false);

}  // namespace pagebox::inline PAGEBOX_ENV
