// The tables of rules, quirks and options, and who may have what of them.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "page/behaviour.h"
#include "page/layout.h"
#include "page/memmap.h"
#include "pins/behaviour_fits.h"
#include "pins/registry.h"

namespace pagebox::testing {
namespace {

TEST(Rules, EachKernelHasWhatItsVersionSays) {
  for (const RuleSet& set : rule_sets())
    for (const RuleInfo& rule : kernel_rules())
      EXPECT_EQ(set.rules.has(rule.rule), rule.since <= set.version || !rule.before_exists)
          << set.name << " " << rule.name;
  EXPECT_EQ(find_rules("v5.10"), nullptr);
}

TEST(Rules, SingleOnesAreNewerOrOlderThanAKernelHasThem) {
  const KernelRules base = rules_of("v6.12");
  EXPECT_EQ(parse_rules("v6.12"), base);
  EXPECT_EQ(parse_rules("v6.12+mirror-chunks~anon-exclusive"),
            base.with(Rule::kMirrorChunks).with(Rule::kAnonExclusive, false));
  for (const char* wrong : {"", "v6", "6.12", "v6.12+", "v6.12~no-such", "v6.12 +mirror-chunks",
                            "v6.12+mirror-chunks+", "+mirror-chunks"})
    EXPECT_EQ(parse_rules(wrong), std::nullopt) << wrong;
  for (const RuleSet& set : rule_sets())
    for (const RuleInfo& rule : kernel_rules()) {
      const KernelRules rules = set.rules.with(rule.rule, !set.rules.has(rule.rule));
      EXPECT_EQ(parse_rules(name_of_rules(rules)), rules);
    }
}

TEST(Rules, LayoutsHaveTheRulesOfTheirKernelAsFarAsTheyExist) {
  for (const Layout& layout : builtin_layouts()) {
    EXPECT_EQ(layout.era.rules, rules_at_hand(rules_of(layout.era.kernel))) << layout.name;
    EXPECT_EQ(rules_missing(layout.era.rules), "") << layout.name;
  }
  EXPECT_EQ(rules_at_hand(rules_of("v6.12")), rules_of("v6.12"));
}

TEST(Rules, AKernelIsRefusedByTheNamesOfWhatIsMissing) {
  EXPECT_EQ(rules_missing(rules_of("v4.20")), "");
  EXPECT_EQ(rules_missing(rules_of("v6.12")), "");
  const std::string missing = rules_missing(rules_of("v7.2"));
  for (const RuleInfo& rule : kernel_rules()) {
    const std::string name = "'" + std::string(rule.name) + "'";
    EXPECT_EQ(missing.find(name) == std::string::npos, rule.after_exists) << name;
  }
  Behaviour behaviour;
  behaviour.rules = rules_of("v7.2");
  EXPECT_FALSE(
      behaviour_fits(behaviour, *find_scheme("refcount-bias"), *find_layout("linux-6.12")));
}

TEST(Rules, RulesThatALayoutHasNoWordForAreRefused) {
  const SchemeSpec& scheme = *find_scheme("refcount-bias");
  Behaviour behaviour;
  behaviour.rules = rules_of("v6.12");
  EXPECT_TRUE(behaviour_fits(behaviour, scheme, *find_layout("linux-6.12")));
  const Fit fit = behaviour_fits(behaviour, scheme, *find_layout("linux-4.20"));
  EXPECT_NE(fit.why.find("owner_2"), std::string::npos) << fit.why;
}

TEST(Rules, TheMachineHoldsThemAndNotTheLayout) {
  std::unique_ptr<Memmap> memmap;
  Behaviour behaviour;
  behaviour.rules = rules_of("v6.12").with(Rule::kDaxFreeAtZero);
  ASSERT_EQ(Memmap::create(*find_layout("linux-6.12"), 16, 16, memmap, behaviour), Errc::kOk);
  EXPECT_TRUE(memmap->rules().has(Rule::kDaxFreeAtZero));
  EXPECT_EQ(memmap->shape().zone_device_base, 0);
  EXPECT_EQ(name_of_rules(memmap->rules()), "v6.12+dax-free-at-zero");
}

TEST(Quirks, NamesAreOneEachAndSayWhatBreaks) {
  std::set<std::string_view> names;
  for (const QuirkInfo& row : quirk_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_quirk(row.name), &row);
    EXPECT_FALSE(row.wrong.empty() || row.fix.empty() || row.invariant.empty()) << row.name;
    EXPECT_GE(row.year, 2016);
  }
}

TEST(Quirks, WhatCannotShowIsRefusedWithTheReason) {
  const SchemeSpec& bias = *find_scheme("refcount-bias");
  const auto why = [&](Quirk quirk, const char* layout) {
    return quirk_fits(quirk, bias, *find_layout(layout), find_layout(layout)->era.rules).why;
  };
  EXPECT_EQ(why(Quirk::kForkSharesPinned, "linux-6.12"), "");
  EXPECT_NE(why(Quirk::kDoubleLastUnpin, "linux-6.12").find("'lru-overlay'"), std::string::npos);
  EXPECT_NE(why(Quirk::kForkSharesPinned, "linux-6.12-32").find("8-byte words"), std::string::npos);
  EXPECT_NE(why(Quirk::kSoftDirtyForgetsPins, "linux-6.12").find("without 'anon-exclusive'"),
            std::string::npos);
  EXPECT_EQ(why(Quirk::kSoftDirtyForgetsPins, "linux-4.20"), "");
  EXPECT_NE(why(Quirk::kPagesOutlivePagemap, "linux-4.20").find("with 'hmm-free-at-zero'"),
            std::string::npos);
}

}  // namespace
}  // namespace pagebox::testing
