// Rules, quirks and options: their tables, and what a machine is told of them.
#pragma once

#include "addon/js_read.h"
#include "addon/js_value.h"
#include "explore/entry.h"
#include "page/behaviour.h"

namespace pagebox::addon {

/// `{ rules: 'v6.12' | '', quirks: [name], options: [name] }`; a name that is in no table
/// makes `from` not ok. Always the property `behaviour`.
Behaviour read_behaviour(JsRead& from);

/// The same, for the model's door.
PageboxBehaviour plain_behaviour(JsRead& from);

napi_value rules_value(const JsValues& js);
napi_value rule_sets_value(const JsValues& js);
napi_value quirks_value(const JsValues& js);
napi_value machine_options_value(const JsValues& js);

/// behaviourRefusals({ behaviour, scheme, layout }): `[{ field, name, why }]`, empty if a machine
/// can behave so.
napi_value behaviour_refusals(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
