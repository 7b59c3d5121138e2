// Several bodies on one OS thread, in turn: each goes on until it ends or has to wait. For who runs
// the threads of a scenario in order and lets one of them stand still in the middle. Who goes next
// is a function of what the bodies do: the first of those that have not waited since something
// happened.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "base/fiber.h"

namespace pagebox::inline PAGEBOX_ENV {

class Patience;

class Turns {
 public:
  Turns() = default;
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Returns when all bodies have ended. No exception leaves one. `stuck` is asked when nobody
  /// gets anywhere; true: it has changed something. kNoMem: no stacks; nothing ran.
  Errc run(std::vector<std::function<void()>> bodies, std::function<bool()> stuck);

  /// Bodies run on this OS thread.
  static bool is_active();
  /// The running body waits: others go on. False: nobody gets anywhere, all of them wait.
  static bool pass();
  /// Something has happened that others may wait for.
  static void progressed();

 private:
  struct Body {
    std::function<void()> run;
    FiberStack stack;
    Turns* owner = nullptr;
    bool ended = false, waits = false;
  };
  static constexpr std::size_t kNobody = ~std::size_t{0};
  /// Of a body that waits for a lock, say: so many looks of all without anything happening.
  static constexpr unsigned kRounds = 64;

  static void enter(void* body);
  bool pass_on();
  std::size_t next() const;
  void go(FiberContext& from, std::size_t to);

  std::vector<std::unique_ptr<Body>> bodies_;
  std::function<bool()> stuck_;
  FiberContext main_;
  std::size_t current_ = kNobody;
  unsigned rounds_ = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
