// What the core tells AddressSanitizer about its own memory; nothing in other
// builds.
#pragma once

#include <cstddef>

#include "base/env.h"

#if defined(__SANITIZE_ADDRESS__)
#define PAGEBOX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAGEBOX_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define PAGEBOX_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAGEBOX_TSAN 1
#endif
#endif

#ifdef PAGEBOX_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace pagebox::inline PAGEBOX_ENV::sanitizer {

#ifdef PAGEBOX_ASAN
/// Accesses to the bytes are errors until they are unpoisoned.
inline void poison(const void* at, std::size_t size_bytes) {
  __asan_poison_memory_region(at, size_bytes);
}
inline void unpoison(const void* at, std::size_t size_bytes) {
  __asan_unpoison_memory_region(at, size_bytes);
}
#else
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
#endif

}  // namespace pagebox::inline PAGEBOX_ENV::sanitizer
