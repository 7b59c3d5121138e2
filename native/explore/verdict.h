// What is found of a machine whose threads are all done: what comes after them, the audits
// with everybody alive and when all have exited, and what its words and results are told
// apart by.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/model/outcome.h"
#include "engine/audit/audit_row.h"
#include "engine/box/sandbox.h"
#include "explore/explore.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Lines of a trace: a repeat may make any number.
inline constexpr std::size_t kMostNotes = std::size_t{1} << 13;

/// Of results, for who tells runs apart.
std::uint64_t hash_record(std::uint64_t hash, const OpRecord& record);

struct Verdict {
  Outcome outcome = Outcome::kClean;
  std::string text;
  std::optional<AuditRow> row;
  std::uint64_t words = 0;  // of the descriptors in use, and what came after
  std::vector<OpRecord> after;
  std::vector<PageFields> fields;
};
/// Takes the machine to its end. `trace` may be null; else it is told what comes after. Under a
/// LivelockWatch.
Verdict judge(Sandbox& sandbox, const ExploreSettings& settings, std::vector<std::string>* trace);

}  // namespace pagebox::inline PAGEBOX_ENV
