// A native thread that works for an environment. JavaScript asks whether it is
// done; it never calls into JavaScript, so it cannot meet an environment that is
// going. The cleanup hook stops and joins it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "addon/env_data.h"
#include "addon/told_memory.h"

namespace pagebox::addon {

class Job : public EnvResource {
 public:
  ~Job() override = default;

  bool done() const { return done_.load(); }
  /// Since it began: until now, or until it was done.
  double seconds() const {
    const auto until = done() ? ended_ : Clock::now();
    return std::chrono::duration<double>(until - begun_).count();
  }
  void stop() override = 0;
  /// About what it holds until its result is taken.
  ToldMemory& memory() { return memory_; }
  /// Waits for the thread; not from the thread itself.
  void end() final {
    stop();
    if (thread_.joinable()) thread_.join();
  }

 protected:
  /// False: the system gives no thread. `body` must not outlive `*this`: derived
  /// classes call end() in their destructors.
  template <class Body>
  bool start(Body body) {
    begun_ = Clock::now();
    try {
      thread_ = std::thread([this, body] {
        body();
        ended_ = Clock::now();
        done_.store(true);
      });
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  ToldMemory memory_;
  std::thread thread_;
  Clock::time_point begun_, ended_;  // ended_: once done
  std::atomic<bool> done_{false};
};

}  // namespace pagebox::addon
