#include "base/rcu.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

using pagebox::RcuDomain;
using pagebox::RcuHead;

struct Item {
  RcuHead head;
  int number = 0;
  std::vector<int>* log = nullptr;
};

void note(RcuHead* head) {
  auto* item = reinterpret_cast<Item*>(head);
  item->log->push_back(item->number);
}

TEST(BaseRcu, BarrierRunsCallbacksInOrder) {
  RcuDomain rcu;
  std::vector<int> log;
  Item items[3] = {{{}, 1, &log}, {{}, 2, &log}, {{}, 3, &log}};
  for (Item& item : items) rcu.call_rcu(&item.head, note);
  EXPECT_EQ(rcu.queued(), 3U);
  rcu.barrier();
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(rcu.queued(), 0U);
}

TEST(BaseRcu, PollWaitsForReadersOfThen) {
  RcuDomain rcu;
  std::vector<int> log;
  Item item{{}, 1, &log};
  const unsigned early = rcu.read_lock(4);
  const unsigned nested = rcu.read_lock(4);
  rcu.call_rcu(&item.head, note);
  rcu.poll();
  rcu.read_unlock(nested);
  rcu.poll();
  EXPECT_TRUE(log.empty());
  const unsigned late = rcu.read_lock(4);
  rcu.read_unlock(early);
  rcu.poll();
  EXPECT_EQ(log.size(), 1U) << "a reader that began later holds nothing up";
  rcu.read_unlock(late);
}

TEST(BaseRcu, CallbacksMayQueueMore) {
  RcuDomain rcu;
  struct Chain {
    RcuHead head;
    RcuDomain* rcu = nullptr;
    int left = 0;
  } chain{{}, &rcu, 3};
  struct Step {
    static void run(RcuHead* head) {
      auto* chain = reinterpret_cast<Chain*>(head);
      if (--chain->left > 0) chain->rcu->call_rcu(head, &Step::run);
    }
  };
  rcu.call_rcu(&chain.head, &Step::run);
  rcu.barrier();
  EXPECT_EQ(chain.left, 2);
  rcu.barrier();
  rcu.barrier();
  EXPECT_EQ(chain.left, 0);
}

TEST(BaseRcu, ResetForgetsAnAbandonedReader) {
  RcuDomain rcu;
  static_cast<void>(rcu.read_lock(0));
  rcu.reset();
  rcu.synchronize();
}

}  // namespace
