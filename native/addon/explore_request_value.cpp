#include "addon/explore_request_value.h"

#include <algorithm>

#include "addon/behaviour_value.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/random_ops_value.h"
#include "addon/scenario_value.h"
#include "engine/scenario/op_row.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::addon {
namespace {

bool copy_rows(napi_env env, napi_value value, std::vector<double>& to) {
  std::span<const double> numbers;
  if (!read_numbers(env, value, numbers)) return false;
  to.assign(numbers.begin(), numbers.end());
  return true;
}

/// Copies: JavaScript may change its arrays while the job runs.
bool read_lists(napi_env env, napi_value setup, napi_value threads, ExploreRequest& out) {
  ScenarioOps checked;
  if (!read_scenario(env, setup, threads, checked) || !copy_rows(env, setup, out.setup))
    return false;
  out.threads.resize(checked.threads.size());
  for (std::uint32_t i = 0; i < out.threads.size(); ++i) {
    napi_value each = nullptr;
    if (napi_get_element(env, threads, i, &each) != napi_ok ||
        !copy_rows(env, each, out.threads[i]))
      return false;
  }
  return true;
}

/// What is absent stays as it is.
void read_task(JsRead& from, ExploreRequest& out) {
  namespace limits = explore_limits;
  if (from.has("maxSteps")) out.max_steps = from.integer("maxSteps", limits::kSteps.max);
  if (from.has("findings")) out.most_findings = from.integer("findings", limits::kFindings.max);
  if (!from.has("task")) return;
  const std::string task = from.text("task");
  if (task == "replay") {
    out.task = ExploreTask::kReplay;
  } else if (task == "shrink") {
    out.task = ExploreTask::kShrink;
  } else if (task == "programs") {
    out.task = ExploreTask::kPrograms;
    out.thread_count = from.integer("threads", limits::kThreads.max);
    out.ops = from.integer("ops", limits::kOps.max);
    from.texts("programOps", [&](const std::string& name) {
      const auto at = std::ranges::find(kOpTable, name, &OpInfo::name);
      if (at == kOpTable.end() || out.program_ops.size() >= kOpCodes) return from.fail();
      out.program_ops.push_back(static_cast<OpCode>(at - kOpTable.begin()));
    });
    return;
  } else {
    from.fail();
  }
  out.steps = true;
  std::span<const double> choices;
  if (!read_numbers(from.env(), from.property("choices"), choices)) return from.fail();
  for (const double choice : choices)
    out.choices.push_back(choice >= 0 && choice < 256 ? static_cast<std::uint64_t>(choice) : 255);
}

}  // namespace

bool read_explore_request(napi_env env, std::span<const napi_value, 3> args, ExploreRequest& out) {
  namespace limits = explore_limits;
  JsRead from(env, args[0]);
  const std::string what = from.text("what");
  if (what == "random") {
    out.what = ExploreWhat::kRandom;
  } else if (what != "scenario") {
    from.fail();
  }
  out.scheme = read_scheme_ref(from, "scheme");
  out.layout = read_layout_ref(from, "layout");
  out.behaviour = read_behaviour(from);
  out.schedules = from.integer("schedules", limits::kSchedules.max);
  out.first_run = from.integer("firstRun", limits::kRun.max);
  out.seed = from.big("seed");
  out.workload_seed = from.big("workloadSeed");
  out.schedules_each = from.integer("schedulesEach", limits::kSchedules.max);
  out.strategy = from.text("strategy");
  read_task(from, out);
  if (from.has("memoryBytes")) out.memory_bytes = from.integer("memoryBytes", limits::kMemory.max);
  if (out.what != ExploreWhat::kScenario) {
    out.thread_count = from.integer("threads", limits::kThreads.max);
    out.ops = from.integer("ops", limits::kOps.max);
  }
  if (from.has("bounded")) {
    out.bounded = from.boolean("bounded");
    out.bound = from.integer("bound", limits::kBound.max);
    out.depth = from.integer("depth", limits::kDepth.max);
  }
  out.pages = from.integer("pages", kMaxMachinePages);
  if (from.has("tellHashes")) out.tell_hashes = from.boolean("tellHashes");
  if (out.what == ExploreWhat::kRandom) {
    read_mixes(from, out.mixes);
    read_random(from, out.random);
    if (from.has("folios")) {
      out.random.folios = static_cast<unsigned>(from.integer("folios", limits::kPinFolios.max));
      out.random.order = static_cast<unsigned>(from.integer("order", limits::kPinOrder.max));
    }
    return from.ok();
  }
  if (from.has("outcomes")) out.outcomes = from.integer("outcomes", kAllOutcomesOf);
  if (from.has("fields"))
    from.texts("fields", [&](const std::string& name) {
      if (out.fields.size() < kMostSeenFields) out.fields.push_back(name);
    });
  if (from.has("shards")) {
    out.shard = from.integer("shard", limits::kShards.max);
    out.shards = from.integer("shards", limits::kShards.max);
  }
  if (from.has("hugePages")) out.huge_pages = from.boolean("hugePages");
  std::vector<Op> after;
  if (from.has("after") && (!read_rows(env, from.property("after"), after) ||
                            !copy_rows(env, from.property("after"), out.after)))
    return false;
  return from.ok() && read_lists(env, args[1], args[2], out);
}

}  // namespace pagebox::addon
