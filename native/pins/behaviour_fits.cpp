#include "pins/behaviour_fits.h"

#include "page/needs.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

Layout with_rules(const Layout& layout, KernelRules rules) {
  Layout other = layout;
  other.era.rules = rules;
  return other;
}

std::string schemes_with(Quirk quirk) {
  std::string names;
  for (const SchemeSpec& scheme : builtin_schemes())
    if (scheme.quirks.has(quirk)) names += (names.empty() ? "" : ", ") + quoted(scheme.name);
  return names;
}

}  // namespace

Fit rules_fit(KernelRules rules, const Layout& layout) {
  if (std::string missing = rules_missing(rules); !missing.empty()) return {std::move(missing)};
  if (!layout_lacks(layout, LayoutUse::kMemoryManagement).empty()) return {};
  const Layout ruled = with_rules(layout, rules);
  if (const std::string lack = layout_lacks(ruled, LayoutUse::kMemoryManagement); !lack.empty())
    return {"rules " + quoted(name_of_rules(rules)) + " do not fit the layout " + lack};
  return {};
}

Fit quirk_fits(Quirk quirk, const SchemeSpec& scheme, const Layout& layout, KernelRules rules) {
  const QuirkInfo& row = quirk_table()[static_cast<unsigned>(quirk)];
  const std::string name = quoted(row.name);
  if (row.room == QuirkRoom::kPins) {
    if (scheme.quirks.has(quirk)) return {};
    return {"scheme " + quoted(scheme.name) + " cannot show " + name + ": that is a defect of " +
            schemes_with(quirk)};
  }
  const Layout ruled = with_rules(layout, rules);
  for (const LayoutUse use : {LayoutUse::kMemoryManagement, LayoutUse::kDevices}) {
    if (use == LayoutUse::kDevices && row.room != QuirkRoom::kDevices) continue;
    if (const std::string lack = layout_lacks(ruled, use); !lack.empty())
      return {name + " is a defect of machines, which this layout does not make: " + lack};
  }
  if (row.needs && rules.has(row.needs->rule) != row.needs->is) {
    const RuleInfo& rule = kernel_rules()[static_cast<unsigned>(row.needs->rule)];
    std::string lack = name + " cannot show under rules ";
    lack.append(quoted(name_of_rules(rules))).append(": it needs them ");
    lack.append(row.needs->is ? "with " : "without ").append(quoted(rule.name));
    return {std::move(lack)};
  }
  return {};
}

Fit behaviour_fits(const Behaviour& behaviour, const SchemeSpec& scheme, const Layout& layout) {
  if (behaviour.rules)
    if (Fit fit = rules_fit(*behaviour.rules, layout); !fit) return fit;
  const KernelRules rules = behaviour.rules.value_or(layout.era.rules);
  for (const QuirkInfo& row : quirk_table())
    if (behaviour.quirks.has(row.quirk))
      if (Fit fit = quirk_fits(row.quirk, scheme, layout, rules); !fit) return fit;
  return {};
}

}  // namespace pagebox::inline PAGEBOX_ENV
