// Bytes that others may write while they are copied, as a program writes its page
// while the kernel copies it: each aligned word arrives old or new, never torn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/env.h"
#include "base/memory_changes.h"
#include "base/sanitizer.h"

// The C library's moves are the ones that this processor is quickest with: on an AMD EPYC
// `rep stosq` takes 1.4 times as long as its memset on a page that is in no cache, `rep movsq`
// 1.15 times its memcpy. On x86-64 they go by vectors or strings, never by less than an aligned
// word. Under sanitizers words are moved one by one, so that they see whose memory it is.
#if defined(__x86_64__) && !defined(PAGEBOX_TSAN) && !defined(PAGEBOX_ASAN)
#define PAGEBOX_LIBRARY_MOVES 1
#endif

namespace pagebox::inline PAGEBOX_ENV {

/// All are 8-aligned, `words` of 8 bytes. Relaxed order; no scheduling points.
inline void copy_shared_words(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  memory_changes(to, words * sizeof *to);
#ifdef PAGEBOX_LIBRARY_MOVES
  // A size that the compiler does not know: it would put a string move here.
  asm volatile("" : "+r"(words), "+r"(to), "+r"(from) : : "memory");
  std::memcpy(to, from, words * sizeof *to);
  asm volatile("" : : : "memory");
#else
  for (std::size_t i = 0; i < words; ++i)
    __atomic_store_n(to + i, __atomic_load_n(from + i, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
#endif
}

inline void clear_shared_words(std::uint64_t* at, std::size_t words) {
  memory_changes(at, words * sizeof *at);
#ifdef PAGEBOX_LIBRARY_MOVES
  asm volatile("" : "+r"(words), "+r"(at) : : "memory");
  std::memset(at, 0, words * sizeof *at);
  asm volatile("" : : : "memory");
#else
  for (std::size_t i = 0; i < words; ++i) __atomic_store_n(at + i, 0, __ATOMIC_RELAXED);
#endif
}

}  // namespace pagebox::inline PAGEBOX_ENV
