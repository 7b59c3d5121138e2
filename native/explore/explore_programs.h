// Every program of a family on the same pages, each under every schedule: what the table of all
// schemes is made of.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <string>
#include <vector>

#include "explore/explore.h"
#include "explore/page_programs.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A program, and the first schedule of it that ended badly.
struct WrongProgram {
  std::uint64_t program = 0;
  std::vector<PagePrograms::Sequence> threads;
  Finding finding;
};

struct ProgramsReport {
  std::uint64_t programs = 0;  // that were begun
  std::uint64_t all = 0;       // that there are
  std::uint64_t complete = 0;  // each class of them was visited
  std::uint64_t violated = 0;  // left at the first schedule that ended badly
  std::uint64_t schedules = 0, abandoned = 0, classes = 0, steps = 0;
  std::uint64_t largest = 0;  // classes of one program
  std::vector<WrongProgram> first;
  bool memory_full = false;

  bool is_complete() const { return complete == all; }
};

/// `settings.scenario` is the setup; its threads are as many as the programs', and what they do
/// is of no meaning. `schedules` are in all, `schedules_each` of one program at most, 0: all.
/// As explore(); `watcher` is told the progress of all programs together.
Errc explore_programs(const ExploreSettings& settings, const PagePrograms& programs,
                      ProgramsReport& report, std::string* reason = nullptr,
                      ExploreWatcher* watcher = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
