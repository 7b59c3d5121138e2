// What a pin costs: measurement kernels for `pagebox compare`. A sampler is set
// up once (descriptors touched, indices drawn); each sample runs a number of
// operations and says how long they took, so that the caller can interleave
// rounds of several samplers.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/errc.h"
#include "base/host/counters.h"
#include "engine/box/box.h"
#include "engine/scenario/pattern.h"
#include "engine/scenario/pin_op.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class CostLoop : std::uint8_t {
  kScheme,  // pagebox's own batch kernel
  kLimit,   // the least that C++ can do for this scheme (limit_loops.h)
  kNone,    // the index stream alone
};

struct CostSettings {
  BoxSettings box;  // pages: the working set; ledger as it says
  PageSetup setup;  // of every page
  Pattern pattern = Pattern::kHot;
  unsigned threads = 1;
  PinOp op = PinOp::kPinUnpin;  // kPin and kUnpin alternate untimed with the other
  /// Instead of `op`: pins and unpins in random order (LimitMix), with CostLoop::kLimit alone;
  /// what is held at the end of a sample is given back untimed.
  bool mix = false;
  CostLoop loop = CostLoop::kScheme;
  bool prefetch = true;
  bool draws = false;     // pages are drawn within what is timed, a few at a time, as a race does
  bool counters = false;  // count as well, which takes a system call before and after the loop
  std::uint64_t seed = 1;
};

struct CostSample {
  std::uint64_t ns = 0;       // one thread: its CPU time; more: wall time of the slowest
  std::uint64_t cpu_ns = 0;   // in the timed loops, of all threads together
  std::uint64_t ops = 0;      // of one thread
  std::uint64_t retries = 0;  // refused, so that a caller would have to try again
  CounterValues counted;      // in what was timed, of all threads; empty unless asked for
};

class CostSampler {
 public:
  /// kInval: an op without a kernel, threads out of range, no limit loop for a
  /// declared scheme; else as Box::create and Box::setup.
  static Errc create(const CostSettings& settings, std::unique_ptr<CostSampler>& out,
                     std::string* reason = nullptr);
  /// The same on a box that exists, set up by the caller. A scheme other than the
  /// box's counts beside it; kRefused: it needs a layout of its own.
  static Errc create_on(std::shared_ptr<Box> box, const CostSettings& settings,
                        std::unique_ptr<CostSampler>& out, std::string* reason = nullptr);
  /// Another measurement on the descriptors of this one; they take turns.
  Errc create_beside(const CostSettings& settings, std::unique_ptr<CostSampler>& out,
                     std::string* reason = nullptr) const;
  ~CostSampler();

  /// Runs `ops` operations in each thread; the box is as before afterwards. One thread
  /// is the caller's own. kBusy, kBadF: the box is not free for a run.
  Errc sample(std::uint64_t ops, CostSample& out);

 private:
  CostSampler();
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
