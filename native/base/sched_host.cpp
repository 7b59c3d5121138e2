#include "base/sched.h"

#ifndef PAGEBOX_MODEL

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"

namespace pagebox::inline PAGEBOX_ENV {

// A box belongs to one process, so the cheaper private futexes do, for shared
// mappings too: their key is (process, address).
void wait_on(const std::uint32_t* at, std::uint32_t expected) {
  syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void wake(const std::uint32_t* at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void yield_turn() { sched_yield(); }

void check_failed(const char* text, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: %s does not hold\n", file, line, text);
  std::abort();
}

}  // namespace pagebox::inline PAGEBOX_ENV

#endif
