// Native memory that V8 is told of: what it weighs decides when V8 looks for objects
// that nobody uses any more.
#pragma once

#include <node_api.h>

#include <cstdint>

namespace pagebox::addon {

/// Only for the environment's own thread. What was told has to be taken back with
/// tell(env, 0): the last finalizer, or whoever releases the memory earlier.
class ToldMemory {
 public:
  void tell(napi_env env, std::uint64_t bytes) {
    std::int64_t all = 0;
    const auto change = static_cast<std::int64_t>(bytes - told_);
    if (change != 0 && napi_adjust_external_memory(env, change, &all) == napi_ok) told_ = bytes;
  }

 private:
  std::uint64_t told_ = 0;
};

}  // namespace pagebox::addon
