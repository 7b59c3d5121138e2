// A disk in memory: the store behind ext2 files of scenarios (the recordings used
// a RAM disk too).
#pragma once

#include <cstddef>
#include <vector>

#include "base/lock.h"
#include "mm/address_space.h"

namespace pagebox::inline PAGEBOX_ENV {

class MemoryDisk final : public BackingStore {
 public:
  Errc read_page(std::uint64_t index, std::byte* out) override;
  Errc write_page(std::uint64_t index, const std::byte* from) override;
  Errc truncate(std::uint64_t pages) override;

 private:
  SpinLock lock_;
  std::vector<std::byte> bytes_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
