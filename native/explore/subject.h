// What is explored: a machine as its setup leaves it, and the threads that run on it, one
// schedule after the other. The machine is made once and copied back (base/model/
// run_memory.h); where that is not to be had, it is made anew for each schedule.
#pragma once

#include "base/env.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/model/run_memory.h"
#include "engine/scenario/random_ops.h"
#include "explore/explore.h"
#include "explore/verdict.h"

namespace pagebox::inline PAGEBOX_ENV {

class Places;
class Program;

class Subject {
 public:
  explicit Subject(const ExploreSettings& settings);
  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  struct Ran {
    std::uint64_t steps = 0, ops = 0, switches = 0, hash = 0;  // hash of results and words
  };
  /// Schedule `run` as `strategy` chooses. `traced`: finding.trace is filled, and
  /// finding.steps if the settings say so. kIntr: told to stop.
  Errc run(std::uint64_t run, Strategy& strategy, bool traced, Finding& finding, Ran& ran,
           std::string* reason);

  /// The scenario's threads do something else from now on, on the same pages, as many of them.
  void threads_change();
  /// Of a step of the run that is going on; see explore/places.h.
  std::string place_name(const void* at) const;
  /// The step that was just executed, for people; `noted`: lines of the trace before it.
  ExploreStep describe(const Step& step, std::size_t noted) const;

  bool restores() const { return memory_ != nullptr; }
  /// For tests: see RunMemory.
  bool is_as_kept() const { return memory_ != nullptr && memory_->is_as_kept(); }
  /// Of the machine and of what is remembered of schedules, about.
  std::uint64_t held_bytes() const;
  /// What can be found again: verdicts.
  void forget();
  /// Schedules that ended badly keep their machine for good where it is not copied back: that
  /// ends somewhere.
  bool keeps_too_many() const { return !restores() && abandoned_ >= kMostKeptMachines; }

 private:
  struct Thread;
  struct State;
  struct HashOfDigest {
    std::size_t operator()(const StateDigest& digest) const { return digest.low; }
  };

  Errc prepare(std::string* reason);
  Errc make(std::unique_ptr<Sandbox>& out, std::string* reason);
  State* new_state(Sandbox& sandbox) const;
  Errc run_here(std::uint64_t run, Strategy& strategy, bool traced, Finding& finding, Ran& ran,
                std::string* reason);
  Errc run_on(Sandbox& sandbox, std::uint64_t run, Strategy& strategy, bool traced,
              Finding& finding, Ran& ran);
  std::unique_ptr<Program> program_of(unsigned thread, Interpreter& interpreter,
                                      std::uint64_t program) const;
  RandomOps* random_ops(unsigned thread, std::uint64_t program);
  bool is_stopped() const { return settings_.stop != nullptr && *settings_.stop != 0; }

  const ExploreSettings& settings_;
  const RandomOpsSettings random_;
  std::vector<MixTable> mixes_;
  std::vector<std::optional<RandomOps>> random_ops_;  // a thread each, of the run that is going on
  const ScenarioOps made_;                            // what random operations begin with
  const std::vector<Op>& setup_;
  const bool with_machine_;
  const std::uint64_t placed_pages_;
  const unsigned threads_;
  ModelRunner runner_;
  std::unique_ptr<RunMemory> memory_;
  Sandbox* now_ = nullptr;       // of the run that is going on
  Sandbox* kept_ = nullptr;      // in memory_, which it goes with
  State* kept_state_ = nullptr;  // as that
  bool programs_stay_ = false;   // the same in each schedule
  std::string setup_livelock_;   // something was given up in the setup
  // Machines that differ from the kept one in the same way are judged alike.
  std::unordered_map<StateDigest, Verdict, HashOfDigest> judged_;
  bool with_witness_ = false;  // of pins by pfn
  bool asks_ = false;          // whether somebody holds pins
  bool is_digested_ = false;   // and unchanged since
  static constexpr unsigned kMostKeptMachines = 64;
  unsigned abandoned_ = 0;  // that keep theirs
};

/// As explore() does, with settings that pass check_settings(), on what there is. The subject's
/// own settings say what it is, these how it is explored.
Errc explore_on(Subject& subject, const ExploreSettings& settings, ExploreReport& report,
                std::string* reason, ExploreWatcher* watcher);

}  // namespace pagebox::inline PAGEBOX_ENV
