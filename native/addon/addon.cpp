// Entry of the addon: one table of functions, made anew for each environment.
#include <node_api.h>

#include "addon/behaviour_value.h"
#include "addon/box_object.h"
#include "addon/cost_object.h"
#include "addon/explore_object.h"
#include "addon/js_value.h"
#include "addon/race_object.h"
#include "addon/race_ops_object.h"
#include "addon/room_value.h"
#include "addon/scenario_value.h"
#include "addon/tables.h"
#include "base/asymmetric_barrier.h"

namespace {

using namespace pagebox::addon;

/// What a call costs: the measure for single pins.
napi_value empty(napi_env, napi_callback_info) { return nullptr; }

napi_value init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"tables", tables},
      {"checkLayout", check_layout_value},
      {"layoutFacts", layout_facts},
      {"checkScheme", check_scheme_value},
      {"schemeFacts", scheme_facts},
      {"behaviourRefusals", behaviour_refusals},
      {"placedScheme", placed_scheme},
      {"createBox", create_box},
      {"attachBox", attach_box},
      {"room", room_value},
      {"probe", probe_value},
      {"startRace", start_race},
      {"prepareCost", prepare_cost},
      {"startExplore", start_explore},
      {"exploreGuarantee", explore_guarantee},
      {"scenarioTables", scenario_tables},
      {"runScenario", run_scenario},
      {"runThreadsInOrder", run_threads_in_order},
      {"startRaceOps", start_race_ops},
      {"empty", empty},
      {"emptyFibers", empty_fibers},
  };
  // The first time takes up to 20 ms in a process of several threads: better here than in
  // who makes the first box.
  (void)pagebox::register_system_barrier();
  const JsValues js(env);
  for (const auto& each : functions) {
    napi_value function = nullptr;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.function, nullptr, &function);
    js.set(exports, each.name, function);
  }
  js.set(exports, "pageCalls", page_calls(env));
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
