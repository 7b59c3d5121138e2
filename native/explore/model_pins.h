// The pin schemes under the model's scheduler: two or three fibers do seeded
// operations on a few pages, a strategy chooses who goes on at each access, and
// the audit looks at what is left. Same seed, same schedules, same words.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <vector>

#include "base/errc.h"
#include "base/model/model_run.h"
#include "engine/audit/audit.h"
#include "engine/box/box.h"

namespace pagebox::inline PAGEBOX_ENV {

struct ModelPinsSettings {
  Layout layout;
  SchemeSpec scheme;
  Behaviour behaviour;
  unsigned threads = 2;  // to kMaxModelThreads
  unsigned ops = 3;      // of each thread
  unsigned folios = 2;
  unsigned order = 0;  // of each folio
  PageType type = PageType::kAnon;
  std::uint64_t seed = 1;
  std::uint64_t first_run = 0;
  std::uint64_t schedules = 1000;
  const volatile std::uint32_t* stop = nullptr;
  volatile std::uint64_t* done = nullptr;  // schedules so far, for who watches
};

inline constexpr unsigned kMaxModelThreads = 3, kMaxModelOps = 16, kMaxModelFolios = 8;

struct ModelViolation {
  std::uint64_t run = 0;  // the same settings with first_run = run repeat it
  std::uint64_t schedule_hash = 0;
  RunEnd end = RunEnd::kClean;
  AuditRow row;  // the first; meaningless if the run did not end clean
};

struct ModelReport {
  std::uint64_t schedules = 0;
  std::uint64_t distinct = 0;  // schedules that differ, among the first 2^22
  std::uint64_t steps = 0;
  std::uint64_t violations = 0;
  std::uint64_t hash = 0;             // of all schedules and of the descriptors after each
  std::vector<ModelViolation> first;  // kMaxViolations at most
};
inline constexpr std::size_t kMaxViolations = 8;

/// kInval: a setting out of range; else as Box::create and Box::setup.
Errc explore_pins(const ModelPinsSettings& settings, ModelReport& report);

}  // namespace pagebox::inline PAGEBOX_ENV
