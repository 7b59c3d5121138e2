// The neutral door to the model half of the addon: bytes and pointers to functions,
// outside both environments, with no inline function that the linker could merge. What
// the bytes are, engine/scenario/explore_messages.h says, in both halves alike.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

/// Called on the caller's thread, in order; the bytes last for the call.
struct PageboxSink {
  void* self;
  void (*take)(void* self, uint32_t kind, const void* bytes, size_t size_bytes);
};

struct PageboxModelEntry {
  uint32_t version;
  /// 0, or an Errc, after a kRefused that says why: kInval (a request that cannot be read or
  /// asks for what there is not), kRefused (no such machine), kNoMem. `stop` may be null;
  /// nonzero ends the exploration with what it has.
  int32_t (*explore)(const void* request, size_t size_bytes, const volatile uint32_t* stop,
                     struct PageboxSink sink);
  /// For benchmarks: fibers that do nothing but yield, `points` scheduling points in each of so
  /// many schedules; what the loop itself costs. Nonzero: threads out of range, or no memory.
  int32_t (*run_empty)(uint32_t threads, uint32_t points, uint64_t schedules);
  /// Memory that so many schedules take while they run, to tell them apart.
  uint64_t (*hash_bytes)(uint64_t schedules);
};

const struct PageboxModelEntry* pagebox_model_entry(void);

}  // extern "C"
