// How long work that is not a run's own loop hears that it shall end.
#pragma once

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Asked between chunks of work; true: end early. One that was not set never says so.
struct StopAsk {
  bool (*ask)(const void* context) = nullptr;
  const void* context = nullptr;

  bool operator()() const { return ask != nullptr && ask(context); }
};

}  // namespace pagebox::inline PAGEBOX_ENV
