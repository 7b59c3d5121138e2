// The neutral door to the model half of the addon: plain structs and pointers to
// functions, outside both environments, with no inline function that the linker
// could merge. Strings are zero-terminated and owned by the model.
#pragma once

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

struct PageboxExplorePins {
  const char* scheme;  // a built-in name
  const char* layout;
  uint64_t quirks;   // bit i: quirk i of the table
  uint32_t threads;  // 2 or 3
  uint32_t folios;   // 1 to 8; 0: 2
  uint32_t order;    // of each folio; 0: single pages
  uint32_t ops;      // of each thread and schedule; 0: 3
  uint64_t schedules;
  uint64_t first_run;
  uint64_t seed;
  const volatile uint32_t* stop;  // may be null; nonzero ends the exploration
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

struct PageboxModelEntry {
  uint32_t version;
  uint32_t struct_bytes;  // of PageboxExploreResult: both halves were built from one header
  /// 0, or an Errc: kInval, kRefused (the scheme does not exist for the layout), kNoMem.
  int32_t (*explore_pins)(const struct PageboxExplorePins* request,
                          struct PageboxExploreResult* result);
};

const struct PageboxModelEntry* pagebox_model_entry(void);

}  // extern "C"
