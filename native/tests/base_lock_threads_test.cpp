// Locks under real threads; more threads than cores, so that some must sleep.
#include <gtest/gtest.h>

#include <cstdint>

#include "base/host/threads.h"
#include "base/lock.h"
#include "base/percpu_rw_lock.h"

namespace {

using namespace pagebox;

constexpr unsigned kThreads = 4;
constexpr int kRounds = 20'000;

TEST(BaseLockThreads, SpinLockExcludes) {
  SpinLock lock;
  std::uint64_t count = 0;
  ASSERT_EQ(run_threads(kThreads,
                        [&](unsigned) {
                          for (int i = 0; i < kRounds; ++i) {
                            Guard hold(lock);
                            ++count;
                          }
                        }),
            Errc::kOk);
  EXPECT_EQ(count, std::uint64_t{kThreads} * kRounds);
  EXPECT_FALSE(lock.is_locked());
}

/// Who holds it leaves the core meanwhile, so that the others sleep, one behind another.
TEST(BaseLockThreads, WhoSleepsForASpinLockGetsIt) {
  SpinLock lock;
  std::uint64_t count = 0;
  constexpr int kHolds = 20;
  ASSERT_EQ(run_threads(kThreads,
                        [&](unsigned) {
                          for (int i = 0; i < kHolds; ++i) {
                            Guard hold(lock);
                            nap();
                            ++count;
                          }
                        }),
            Errc::kOk);
  EXPECT_EQ(count, std::uint64_t{kThreads} * kHolds);
  EXPECT_FALSE(lock.is_locked());
}

/// Readers and writers that look first, yield then and sleep at last: all get it.
TEST(BaseLockThreads, WhoSleepsForAnRwLockGetsIt) {
  RwLock lock;
  std::uint64_t written = 0;
  Atomic<std::uint64_t> read;
  constexpr int kHolds = 20;
  ASSERT_EQ(run_threads(kThreads,
                        [&](unsigned me) {
                          for (int i = 0; i < kHolds; ++i) {
                            if (me % 2 == 0) {
                              Guard hold(lock);
                              nap();
                              ++written;
                            } else {
                              SharedGuard hold(lock);
                              nap();
                              read.fetch_add(1);
                            }
                          }
                        }),
            Errc::kOk);
  EXPECT_EQ(written, std::uint64_t{kThreads} / 2 * kHolds);
  EXPECT_EQ(read.load(), std::uint64_t{kThreads} / 2 * kHolds);
  EXPECT_TRUE(lock.try_lock());
}

RwLock& for_reading(RwLock& lock, unsigned) { return lock; }
RwLock& for_reading(PercpuRwLock& lock, unsigned thread) { return lock.of(thread); }

template <class Lock>
void expect_it_excludes() {
  Lock lock;
  std::uint64_t words[2] = {};
  std::uint64_t torn[kThreads] = {};
  ASSERT_EQ(run_threads(
                kThreads,
                [&](unsigned me) {
                  for (int i = 0; i < kRounds; ++i) {
                    if ((i + static_cast<int>(me)) % 4 == 0) {
                      Guard hold(lock);
                      ++words[0];
                      ++words[1];
                    } else {
                      SharedGuard hold(for_reading(lock, me));
                      torn[me] += words[0] != words[1] ? 1 : 0;
                    }
                  }
                },
                0),
            Errc::kOk);
  EXPECT_EQ(words[0], std::uint64_t{kThreads} * kRounds / 4);
  for (const auto count : torn) EXPECT_EQ(count, 0U);
}

TEST(BaseLockThreads, RwLockExcludes) { expect_it_excludes<RwLock>(); }
TEST(BaseLockThreads, PercpuRwLockExcludes) { expect_it_excludes<PercpuRwLock>(); }

}  // namespace
