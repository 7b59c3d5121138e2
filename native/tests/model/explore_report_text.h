// What tests of whole explorations say of themselves.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "explore/explore.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Schedules of each case; PAGEBOX_SCHEDULES overrides it.
inline std::uint64_t schedules_of_case(std::uint64_t otherwise) {
  const char* given = std::getenv("PAGEBOX_SCHEDULES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

inline std::string text_of(const ExploreReport& report) {
  std::string text;
  for (const Finding& finding : report.first) {
    text += "run " + std::to_string(finding.run) + ": " +
            std::string(outcome_name(finding.outcome)) + " " + finding.text + "\n";
    for (const std::string& line : finding.trace) text += "  " + line + "\n";
  }
  return text;
}

}  // namespace pagebox::inline PAGEBOX_ENV
