// What an audit finds, whatever it looked at: one kind of row.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "engine/audit/invariants.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// No page: what stands where a pfn was looked for and there is none.
inline constexpr Pfn kNoPfn{~std::uint64_t{0}};

enum class PlaceKind : std::uint8_t { kNowhere, kPage, kSwapSlot, kAddress, kList };
inline constexpr std::array<std::string_view, 5> kPlaceKindNames = {"nowhere", "page", "swap-slot",
                                                                    "address", "list"};

/// Where something does not hold.
struct AuditPlace {
  PlaceKind kind = PlaceKind::kNowhere;
  std::uint64_t at = 0;       // pfn, swap slot or address
  std::uint64_t process = 0;  // of an address: its place among those that were audited, or its id
  std::string_view list;      // of a list: what the kernel calls it

  static constexpr AuditPlace nowhere() { return {}; }
  static constexpr AuditPlace page(Pfn pfn) { return {PlaceKind::kPage, pfn.value, 0, {}}; }
  static constexpr AuditPlace swap_slot(std::uint64_t slot) {
    return {PlaceKind::kSwapSlot, slot, 0, {}};
  }
  static constexpr AuditPlace address(std::uint64_t process, std::uint64_t address) {
    return {PlaceKind::kAddress, address, process, {}};
  }
  /// `name` must stay, as a constant does.
  static constexpr AuditPlace of_list(std::string_view name) {
    return {PlaceKind::kList, 0, 0, name};
  }
  /// kNoPfn where it is none.
  constexpr Pfn pfn() const { return kind == PlaceKind::kPage ? Pfn{at} : kNoPfn; }

  friend bool operator==(const AuditPlace&, const AuditPlace&) = default;
};

struct AuditRow {
  Invariant invariant = Invariant::kRefcountAccounted;
  AuditPlace place;
  std::string field;  // the word or count that is compared
  std::uint64_t expected = 0, found = 0;
  std::string explanation;  // who accounts for what was expected
};

/// `refcount-accounted at page 5 _refcount: expected 1, found 1024 (…)`.
std::string row_text(const AuditRow& row);

struct AuditReport {
  std::vector<AuditRow> rows;    // the first ones: by pfn, of the lists, of the machine
  std::uint64_t rows_total = 0;  // found in all
  std::array<std::uint64_t, kInvariants> by_invariant{};
  std::uint64_t pages = 0;  // descriptors looked at
  /// Facts that this box cannot know, in words.
  std::vector<std::string_view> unknown;

  bool clean() const { return rows_total == 0; }
  void clear();
};

inline constexpr std::size_t kAuditRows = 64;

/// Takes the rows of an audit: counts all of them and keeps the first.
class AuditSink {
 public:
  AuditSink(AuditReport& report, std::size_t max_rows) : report_(report), max_rows_(max_rows) {}

  /// `why`: a text, or a function that makes one and is called only for a row that is kept.
  template <class Why>
  void add(Invariant invariant, AuditPlace place, std::string_view field, std::uint64_t expected,
           std::uint64_t found, Why&& why) {
    ++report_.rows_total;
    ++report_.by_invariant[static_cast<unsigned>(invariant)];
    if (report_.rows.size() >= max_rows_) return;
    AuditRow& row = report_.rows.emplace_back();
    row.invariant = invariant;
    row.place = place;
    row.field = field;
    row.expected = expected;
    row.found = found;
    if constexpr (requires { why(); })
      row.explanation = why();
    else
      row.explanation = why;
  }

 private:
  AuditReport& report_;
  std::size_t max_rows_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
