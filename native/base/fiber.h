// Fibers of the model: several stacks on one OS thread, switched by hand. The
// C library's swapcontext makes a system call a switch (facts: 20 times slower).
// Sanitizers are told of each switch, or they would report the stacks.
#pragma once

#include <cstddef>

#include "base/env.h"
#include "base/errc.h"
#include "base/mapping.h"
#include "base/sanitizer.h"

#ifdef PAGEBOX_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef PAGEBOX_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define PAGEBOX_STRING_(x) #x
#define PAGEBOX_STRING(x) PAGEBOX_STRING_(x)
/// An assembly symbol's name, one for each environment.
#define PAGEBOX_SYMBOL(name) "pagebox_" PAGEBOX_STRING(PAGEBOX_ENV) "_" name

namespace pagebox::inline PAGEBOX_ENV {

/// Saves the caller's registers on its stack and its stack pointer in *save, then
/// goes on where `load` was saved. Floating-point control words are not switched.
void switch_stack(void** save, void* load) asm(PAGEBOX_SYMBOL("switch_stack"));

/// A place to go on: a fiber's, or the OS thread's own while fibers run.
struct FiberContext {
  void* stack_pointer = nullptr;
#ifdef PAGEBOX_ASAN
  const void* stack_bottom = nullptr;
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;
  FiberContext* came_from = nullptr;
#endif
#ifdef PAGEBOX_TSAN
  void* tsan = nullptr;
#endif

  /// Makes this the context of the calling OS thread's own stack.
  void adopt_thread() {
#ifdef PAGEBOX_TSAN
    tsan = __tsan_get_current_fiber();
#endif
  }
  /// To be called first on a stack that was entered for the first time.
  void arrived() {
#ifdef PAGEBOX_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, &came_from->stack_bottom, &came_from->stack_bytes);
#endif
  }
};

/// Leaves `from`, goes on in `to`; returns when someone switches to `from`.
inline void switch_fiber(FiberContext& from, FiberContext& to) {
#ifdef PAGEBOX_ASAN
  to.came_from = &from;
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_bytes);
#endif
#ifdef PAGEBOX_TSAN
  __tsan_switch_to_fiber(to.tsan, 0);
#endif
  switch_stack(&from.stack_pointer, to.stack_pointer);
  from.arrived();
}

/// A stack with a guard page below it, used again for one fiber after another.
class FiberStack {
 public:
  /// Untouched pages cost nothing, and sanitizers' frames are large.
  static constexpr std::size_t kStackBytes = 256 << 10;

  FiberStack() = default;
  FiberStack(const FiberStack&) = delete;
  FiberStack& operator=(const FiberStack&) = delete;
  ~FiberStack();

  /// Once. `index` staggers the stacks, whose tops would share cache sets.
  Errc create(unsigned index);
  /// The next switch to context() calls entry(arg), which must never return. Whatever
  /// was on the stack is forgotten without destructors. `entry` begins with
  /// context().arrived().
  void prepare(void (*entry)(void*), void* arg);
  FiberContext& context() { return context_; }

 private:
  Mapping memory_;
  std::byte* top_ = nullptr;
  FiberContext context_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
