#include "base/sched.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/check.h"

namespace pagebox::inline PAGEBOX_ENV {

// A box belongs to one process, so the cheaper private futexes do, for shared
// mappings too: their key is (process, address).
void wait_on(const std::uint32_t* at, std::uint32_t expected) {
  syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

bool sleep_on(const std::uint32_t* at, std::uint32_t expected) {
  const timespec limit{0, long{kSleepMs} * 1'000'000};
  return syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, expected, &limit, nullptr, 0) == 0 ||
         errno != ETIMEDOUT;
}

void nap() {
  const timespec limit{0, long{kNapMs} * 1'000'000};
  nanosleep(&limit, nullptr);
}

void wake(const std::uint32_t* at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void wake_one(const std::uint32_t* at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void yield_turn() { sched_yield(); }

void check_failed(const char* text, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: %s does not hold\n", file, line, text);
  std::abort();
}

}  // namespace pagebox::inline PAGEBOX_ENV
