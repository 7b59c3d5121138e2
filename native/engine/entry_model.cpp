// The model's side of the neutral door. The host's half of the addon compiles this
// file to nothing.
#include "base/env.h"

#ifdef PAGEBOX_MODEL

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include "engine/entry.h"
#include "engine/model_pins.h"
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
  result.pfn = violation.row.pfn.value;
  result.expected = violation.row.expected;
  result.found = violation.row.found;
  return result;
}

Errc explore(const PageboxExplorePins& request, PageboxExploreResult& result) {
  const SchemeSpec* scheme = find_scheme(request.scheme);
  const Layout* layout = find_layout(request.layout);
  if (scheme == nullptr || layout == nullptr || request.quirks >> kPinQuirks != 0)
    return Errc::kInval;
  ModelPinsSettings settings;
  settings.layout = *layout;
  settings.scheme = *scheme;
  settings.quirks = {static_cast<std::uint32_t>(request.quirks)};
  settings.threads = request.threads;
  if (request.ops != 0) settings.ops = request.ops;
  if (request.folios != 0) settings.folios = request.folios;
  settings.order = request.order;
  settings.seed = request.seed;
  settings.first_run = request.first_run;
  settings.schedules = request.schedules;
  settings.stop = request.stop;
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

constexpr PageboxModelEntry kEntry = {1, sizeof(PageboxExploreResult), &explore_no_throw};

}  // namespace

}  // namespace pagebox::inline PAGEBOX_ENV

const PageboxModelEntry* pagebox_model_entry(void) { return &pagebox::kEntry; }

#endif
