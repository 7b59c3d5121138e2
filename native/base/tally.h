// Counters of the sandbox's own books (ledger, progress), which the code under
// test never reads: atomic among threads, and no scheduling points in the model,
// or the books would multiply the schedules of what they watch.
#pragma once

#include <concepts>

#include "base/env.h"
#include "base/memory_changes.h"

namespace pagebox::inline PAGEBOX_ENV::tally {

template <std::integral T>
T load(const T& at) {
  return __atomic_load_n(&at, __ATOMIC_ACQUIRE);
}
template <std::integral T>
void store(T& at, T value) {
  memory_changes(&at, sizeof at);
  __atomic_store_n(&at, value, __ATOMIC_RELEASE);
}
template <std::integral T>
T add(T& at, T by) {
  memory_changes(&at, sizeof at);
  return __atomic_fetch_add(&at, by, __ATOMIC_ACQ_REL);
}
/// False, and nothing changes: less than `by` is there.
template <std::unsigned_integral T>
bool try_sub(T& at, T by) {
  memory_changes(&at, sizeof at);
  T seen = load(at);
  do {
    if (seen < by) return false;
  } while (!__atomic_compare_exchange_n(&at, &seen, static_cast<T>(seen - by), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return true;
}
/// Both return the bits that were set before.
template <std::unsigned_integral T>
T set_bits(T& at, T bits) {
  memory_changes(&at, sizeof at);
  return __atomic_fetch_or(&at, bits, __ATOMIC_ACQ_REL);
}
template <std::unsigned_integral T>
T clear_bits(T& at, T bits) {
  memory_changes(&at, sizeof at);
  return __atomic_fetch_and(&at, static_cast<T>(~bits), __ATOMIC_ACQ_REL);
}

}  // namespace pagebox::inline PAGEBOX_ENV::tally
