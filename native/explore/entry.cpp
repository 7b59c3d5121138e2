// The model's side of the neutral door. The host's half of the addon compiles this
// file to nothing.
#include "base/env.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include "engine/scenario/op_row.h"
#include "explore/entry.h"
#include "explore/model_ops.h"
#include "explore/model_pins.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

template <std::size_t kSize>
void copy_text(char (&to)[kSize], std::string_view text) {
  const std::size_t size = std::min(text.size(), kSize - 1);
  std::copy_n(text.begin(), size, to);
  to[size] = '\0';
}

PageboxModelViolation plain(const ModelViolation& violation) {
  PageboxModelViolation result{};
  result.run = violation.run;
  result.schedule_hash = violation.schedule_hash;
  copy_text(result.end, run_end_name(violation.end));
  if (violation.end != RunEnd::kClean) return result;
  copy_text(result.invariant, invariant_name(violation.row.invariant));
  result.pfn = violation.row.place.at;
  result.expected = violation.row.expected;
  result.found = violation.row.found;
  return result;
}

Behaviour behaviour_of(const PageboxBehaviour& request) {
  Behaviour behaviour;
  if (request.has_rules != 0) behaviour.rules = KernelRules{request.rules};
  behaviour.quirks = {request.quirks};
  behaviour.options = {request.options};
  return behaviour;
}

Errc explore(const PageboxExplorePins& request, PageboxExploreResult& result) {
  const SchemeSpec* scheme = find_scheme(request.scheme);
  const Layout* layout = find_layout(request.layout);
  if (scheme == nullptr || layout == nullptr) return Errc::kInval;
  ModelPinsSettings settings;
  settings.layout = *layout;
  settings.scheme = *scheme;
  settings.behaviour = behaviour_of(request.behaviour);
  settings.threads = request.threads;
  if (request.ops != 0) settings.ops = request.ops;
  if (request.folios != 0) settings.folios = request.folios;
  settings.order = request.order;
  settings.seed = request.seed;
  settings.first_run = request.first_run;
  settings.schedules = request.schedules;
  settings.stop = request.stop;
  settings.done = request.done;
  ModelReport report;
  if (const Errc error = explore_pins(settings, report); error != Errc::kOk) return error;
  result.schedules = report.schedules;
  result.distinct = report.distinct;
  result.steps = report.steps;
  result.violations = report.violations;
  result.hash = report.hash;
  result.first_count = static_cast<std::uint32_t>(report.first.size());
  for (std::size_t i = 0; i < report.first.size(); ++i) result.first[i] = plain(report.first[i]);
  return Errc::kOk;
}

std::int32_t explore_no_throw(const PageboxExplorePins* request, PageboxExploreResult* result) {
  try {
    return static_cast<std::int32_t>(explore(*request, *result));
  } catch (const std::exception&) {
    return static_cast<std::int32_t>(Errc::kNoMem);
  }
}

bool read_rows(const PageboxOpRows& from, std::vector<Op>& ops) {
  ops.resize(from.count);
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (!read_op_row(std::span(from.rows + i * kOpSlots.size(), kOpSlots.size()), ops[i]))
      return false;
  return true;
}

Errc explore_ops_of(const PageboxExploreOps& request, PageboxOpsResult& result) {
  const SchemeSpec* scheme = find_scheme(request.scheme);
  const Layout* layout = find_layout(request.layout);
  if (scheme == nullptr || layout == nullptr) return Errc::kInval;
  ModelOpsSettings settings;
  settings.layout = *layout;
  settings.scheme = *scheme;
  settings.behaviour = behaviour_of(request.behaviour);
  ScenarioOps scenario;
  if (request.thread_count != 0) {
    scenario.threads.resize(request.thread_count);
    bool ok = read_rows(request.setup, scenario.setup);
    for (std::uint32_t i = 0; i < request.thread_count; ++i)
      ok = ok && read_rows(request.threads[i], scenario.threads[i]);
    if (!ok) return Errc::kInval;
    settings.scenario = &scenario;
  }
  settings.mixes.resize(request.mixes);
  for (std::uint32_t i = 0; i < request.mixes; ++i)
    std::copy_n(request.weights + std::size_t{i} * kMixSlots, kMixSlots,
                settings.mixes[i].weights.begin());
  settings.threads = request.random_threads;
  settings.random = {request.processes, request.buffers, request.pages_each};
  settings.ops = request.ops;
  if (request.pages != 0) settings.pages = request.pages;
  settings.seed = request.seed;
  settings.first_run = request.first_run;
  settings.schedules = request.schedules;
  settings.stop = request.stop;
  settings.done = request.done;
  ModelOpsReport report;
  std::string reason;
  const Errc error = explore_ops(settings, report, &reason);
  copy_text(result.reason, reason);
  if (error != Errc::kOk) return error;
  result.schedules = report.schedules;
  result.distinct = report.distinct;
  result.steps = report.steps;
  result.ops = report.ops;
  result.hash = report.hash;
  std::copy(report.outcomes.begin(), report.outcomes.end(), result.outcomes);
  result.gave_up = report.gave_up ? 1 : 0;
  result.first_count = static_cast<std::uint32_t>(report.first.size());
  for (std::size_t i = 0; i < report.first.size(); ++i) {
    const ModelOpsFinding& from = report.first[i];
    PageboxOpsFinding& to = result.first[i];
    to.run = from.run;
    to.schedule_hash = from.schedule_hash;
    copy_text(to.outcome, ops_outcome_name(from.outcome));
    copy_text(to.text, from.text);
    std::string trace;
    for (const std::string& line : from.trace) trace += line + "\n";
    copy_text(to.trace, trace);
  }
  return Errc::kOk;
}

std::int32_t explore_ops_no_throw(const PageboxExploreOps* request, PageboxOpsResult* result) {
  try {
    return static_cast<std::int32_t>(explore_ops_of(*request, *result));
  } catch (const std::exception&) {
    return static_cast<std::int32_t>(Errc::kNoMem);
  }
}

const char* outcome_name(std::uint32_t outcome) {
  return outcome < kOpsOutcomes ? ops_outcome_name(static_cast<OpsOutcome>(outcome)).data() : "";
}

std::uint64_t hash_bytes(std::uint64_t schedules) {
  return std::min<std::uint64_t>(schedules, kMaxScheduleHashes) * sizeof(std::uint64_t);
}

constexpr PageboxModelEntry kEntry = {3,
                                      sizeof(PageboxExploreResult),
                                      &explore_no_throw,
                                      &explore_ops_no_throw,
                                      &outcome_name,
                                      &hash_bytes};

}  // namespace

}  // namespace pagebox::inline PAGEBOX_ENV

const PageboxModelEntry* pagebox_model_entry(void) { return &pagebox::kEntry; }
