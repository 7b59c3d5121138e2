// Explorations that look for planted faults. They are those of the rest of the suite: mixes
// of random operations as explore_ops runs them, programs on one page as in the table of all
// schemes, scenarios that are written down, and the model's own tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/audit/invariants.h"

namespace pagebox::testing {

enum class CourseKind : std::uint8_t {
  kMix,       // `what`: the mixes
  kPrograms,  // `what`: nothing
  kWritten,   // `what`: nothing; of its name in written.h, in each class of schedules
  kTests,     // `what`: a filter of Google Test
};

struct Course {
  std::string_view name;
  CourseKind kind;
  std::string_view what;
  std::string_view scheme = "refcount-bias";
  std::string_view layout = "linux-6.12";
  unsigned threads = 3, ops = 4, pages = 2, buffers = 7, processes = 2;
  unsigned order = 0;  // of programs
};

std::span<const Course> courses();
/// Ends the program: no such course.
const Course& course_named(std::string_view name);

struct Caught {
  bool caught = false;
  std::uint64_t schedules = 0;
  std::string by;  // outcome and text; empty: nothing
};
/// Does not return: what a failing test leaves behind may hold locks.
using TellCaught = void (*)(const Caught& caught);

/// Up to so many schedules (a course of tests has its own, and tells what it finds), until
/// the first that is not clean. `only`: of a mix; a schedule counts if its first row is this.
Caught run_course(const Course& course, std::uint64_t schedules, TellCaught tell,
                  const Invariant* only = nullptr);

}  // namespace pagebox::testing
