// Every frame of the machine: RAM and, behind it, a region for each device that
// has memory of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/errc.h"
#include "base/mapping.h"
#include "page/frames.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A page's contents that go elsewhere.
struct FrameCopy {
  Pfn to, from;
};

/// A page's contents that go to other storage, as FrameMap::read() has them.
struct FrameRead {
  Pfn from;
  std::byte* to;
};

class FrameMap {
 public:
  /// RAM: frames [0, pages). kNoMem: the address space is refused.
  Errc create(std::uint64_t pages);
  /// A device's frames [first, first + pages). Not while others run.
  Errc add_region(Pfn first, std::uint64_t pages);
  void remove_region(Pfn first);

  /// The frame's 4096 bytes. A pfn that no region holds, as damaged descriptors can lead
  /// to, has bytes that are nobody's.
  std::byte* at(Pfn pfn) const {
    if (ram_->has(pfn)) return ram_->data(pfn);
    return at_region(pfn);
  }
  /// Whose bytes these are.
  std::optional<Pfn> frame_at(const std::byte* at) const;
  int fd() const { return ram_->fd(); }

  // Each call is one step of an exploration, which sees the frames that it reads and writes.

  /// What a user program stores while its page is copied may or may not be in the
  /// copy, word by word, as on a machine.
  void copy(Pfn to, Pfn from, std::uint64_t pages = 1) const;
  /// copy() of each, in any order. What moves many pages at once does not look at them: they go
  /// past the caches, unless the machine is so small that it fits there.
  void copy_each(std::span<const FrameCopy> copies) const;
  void clear(Pfn pfn, std::uint64_t pages = 1) const;
  bool is_zero(Pfn pfn) const;
  std::uint64_t word(Pfn pfn, std::uint64_t offset_bytes = 0) const;
  void set_word(Pfn pfn, std::uint64_t offset_bytes, std::uint64_t value) const;
  /// To and from bytes that only the caller sees, or of a page of other storage
  /// (the swap area), which belongs to the same step.
  void read(Pfn pfn, std::byte* out) const;
  /// read() of each, past the caches as copy_each() has it. To whole pages.
  void read_each(std::span<const FrameRead> reads) const;
  void write(Pfn pfn, const std::byte* from) const;

 private:
  static constexpr std::uint64_t kBeyondCachesPages = 4096, kStreamedRunPages = 8;

  /// A smaller machine fits into caches: nothing is gained by sparing them, or by hints.
  bool is_beyond_caches() const { return ram_->pages() >= kBeyondCachesPages; }
  bool streams(std::size_t pages) const { return pages >= kStreamedRunPages && is_beyond_caches(); }
  void stream(std::byte* to, Pfn from_pfn) const;
  std::byte* at_region(Pfn pfn) const;

  std::unique_ptr<Frames> ram_;
  std::vector<std::unique_ptr<Frames>> regions_;
  Mapping nobodys_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
