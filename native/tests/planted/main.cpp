// The catalogue of planted faults, run: each is armed and must be found by its exploration
// within its budget; without any, the same explorations find nothing. Prints a table.
//
//   planted [--jobs N] [--shard I/N] [--fault NAME] [--try NAME SCHEDULES]
//
// --shard: one of N parts, explorations dealt in turn; all parts together are the whole.
// --fault: that one alone. --try: every exploration on that fault ("none": on none), to see
// who finds it. Exit status 1: a fault escaped, or something was found without one.
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <map>
#include <vector>

#include "tests/planted/catalogue.h"
#include "tests/planted/courses.h"

using namespace pagebox::testing;  // NOLINT: a program of its own
using pagebox::Invariant;

namespace {

constexpr unsigned kSecondsAtMost = 60;  // of one exploration, on a machine that is busy

/// One exploration, in a process of its own: what a fault breaks may be anything.
struct Job {
  const Entry* entry = nullptr;  // null: no fault
  const Course* course = nullptr;
  std::uint64_t budget = 0;
};

/// As it comes through the pipe.
struct Told {
  bool caught = false;
  std::uint64_t schedules = 0;
  double seconds = 0;
  char by[240] = "";
};

void arm(pagebox::Mistake mistake) {
  const auto bit = static_cast<unsigned>(mistake);
  pagebox::armed_faults[bit / 64] |= std::uint64_t{1} << bit % 64;
}

int told_to = -1;  // of a child
std::chrono::steady_clock::time_point begun;

/// To the parent; this process ends.
[[noreturn]] void tell(const Caught& caught) {
  Told told;
  told.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  told.caught = caught.caught;
  told.schedules = caught.schedules;
  std::strncpy(told.by, caught.by.c_str(), sizeof(told.by) - 1);
  _exit(write(told_to, &told, sizeof(told)) == sizeof(told) ? 0 : 2);
}

/// A blind spot shows by what is missing: the row that the damage beside it gives when the
/// audit sees all.
Caught run(const Job& job) {
  const Entry* entry = job.entry;
  if (entry != nullptr && entry->damage) {
    const std::string row(invariant_name(entry->row)), damage(name_of(*entry->damage));
    arm(*entry->damage);
    const Caught seen = run_course(*job.course, job.budget, tell, &entry->row);
    if (!seen.caught) return {false, seen.schedules, damage + " gives no row of " + row};
    arm(entry->fault);
    const Caught blind = run_course(*job.course, job.budget, tell, &entry->row);
    if (blind.caught) return {false, blind.schedules, "there is a row of " + row};
    return {true, seen.schedules, "no row of " + row + " for " + damage};
  }
  if (entry != nullptr) arm(entry->fault);
  return run_course(*job.course, job.budget, tell);
}

/// All of them, so many at a time, in their order.
std::vector<Told> run_all(const std::vector<Job>& jobs, unsigned at_once) {
  std::vector<Told> results(jobs.size());
  struct Child {
    std::size_t nth;
    int pipe;
  };
  std::map<pid_t, Child> running;
  std::size_t next = 0;
  while (next < jobs.size() || !running.empty()) {
    while (next < jobs.size() && running.size() < at_once) {
      int ends[2];
      if (pipe(ends) != 0) std::exit(2);
      const pid_t child = fork();
      if (child < 0) std::exit(2);
      if (child == 0) {
        close(ends[0]);
        alarm(kSecondsAtMost);
        told_to = ends[1];
        begun = std::chrono::steady_clock::now();
        tell(run(jobs[next]));
      }
      close(ends[1]);
      running[child] = {next++, ends[0]};
    }
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    const auto at = running.find(ended);
    if (at == running.end()) continue;
    Told& told = results[at->second.nth];
    if (read(at->second.pipe, &told, sizeof(told)) != sizeof(told)) {
      told = {};
      told.caught = true;  // nothing that passes its tests ends like this
      const std::string how =
          WIFSIGNALED(status)
              ? std::string(WTERMSIG(status) == SIGALRM ? "no end" : "signal ") +
                    (WTERMSIG(status) == SIGALRM ? "" : std::to_string(WTERMSIG(status)))
              : "exit status " + std::to_string(WEXITSTATUS(status));
      std::strncpy(told.by, how.c_str(), sizeof(told.by) - 1);
    }
    close(at->second.pipe);
    running.erase(at);
  }
  return results;
}

void print_row(std::string_view fault, std::string_view room, const Job& job, const Told& told) {
  std::cout << "| " << fault << " | " << room << " | " << job.course->name << " | "
            << (told.by[0] == 0 ? "-" : told.by) << " | " << told.schedules << " | " << job.budget
            << " | " << std::fixed << std::setprecision(1) << told.seconds << " |\n";
}

void print_head() {
  std::cout << "| fault | room | exploration | caught by | schedules | budget | s |\n"
            << "|---|---|---|---|---:|---:|---:|\n";
}

int try_all(std::string_view name, std::uint64_t schedules, unsigned at_once) {
  const std::optional<pagebox::Mistake> fault = fault_named(name);
  if (!fault && name != "none") {
    std::cerr << "no fault " << name << "\n";
    return 2;
  }
  const Entry alone = {fault.value_or(pagebox::Mistake{}), ""};
  std::vector<Job> jobs;
  for (const Course& course : courses())
    jobs.push_back({fault ? &alone : nullptr, &course, schedules});
  print_head();
  const std::vector<Told> results = run_all(jobs, at_once);
  for (std::size_t i = 0; i < jobs.size(); ++i) print_row(name, "", jobs[i], results[i]);
  return 0;
}

/// Which part (from 1) of how many.
struct Shard {
  unsigned index = 1, of = 1;
};

/// False: that is none.
bool read_shard(const char* text, Shard& out) {
  int length = 0;
  return std::sscanf(text, "%6u/%6u%n", &out.index, &out.of, &length) == 2 && text[length] == 0 &&
         out.index >= 1 && out.index <= out.of;
}

int run_catalogue(std::string_view only, const Shard& shard, unsigned at_once) {
  std::vector<Job> jobs;
  std::map<std::string_view, std::uint64_t> largest;
  for (const Entry& entry : catalogue()) {
    if (!only.empty() && name_of(entry.fault) != only) continue;
    jobs.push_back({&entry, &course_named(entry.course), entry.budget});
    std::uint64_t& budget = largest[entry.course];
    budget = std::max(budget, entry.budget);
  }
  for (const auto& [course, budget] : largest)
    jobs.push_back({nullptr, &course_named(course), budget});
  std::size_t at = 0;
  std::erase_if(jobs, [&](const Job&) { return at++ % shard.of != shard.index - 1; });
  const std::vector<Told> results = run_all(jobs, at_once);
  unsigned wrong = 0, faults = 0;
  print_head();
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Entry* entry = jobs[i].entry;
    if (entry != nullptr) ++faults;
    const bool is_right = results[i].caught == (entry != nullptr);
    if (!is_right) ++wrong;
    print_row(entry == nullptr ? "none" : name_of(entry->fault),
              entry == nullptr ? "" : room_of(entry->fault), jobs[i], results[i]);
    if (!is_right)
      std::cout << (entry != nullptr ? "ESCAPED: " : "FOUND WITHOUT A FAULT: ")
                << (entry != nullptr ? name_of(entry->fault) : jobs[i].course->name) << "\n";
  }
  std::cout << faults << " faults, " << wrong << " wrong\n";
  // A part may have none.
  return wrong == 0 && (faults != 0 || shard.of > 1) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  unsigned at_once = 2;
  std::string only;
  Shard shard;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--jobs" && i + 1 < argc)
      at_once = std::max(1, std::atoi(argv[++i]));
    else if (option == "--shard" && i + 1 < argc) {
      if (read_shard(argv[++i], shard)) continue;
      std::cerr << "--shard I/N: N from 1, I from 1 to N; not " << argv[i] << "\n";
      return 2;
    } else if (option == "--fault" && i + 1 < argc)
      only = argv[++i];
    else if (option == "--try" && i + 2 < argc)
      return try_all(argv[i + 1], std::strtoull(argv[i + 2], nullptr, 10), at_once);
    else {
      std::cerr << "planted [--jobs N] [--shard I/N] [--fault NAME] [--try NAME SCHEDULES]\n";
      return 2;
    }
  }
  return run_catalogue(only, shard, at_once);
}
