// How long a file lives: from its making until its last user (a descriptor, a mapping) is
// gone. The machine has their pool, for descriptors name them.
#pragma once

#include <cstdint>
#include <memory>

#include "mm/address_space.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
class Machine;

// One user: whoever asked. Null: no more files can be had.
/// A new file of `pages` holes.
AddressSpace* create_shmem(Machine& machine, std::uint64_t pages);
AddressSpace* create_disk_file(Machine& machine, std::unique_ptr<BackingStore> disk);
/// A file of a driver; `driver` outlives its last user.
AddressSpace* create_driver_file(Machine& machine, DriverFile& driver);

inline void get_file(AddressSpace& file) { file.users.fetch_add(1); }
/// The last one writes back what the store keeps, and drops the pages.
void put_file(Cpu& cpu, AddressSpace& file);

}  // namespace pagebox::inline PAGEBOX_ENV
