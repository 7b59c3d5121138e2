// Sequence counts, reference counts, RCU and completions under real threads.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/completion.h"
#include "base/host/threads.h"
#include "base/percpu_ref.h"
#include "base/rcu.h"
#include "base/seqcount.h"

namespace {

using namespace pagebox;

TEST(BaseSyncThreads, SeqCountReadersSeeWholeWrites) {
  SeqCount sequence;
  Atomic<std::uint32_t> words[2];
  Atomic<std::uint32_t> done;
  std::uint64_t torn = 0;
  static_cast<void>(run_threads(2, [&](unsigned me) {
    if (me == 0) {
      for (std::uint32_t i = 1; i <= 50'000; ++i) {
        sequence.write_begin();
        words[0].store(i, std::memory_order_release);  // pairs with the reader's loads
        words[1].store(i, std::memory_order_release);
        sequence.write_end();
      }
      done.store(1);
      return;
    }
    while (done.load() == 0) {
      std::uint32_t begun = 0;
      std::uint32_t a = 0;
      std::uint32_t b = 0;
      do {
        begun = sequence.read_begin();
        a = words[0].load(std::memory_order_acquire);
        b = words[1].load(std::memory_order_acquire);
      } while (sequence.read_retry(begun));
      torn += a != b ? 1 : 0;
    }
  }));
  EXPECT_EQ(torn, 0U);
}

TEST(BaseSyncThreads, PercpuRefKillWaitsForAllPuts) {
  for (int round = 0; round < 200; ++round) {
    PercpuRef ref;
    std::uint64_t object = 1;  // plain: TSan judges the order
    std::uint64_t wrong[4] = {};
    static_cast<void>(run_threads(4, [&](unsigned me) {
      if (me == 0) {
        ref.kill();
        ref.wait_zero();
        object = 2;
        return;
      }
      for (unsigned i = 0; ref.tryget_live(me + i); ++i) {
        wrong[me] += object != 1 ? 1 : 0;
        ref.put(me);
      }
    }));
    EXPECT_EQ(object, 2U);
    for (const auto count : wrong) EXPECT_EQ(count, 0U);
  }
}

struct Node {
  RcuHead head;
  std::uint64_t value = 1;
  Atomic<std::uint32_t>* live = nullptr;
  static void free(RcuHead* head) {
    auto* node = reinterpret_cast<Node*>(head);
    node->live->fetch_sub(1);
    node->value = 0;
    delete node;
  }
};

TEST(BaseSyncThreads, RcuFreesBehindReaders) {
  RcuDomain rcu;
  Atomic<std::uint32_t> live;
  const auto make = [&] {
    live.fetch_add(1);
    return new Node{.head = {}, .value = 1, .live = &live};
  };
  Atomic<Node*> current(make());
  Atomic<std::uint32_t> done;
  std::uint64_t wrong[4] = {};
  static_cast<void>(run_threads(4, [&](unsigned me) {
    if (me < 2) {
      for (int i = 0; i < 5000; ++i) {
        Node* old = current.exchange(make());
        if (i % 64 == 0) {
          rcu.synchronize();
          Node::free(&old->head);
        } else {
          rcu.call_rcu(&old->head, Node::free);
          rcu.poll();
        }
      }
      done.fetch_add(1);
      return;
    }
    while (done.load() != 2) {
      RcuReadGuard reading(rcu, me);
      wrong[me] += current.load()->value != 1 ? 1 : 0;
    }
  }));
  rcu.barrier();
  EXPECT_EQ(rcu.queued(), 0U);
  EXPECT_EQ(live.load(), 1U);
  Node::free(&current.load()->head);
  for (const auto count : wrong) EXPECT_EQ(count, 0U);
}

TEST(BaseSyncThreads, CompletionWakesAll) {
  Completion done;
  int value = 0;
  int seen[3] = {};
  static_cast<void>(run_threads(4, [&](unsigned me) {
    if (me == 3) {
      value = 7;
      done.complete_all();
      return;
    }
    done.wait();
    seen[me] = value;
  }));
  for (const int each : seen) EXPECT_EQ(each, 7);
}

}  // namespace
