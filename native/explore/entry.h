// The neutral door to the model half of the addon: plain structs and pointers to
// functions, outside both environments, with no inline function that the linker
// could merge. Strings are zero-terminated and owned by the model.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

/// One schedule after which the audit was not clean, or that did not end clean.
struct PageboxModelViolation {
  uint64_t run;  // repeat with the same seed and first_run = run
  uint64_t schedule_hash;
  char end[16];        // "clean", "deadlock", "data race", ...
  char invariant[32];  // of the first audit row; empty: none
  uint64_t pfn;
  uint64_t expected;
  uint64_t found;
};

/// How the machine behaves: bit i is row i of the table. See page/behaviour.h.
struct PageboxBehaviour {
  uint64_t rules;
  uint64_t quirks;
  uint64_t options;
  uint32_t has_rules;  // 0: the layout's
};

struct PageboxExplorePins {
  const char* scheme;  // a built-in name
  const char* layout;
  struct PageboxBehaviour behaviour;
  uint32_t threads;  // 2 or 3
  uint32_t folios;   // 1 to 8; 0: 2
  uint32_t order;    // of each folio; 0: single pages
  uint32_t ops;      // of each thread and schedule; 0: 3
  uint64_t schedules;
  uint64_t first_run;
  uint64_t seed;
  const volatile uint32_t* stop;  // may be null; nonzero ends the exploration
  volatile uint64_t* done;        // may be null; schedules so far
};

struct PageboxExploreResult {
  uint64_t schedules;
  uint64_t distinct;  // schedules that differ, among the first 2^22
  uint64_t steps;     // scheduling points of all
  uint64_t violations;
  uint64_t hash;         // of every schedule and of the words after it
  uint32_t first_count;  // of `first`
  struct PageboxModelViolation first[8];
};

/// A list of operations: rows of numbers, as engine/scenario/op_row.h has them.
struct PageboxOpRows {
  const double* rows;
  size_t count;  // of rows
};

/// One schedule of operations that did not come out clean.
struct PageboxOpsFinding {
  uint64_t run;
  uint64_t schedule_hash;
  char outcome[16];   // "violation", "leak", "deadlock", ...
  char text[256];     // the audit row, what leaked
  char trace[16384];  // begins and ends of operations, a line each
};

struct PageboxExploreOps {
  const char* scheme;
  const char* layout;
  struct PageboxBehaviour behaviour;
  // A written scenario: its setup and lists; or random operations, if there are no lists.
  struct PageboxOpRows setup;
  const struct PageboxOpRows* threads;
  uint32_t thread_count;
  const uint32_t* weights;  // of mix i from i * slots on, as engine/scenario/op_mix.h has them
  uint32_t mixes;
  uint32_t random_threads, processes, buffers, pages_each, ops;
  uint64_t pages;  // of RAM; 0: 256
  uint64_t schedules;
  uint64_t first_run;
  uint64_t seed;
  const volatile uint32_t* stop;
  volatile uint64_t* done;
};

struct PageboxOpsResult {
  uint64_t schedules;
  uint64_t distinct;
  uint64_t steps;
  uint64_t ops;
  uint64_t hash;
  uint64_t outcomes[9];  // explore/model_ops.h
  uint32_t gave_up;
  uint32_t first_count;
  char reason[256];  // of kInval and kRefused
  struct PageboxOpsFinding first[8];
};

struct PageboxModelEntry {
  uint32_t version;
  uint32_t struct_bytes;  // of PageboxExploreResult: both halves were built from one header
  /// 0, or an Errc: kInval, kRefused (the scheme does not exist for the layout), kNoMem.
  int32_t (*explore_pins)(const struct PageboxExplorePins* request,
                          struct PageboxExploreResult* result);
  int32_t (*explore_ops)(const struct PageboxExploreOps* request, struct PageboxOpsResult* result);
  const char* (*ops_outcome_name)(uint32_t outcome);
  /// Memory that so many schedules take while they run, to tell them apart.
  uint64_t (*hash_bytes)(uint64_t schedules);
};

const struct PageboxModelEntry* pagebox_model_entry(void);

}  // extern "C"
