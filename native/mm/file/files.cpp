#include "mm/file/files.h"

#include <utility>

#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"
#include "mm/machine.h"

namespace pagebox::inline PAGEBOX_ENV {

AddressSpace* create_shmem(Machine& machine, std::uint64_t pages) {
  AddressSpace* file = machine.files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kShmem;
  file->set_size_pages(pages);
  file->users.store(1);
  return file;
}

AddressSpace* create_disk_file(Machine& machine, std::unique_ptr<BackingStore> disk) {
  AddressSpace* file = machine.files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kDisk;
  file->disk = std::move(disk);
  file->users.store(1);
  return file;
}

AddressSpace* create_driver_file(Machine& machine, DriverFile& driver) {
  AddressSpace* file = machine.files.alloc();
  if (file == nullptr) return nullptr;
  file->kind = FileKind::kDriver;
  file->driver = &driver;
  file->users.store(1);
  return file;
}

void put_file(Cpu& cpu, AddressSpace& file) {
  if (file.users.fetch_sub(1) != 1) return;
  DriverFile* driver = file.driver;
  if (driver == nullptr) {
    if (file.disk != nullptr && file.disk->keeps_bytes()) {
      filemap_write_and_wait(cpu, file, 0, file.size_pages());
      drop_cache(cpu, file, 0);
    } else {
      truncate_file(cpu, file, 0);
    }
  }
  if (driver != nullptr) driver->release(cpu);
  cpu.machine.files.free(&file);
}

}  // namespace pagebox::inline PAGEBOX_ENV
