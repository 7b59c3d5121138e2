// A disk in memory: the store behind ext2 files of scenarios (the recordings used
// a RAM disk too). It takes what was written to it; the rest are holes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/lock.h"
#include "base/plain.h"
#include "mm/address_space.h"
#include "mm/file/slot_tree.h"

namespace pagebox::inline PAGEBOX_ENV {

class MemoryDisk final : public BackingStore {
 public:
  Errc read_page(std::uint64_t index, std::byte* out) override;
  Errc write_page(std::uint64_t index, const std::byte* from) override;
  Errc truncate(std::uint64_t pages) override;

 private:
  using Block = std::array<std::byte, kPageBytes>;

  SpinLock lock_;
  [[no_unique_address]] PlainMark mark_;     // of blocks_ and what is in them
  SlotTree<std::unique_ptr<Block>> blocks_;  // lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
