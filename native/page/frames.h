// The bytes behind the pages: one memfd, frame i at offset i * 4096, so that a
// frame can be mapped a second time elsewhere. Reserved, untouched, zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/errc.h"
#include "base/mapping.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Frames {
 public:
  /// Frames for pfns [first, first + pages). kInval: no pages; kNoMem.
  static Errc create(Pfn first, std::uint64_t pages, const char* name,
                     std::unique_ptr<Frames>& out);

  Pfn first() const { return first_; }
  std::uint64_t pages() const { return pages_; }
  bool has(Pfn pfn) const { return pfn >= first_ && pfn - first_ < pages_; }

  /// The frame's 4096 bytes.
  std::byte* data(Pfn pfn) const { return mapping_.data() + offset_bytes(pfn); }
  int fd() const { return mapping_.fd(); }
  std::uint64_t offset_bytes(Pfn pfn) const { return (pfn - first_) * kPageBytes; }

  /// Gives the frames' memory back to the system; they read as zero. A system
  /// call: for many freed frames at once, not for each free.
  Errc discard(Pfn pfn, std::uint64_t pages = 1);

 private:
  Frames() = default;
  Pfn first_;
  std::uint64_t pages_ = 0;
  Mapping mapping_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
