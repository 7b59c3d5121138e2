#include "base/block_move.h"

#include "base/shared_bytes.h"

// In the model there is nothing to gain.
#if defined(PAGEBOX_LIBRARY_MOVES) && !defined(PAGEBOX_MODEL)
#define PAGEBOX_BLOCK_MOVES 1
#include <immintrin.h>
#endif

namespace pagebox::inline PAGEBOX_ENV {

#ifdef PAGEBOX_BLOCK_MOVES
namespace {

/// For the compiler the bytes are others' too.
void others_write() { asm volatile("" : : : "memory"); }

// Words of 8 bytes leave the processor's buffers whole.

void stream_sse(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  const auto* in = reinterpret_cast<const __m128i*>(from);
  auto* out = reinterpret_cast<__m128i*>(to);
  for (const auto* end = out + words / 2; out != end; in += 4, out += 4) {
    const __m128i a = _mm_load_si128(in), b = _mm_load_si128(in + 1);
    const __m128i c = _mm_load_si128(in + 2), d = _mm_load_si128(in + 3);
    _mm_stream_si128(out, a);
    _mm_stream_si128(out + 1, b);
    _mm_stream_si128(out + 2, c);
    _mm_stream_si128(out + 3, d);
  }
}

[[gnu::target("avx")]] void stream_avx(std::uint64_t* to, const std::uint64_t* from,
                                       std::size_t words) {
  const auto* in = reinterpret_cast<const __m256i*>(from);
  auto* out = reinterpret_cast<__m256i*>(to);
  for (const auto* end = out + words / 4; out != end; in += 2, out += 2) {
    const __m256i a = _mm256_load_si256(in), b = _mm256_load_si256(in + 1);
    _mm256_stream_si256(out, a);
    _mm256_stream_si256(out + 1, b);
  }
}

[[gnu::target("avx")]] void copy_avx(std::uint64_t* to, const std::uint64_t* from,
                                     std::size_t words) {
  const auto* in = reinterpret_cast<const __m256i*>(from);
  auto* out = reinterpret_cast<__m256i*>(to);
  for (const auto* end = out + words / 4; out != end; in += 2, out += 2) {
    const __m256i a = _mm256_load_si256(in), b = _mm256_load_si256(in + 1);
    _mm256_store_si256(out, a);
    _mm256_store_si256(out + 1, b);
  }
}

[[gnu::target("avx")]] void clear_avx(std::uint64_t* at, std::size_t words) {
  auto* out = reinterpret_cast<__m256i*>(at);
  const __m256i zero = _mm256_setzero_si256();
  for (const auto* end = out + words / 4; out != end; out += 4) {
    _mm256_store_si256(out, zero);
    _mm256_store_si256(out + 1, zero);
    _mm256_store_si256(out + 2, zero);
    _mm256_store_si256(out + 3, zero);
  }
}

/// Elsewhere the C library is trusted.
bool vectors_are_quickest() {
  return __builtin_cpu_supports("avx") != 0 && __builtin_cpu_is("amd") != 0;
}

}  // namespace

void clear_block(std::uint64_t* at, std::size_t words) {
  // Pages that follow each other in memory, in no cache: the C library's one string store takes
  // 1.4 times as long, and 1.6 where a locked instruction waits for it; of those that lie anywhere
  // as long. What fetches lines ahead makes it worse: these stores need not read them.
  if (!vectors_are_quickest()) return clear_shared_words(at, words);
  others_write();
  clear_avx(at, words);
  others_write();
}

void copy_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  // Of a page the C library makes one string move there, which takes 1.15 times as long where no
  // cache has it, and 1.8 times where one has.
  if (!vectors_are_quickest()) return copy_shared_words(to, from, words);
  others_write();
  copy_avx(to, from, words);
  others_write();
}

void stream_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  others_write();
  if (__builtin_cpu_supports("avx"))
    stream_avx(to, from, words);
  else
    stream_sse(to, from, words);
  others_write();
}

void streamed() { _mm_sfence(); }
#else
void clear_block(std::uint64_t* at, std::size_t words) { clear_shared_words(at, words); }
void copy_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  copy_shared_words(to, from, words);
}
void stream_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words) {
  copy_shared_words(to, from, words);
}
void streamed() {}
#endif

}  // namespace pagebox::inline PAGEBOX_ENV
