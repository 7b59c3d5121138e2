// Bytes that others may write while they are copied, as a program writes its page
// while the kernel copies it: each aligned word arrives old or new, never torn.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/env.h"
#include "base/sanitizer.h"

// A string move is as fast as memcpy, and no sanitizer takes it for a race. Under
// sanitizers words are moved one by one, so that they see whose memory it is.
#if defined(__x86_64__) && !defined(PAGEBOX_TSAN) && !defined(PAGEBOX_ASAN)
#define PAGEBOX_STRING_MOVES 1
#endif

namespace pagebox::inline PAGEBOX_ENV {

/// All are 8-aligned, `words` of 8 bytes. Relaxed order; no scheduling points.
inline void copy_shared_words(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
#ifdef PAGEBOX_STRING_MOVES
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
#else
  for (std::size_t i = 0; i < words; ++i)
    __atomic_store_n(to + i, __atomic_load_n(from + i, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
#endif
}

inline void clear_shared_words(std::uint64_t* at, std::size_t words) {
#ifdef PAGEBOX_STRING_MOVES
  asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0ULL) : "memory");
#else
  for (std::size_t i = 0; i < words; ++i) __atomic_store_n(at + i, 0, __ATOMIC_RELAXED);
#endif
}

}  // namespace pagebox::inline PAGEBOX_ENV
