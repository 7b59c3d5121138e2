#include "base/lock.h"

#include <gtest/gtest.h>

namespace {

TEST(BaseLock, SpinLockIsHeldByOne) {
  pagebox::SpinLock lock;
  EXPECT_FALSE(lock.is_locked());
  EXPECT_TRUE(lock.try_lock());
  EXPECT_TRUE(lock.is_locked());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  {
    pagebox::Guard hold(lock);
    EXPECT_TRUE(lock.is_locked());
  }
  EXPECT_FALSE(lock.is_locked());
}

TEST(BaseLock, RwLockIsHeldByReadersOrOneWriter) {
  pagebox::RwLock lock;
  lock.lock_shared();
  EXPECT_TRUE(lock.try_lock_shared());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_shared();
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_shared();
  EXPECT_TRUE(lock.try_lock());
  EXPECT_TRUE(lock.is_locked_exclusive());
  EXPECT_FALSE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock_shared());
  lock.unlock();
  pagebox::SharedGuard hold(lock);
  EXPECT_FALSE(lock.is_locked_exclusive());
}

}  // namespace
