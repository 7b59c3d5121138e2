// Memory that is reserved now and costs nothing until it is touched.
#pragma once

#include <cstddef>

#include "base/env.h"
#include "base/errc.h"

#ifdef PAGEBOX_MODEL
#include "base/model/run_memory.h"
#endif

namespace pagebox::inline PAGEBOX_ENV {

/// One mmap region; unmapped by the destructor. Not inherited by fork().
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
  static Result<Mapping> reserve(std::size_t size_bytes, std::size_t alignment_bytes = 0) {
    return reserve(size_bytes, alignment_bytes, false);
  }
  /// The same, for large memory of which little is used: reached by page_at() alone.
  static Result<Mapping> reserve_pages(std::size_t size_bytes) {
    return reserve(size_bytes, 0, true);
  }

  /// A shared mapping of a new memfd, whose offset i is byte i here. In the model there may
  /// be none behind it; reached by page_at() alone there.
  static Result<Mapping> memfd(std::size_t size_bytes, const char* name);

  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }
  /// data() + offset_bytes, to be followed no further than its page of 4096 bytes.
  std::byte* page_at(std::size_t offset_bytes) const {
#ifdef PAGEBOX_MODEL
    if (RunMemory::owns(data_)) RunMemory::mark(data_ + offset_bytes);
#endif
    return data_ + offset_bytes;
  }
  /// So many bytes from the begin on will be used: no page of them has to be asked for.
  void mark(std::size_t size_bytes) const;
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
  static Result<Mapping> reserve(std::size_t size_bytes, std::size_t alignment_bytes, bool by_page);
  void swap(Mapping& other) noexcept;
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  int fd_ = -1;
};

}  // namespace pagebox::inline PAGEBOX_ENV
