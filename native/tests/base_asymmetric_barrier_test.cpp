// Both ways of the barrier between a frequent and a rare side, and the refusals of a system.
#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "base/asymmetric_barrier.h"
#include "base/host/threads.h"

namespace {

using namespace pagebox;
using Payer = AsymmetricBarrier::Payer;

/// Rounds in which the frequent side was inside beside the rare one.
std::uint64_t broken_rounds(Payer payer) {
  AsymmetricBarrier barrier(payer);
  constexpr int kRounds = 20'000;
  alignas(64) Atomic<std::uint32_t> active;
  alignas(64) Atomic<std::uint32_t> shut;
  alignas(64) Atomic<std::uint64_t> entered;
  Atomic<std::uint32_t> done;
  std::uint64_t field = 0, broken = 0;  // `field`, plain, is for the sanitizer of threads
  const auto alone = [&] {
    for (int round = 0; round < kRounds; ++round) {
      shut.store(1);
      barrier.pay();
      for (SpinWait wait; active.load() != 0;) wait.pause();
      const std::uint64_t before = entered.load(atomics::kRelaxed);
      ++field;
      for (int i = 0; i < 8; ++i) cpu_relax();
      broken += entered.load(atomics::kRelaxed) != before ? 1 : 0;
      shut.store(0);
    }
    done.store(1);
  };
  const auto enter = [&] {
    while (done.load(atomics::kRelaxed) == 0) {
      barrier.announce(active, 1);
      if (shut.load() == 0) {
        entered.store(entered.load(atomics::kRelaxed) + 1, atomics::kRelaxed);
        ++field;
      }
      active.store(0, atomics::kRelease);
    }
  };
  EXPECT_EQ(run_threads(2, [&](unsigned me) { me == 0 ? alone() : enter(); }), Errc::kOk);
  EXPECT_GT(field, static_cast<std::uint64_t>(kRounds) - 1);
  return broken;
}

TEST(AsymmetricBarrier, KeepsTheSidesApartWhoeverPays) {
  EXPECT_EQ(broken_rounds(Payer::kRare), 0U);
  EXPECT_EQ(broken_rounds(Payer::kBoth), 0U);
}

TEST(AsymmetricBarrier, WhoeverWantsBothToPayIsHeard) {
  EXPECT_FALSE(AsymmetricBarrier{Payer::kBoth}.rare_pays());
}

/// As a container's filter: of this thread alone. False: not here.
bool refuse_membarrier() {
  std::array<sock_filter, 4> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(AsymmetricBarrier, WhereTheSystemRefusesBothPay) {
  AsymmetricBarrier before;
  bool refused = false, rare_pays = true;
  std::thread([&] {
    if (!(refused = refuse_membarrier())) return;
    rare_pays = AsymmetricBarrier{}.rare_pays();
    EXPECT_FALSE(system_barrier());
    before.pay();  // waits a little instead
  }).join();
  if (!refused) GTEST_SKIP();
  EXPECT_FALSE(rare_pays);
}

}  // namespace
