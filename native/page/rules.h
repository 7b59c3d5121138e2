// What memory management does where kernel versions differ: a table of rules, each
// with the behaviour before and since a version. Layouts say what words mean; which
// of the two behaviours holds, the machine's set of rules does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Rule : std::uint8_t {
  kAnonExclusive,
  kHmmFreeAtZero,
  kDaxFreeAtZero,
  kDaxEntriesCounted,
  kDeviceFaultLocks,
  kExclusiveOneKind,
  kExclusiveKeepsMapping,
  kExclusiveClean,
  kExclusivePageByPage,
  kExclusiveSplitsHuge,
  kHolesReadOnly,
  kMirrorChunks,
  kEntriesHaveNoDirt,
  kMremapMovesAll,
  kSwapinThroughCache,
  kHugeZeroGetsHuge,
  kHugePartMigrates,
  kHugeMigratesWhole,
  kHugePartTakenOver,
  kEmptyTablesFreed,
};
inline constexpr unsigned kRules = 20;

struct KernelVersion {
  std::uint8_t major = 0, minor = 0;
  constexpr auto operator<=>(const KernelVersion&) const = default;
};

/// A set of rules, one bit each: set where the newer behaviour holds.
struct KernelRules {
  std::uint64_t bits = 0;
  constexpr bool operator==(const KernelRules&) const = default;
  constexpr bool has(Rule rule) const { return (bits >> static_cast<unsigned>(rule) & 1U) != 0; }
  constexpr KernelRules with(Rule rule, bool on = true) const {
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(rule);
    return {on ? bits | bit : bits & ~bit};
  }
};

struct RuleInfo {
  Rule rule;
  std::string_view name;
  KernelVersion since;        // of the newer behaviour
  std::string_view meaning;   // what the rule is about
  std::string_view before;    // until then
  std::string_view after;     // since then
  std::string_view source;    // commit or document
  bool after_exists = true;   // pagebox has the newer behaviour
  bool before_exists = true;  // and the older one; if not, older kernels get the newer
};
/// In the order of Rule.
std::span<const RuleInfo, kRules> kernel_rules();

struct RuleSet {
  std::string_view name;  // "v6.12"
  KernelVersion version;
  KernelRules rules;
};
/// The kernels that a machine can be told to behave as, oldest first.
std::span<const RuleSet> rule_sets();
/// Null: no such set.
const RuleSet* find_rules(std::string_view name);
/// A kernel, with single rules newer (`+name`) or older (`~name`) than it has them:
/// "v6.12", "v6.12+mirror-chunks", "v7.2~huge-migrates-whole". None: not so written, or no
/// such kernel or rule.
std::optional<KernelRules> parse_rules(std::string_view text);
/// The set of that kernel; it is in the table.
KernelRules rules_of(std::string_view name);

/// As parse_rules() takes it, from the nearest kernel on: "v6.12+dax-free-at-zero".
std::string name_of_rules(KernelRules rules);

/// Why a machine cannot have these rules: the behaviours that do not exist in pagebox yet,
/// by name. Empty: it can.
std::string rules_missing(KernelRules rules);
/// The same rules with what pagebox has of them: a behaviour that does not exist yet is the
/// other one. What a layout of that kernel behaves as unless the machine is told.
KernelRules rules_at_hand(KernelRules rules);

}  // namespace pagebox::inline PAGEBOX_ENV
