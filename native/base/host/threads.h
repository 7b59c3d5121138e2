// Real threads for the race engine. The model has fibers instead
// (base/model/model_run.h), so there this header is empty.
#pragma once

#include "base/env.h"

#include <pthread.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <vector>

#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Binds the thread that calls it, and no other: of a thread that has ended by then, glibc's
/// pthread_setaffinity_np() finds id 0, which is the caller.
inline void bind_to_core(unsigned core) {
  const unsigned cores = std::thread::hardware_concurrency();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core % (cores == 0 ? 1 : cores), &set);
  (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// Runs `body(index)` on n threads at once and joins them all. `first_core` >= 0 binds
/// thread i to core (first_core + i) modulo the machine's; a refused binding is
/// ignored. kNoThread when the system gives none: `abandon()` is called, which has to
/// end the bodies that wait for the others, and those begun are joined.
template <class Body, class Abandon>
Errc run_threads(unsigned n, Body&& body, int first_core, Abandon&& abandon) {
  std::vector<std::thread> threads;
  threads.reserve(n);
  Errc result = Errc::kOk;
  for (unsigned i = 0; i < n; ++i) {
    const int core = first_core < 0 ? -1 : first_core + static_cast<int>(i);
    try {
      threads.emplace_back([&body, i, core] {
        if (core >= 0) bind_to_core(static_cast<unsigned>(core));
        body(i);
      });
    } catch (const std::system_error&) {
      result = Errc::kNoThread;
      abandon();
      break;
    }
  }
  for (auto& thread : threads) thread.join();
  return result;
}

/// The same for bodies that do not wait for each other.
template <class Body>
Errc run_threads(unsigned n, Body&& body, int first_core = -1) {
  return run_threads(n, body, first_core, [] {});
}

}  // namespace pagebox::inline PAGEBOX_ENV
