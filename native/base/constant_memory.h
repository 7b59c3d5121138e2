// What a machine does not change any more once it is made, its layout above all. Where many
// schedules run on one machine that is copied back (base/model/run_memory.h), nobody has to look
// for changes there; most of what lies on a small machine's heap is of this kind.
#pragma once

#include "base/env.h"

#ifdef PAGEBOX_MODEL
#include "base/model/run_memory.h"
#endif

namespace pagebox::inline PAGEBOX_ENV {

/// While it lives, what the OS thread allocates is constant: to be read and freed only, as soon as
/// the machine that is being made is there.
class [[nodiscard]] ConstantMemory {
 public:
#ifdef PAGEBOX_MODEL
  ConstantMemory()
      : memory_(run_memory_in_use), outer_(memory_ != nullptr && memory_->set_constant(true)) {}
  ~ConstantMemory() {
    if (memory_ != nullptr) memory_->set_constant(outer_);
  }
#else
  ConstantMemory() = default;
  ~ConstantMemory() {}  // NOLINT(modernize-use-equals-default): else it is unused
#endif
  ConstantMemory(const ConstantMemory&) = delete;
  ConstantMemory& operator=(const ConstantMemory&) = delete;

#ifdef PAGEBOX_MODEL
 private:
  RunMemory* const memory_;
  const bool outer_;
#endif
};

}  // namespace pagebox::inline PAGEBOX_ENV
