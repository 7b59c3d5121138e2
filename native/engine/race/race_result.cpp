#include "engine/race/race.h"

namespace pagebox::inline PAGEBOX_ENV {

void OpResult::fail(Errc error, std::uint64_t count) {
  for (OpFailure& failure : failures) {
    if (failure.error == error) {
      failure.count += count;
      return;
    }
  }
  failures.push_back({error, count});
}

void OpResult::merge(const OpResult& other) {
  ops += other.ops;
  retries += other.retries;
  for (const OpFailure& failure : other.failures) fail(failure.error, failure.count);
  latency.merge(other.latency);
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
