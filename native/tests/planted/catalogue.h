// Which exploration must find which planted fault, and within how many schedules.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/fault.h"
#include "engine/audit/invariants.h"

namespace pagebox::testing {

struct Entry {
  Mistake fault{};
  std::string_view course;
  std::uint64_t budget = 0;  // schedules; of courses of tests: none, they have their own
  /// A blind spot of the audit: what is armed beside it, and the row that this gives.
  std::optional<Mistake> damage = {};  // NOLINT(readability-redundant-member-init)
  Invariant row{};
};

/// Each fault once; a program that lacks one does not compile.
std::span<const Entry> catalogue();
/// Null: no such fault.
std::optional<Mistake> fault_named(std::string_view name);

std::string_view name_of(Mistake mistake);
std::string_view room_of(Mistake mistake);

}  // namespace pagebox::testing
