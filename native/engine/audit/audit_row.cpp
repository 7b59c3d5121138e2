#include "engine/audit/audit_row.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string hex_of(std::uint64_t value) {
  std::string hex;
  for (std::uint64_t rest = value; rest != 0 || hex.empty(); rest >>= 4)
    hex.insert(hex.begin(), "0123456789abcdef"[rest & 15]);
  return "0x" + hex;
}

std::string place_text(const AuditPlace& place) {
  switch (place.kind) {
    case PlaceKind::kNowhere: break;
    case PlaceKind::kPage: return " at page " + std::to_string(place.at);
    case PlaceKind::kSwapSlot: return " at swap slot " + std::to_string(place.at);
    case PlaceKind::kAddress:
      return " at address " + hex_of(place.at) + " of process " + std::to_string(place.process);
    case PlaceKind::kList: return " at list " + std::string(place.list);
  }
  return {};
}

/// Counts as people read them, words as they stand in memory.
std::string value_text(std::uint64_t value) {
  constexpr std::uint64_t kCount = 4096;
  return value < kCount ? std::to_string(value) : hex_of(value);
}

}  // namespace

std::string row_text(const AuditRow& row) {
  return std::string(invariant_name(row.invariant)) + place_text(row.place) +
         (row.field.empty() ? "" : " " + row.field) + ": expected " + value_text(row.expected) +
         ", found " + value_text(row.found) +
         (row.explanation.empty() ? "" : " (" + row.explanation + ")");
}

void AuditReport::clear() {
  rows.clear();
  rows_total = 0;
  by_invariant = {};
  pages = 0;
  unknown.clear();
}

}  // namespace pagebox::inline PAGEBOX_ENV
