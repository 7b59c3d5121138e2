// Memory that is reserved now and costs nothing until it is touched.
#pragma once

#include <cstddef>

#include "base/env.h"
#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

/// One mmap region; unmapped by the destructor. Not inherited by fork(). Who writes there in
/// another way than by what base/ has for shared memory (atomics, Plain, locks, tallies, shared
/// bytes, blocks) tells memory_changes().
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Mapping();

  /// Private zero pages, at a multiple of `alignment_bytes` (a power of two,
  /// 0: any page). Reserving is not limited by RAM. kInval for zero bytes or a bad
  /// alignment, kNoMem when the address space is refused.
  static Result<Mapping> reserve(std::size_t size_bytes, std::size_t alignment_bytes = 0);
  /// The same, so that a large one may be made of huge pages.
  static Result<Mapping> reserve_large(std::size_t size_bytes);

  /// A shared mapping of a new memfd, whose offset i is byte i here. In the model there may
  /// be none behind it.
  static Result<Mapping> memfd(std::size_t size_bytes, const char* name);

  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }
  /// The memfd, owned by the mapping; -1 for a private one.
  int fd() const { return fd_; }

  /// Whole pages back to zero pages; their memory returns to the system.
  Errc discard(std::size_t offset_bytes, std::size_t size_bytes);

  /// Makes memory of the first bytes, and leaves what they hold: whoever measures does not
  /// mean to time the system's faults. kNoMem: the system has none.
  Errc populate(std::size_t size_bytes);

  /// Asks for huge pages. Only for memory that will be touched throughout: on a
  /// sparse one each touch costs 2 MiB. Refusal is no error worth stopping for.
  Errc advise_huge_pages();

 private:
  void swap(Mapping& other) noexcept;
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  int fd_ = -1;
};

}  // namespace pagebox::inline PAGEBOX_ENV
