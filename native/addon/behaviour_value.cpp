#include "addon/behaviour_value.h"

#include <algorithm>

#include "addon/bound.h"
#include "addon/layout_value.h"
#include "addon/status.h"
#include "pins/behaviour_fits.h"

namespace pagebox::addon {
namespace {

std::string version_text(KernelVersion version) {
  return "v" + std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::string_view room_name(QuirkRoom room) {
  switch (room) {
    case QuirkRoom::kPins: return "pins";
    case QuirkRoom::kMm: return "mm";
    case QuirkRoom::kDevices: return "zone_device";
  }
  return "";
}

}  // namespace

Behaviour read_behaviour(JsRead& from) {
  Behaviour out;
  from.object("behaviour", [&](JsRead& told) {
    if (const std::string name = told.text("rules"); !name.empty()) {
      out.rules = parse_rules(name);
      if (!out.rules) return told.fail();
    }
    told.texts("quirks", [&](const std::string& name) {
      const QuirkInfo* row = find_quirk(name);
      if (row == nullptr) return told.fail();
      out.quirks = out.quirks | quirk_set(row->quirk);
    });
    out.options = {};
    told.texts("options", [&](const std::string& name) {
      const auto row = std::ranges::find(kOptionTable, name, &OptionInfo::name);
      if (row == kOptionTable.end()) return told.fail();
      out.options = out.options.with(row->option);
    });
  });
  return out;
}

PageboxBehaviour plain_behaviour(JsRead& from) {
  const Behaviour behaviour = read_behaviour(from);
  return {behaviour.rules.value_or(KernelRules{}).bits, behaviour.quirks.bits,
          behaviour.options.bits, behaviour.rules ? 1U : 0U};
}

napi_value rules_value(const JsValues& js) {
  return js.list(kernel_rules(), [&](const RuleInfo& row) {
    return JsObject(js)
        .text("name", row.name)
        .text("since", version_text(row.since))
        .text("meaning", row.meaning)
        .text("before", row.before)
        .text("after", row.after)
        .text("source", row.source)
        .boolean("beforeExists", row.before_exists)
        .boolean("afterExists", row.after_exists)
        .value();
  });
}

napi_value rule_sets_value(const JsValues& js) {
  return js.list(rule_sets(), [&](const RuleSet& set) {
    std::vector<std::string_view> names;
    for (const RuleInfo& row : kernel_rules())
      if (set.rules.has(row.rule)) names.push_back(row.name);
    return JsObject(js)
        .text("name", set.name)
        .set("rules", js.texts(names))
        .text("missing", rules_missing(set.rules))
        .value();
  });
}

napi_value quirks_value(const JsValues& js) {
  return js.list(quirk_table(), [&](const QuirkInfo& row) {
    JsObject quirk(js);
    quirk.text("name", row.name)
        .number("year", unsigned{row.year})
        .text("room", room_name(row.room))
        .text("wrong", row.wrong)
        .text("fix", row.fix)
        .text("invariant", row.invariant);
    if (row.needs)
      quirk.text("rule", kernel_rules()[static_cast<unsigned>(row.needs->rule)].name)
          .boolean("ruleIs", row.needs->is);
    return quirk.value();
  });
}

napi_value machine_options_value(const JsValues& js) {
  return js.list(kOptionTable, [&](const OptionInfo& row) {
    return JsObject(js)
        .text("name", row.name)
        .text("meaning", row.meaning)
        .boolean("otherwise", row.otherwise)
        .value();
  });
}

napi_value behaviour_refusals(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto [value] = arguments<1>(env, info);
    JsRead from(env, value);
    const Layout layout = read_layout_ref(from, "layout");
    const SchemeSpec scheme = read_scheme_ref(from, "scheme");
    const Behaviour behaviour = read_behaviour(from);
    if (!from.ok()) return failure(env, Errc::kInval, "the behaviour of a machine");
    const JsValues js(env);
    napi_value list = js.array();
    std::size_t count = 0;
    const auto refuse = [&](std::string_view field, std::string_view name, std::string_view why) {
      js.set(list, count++,
             JsObject(js).text("field", field).text("name", name).text("why", why).value());
    };
    if (behaviour.rules)
      if (const Fit fit = rules_fit(*behaviour.rules, layout); !fit)
        refuse("rules", name_of_rules(*behaviour.rules), fit.why);
    for (const QuirkInfo& row : quirk_table()) {
      if (!behaviour.quirks.has(row.quirk)) continue;
      const KernelRules rules = behaviour.rules.value_or(layout.era.rules);
      if (const Fit fit = quirk_fits(row.quirk, scheme, layout, rules); !fit)
        refuse("quirks", row.name, fit.why);
    }
    return list;
  });
}

}  // namespace pagebox::addon
