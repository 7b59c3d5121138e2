// Files of a box's machine, in memory and real ones.
#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/file/page_cache.h"

namespace pagebox::inline PAGEBOX_ENV {

Result<ObjectId> BoxMachine::create_file(unsigned user, std::uint64_t pages, bool on_disk) {
  AddressSpace* file = on_disk ? create_disk_file(machine_, std::make_unique<MemoryDisk>())
                               : create_shmem(machine_, pages);
  if (file == nullptr) return Errc::kNoMem;
  file->set_size_pages(pages);
  Guard guard(lock_);
  files_.emplace(next_id_, BoxFile{file, nullptr, nullptr, user});
  return next_id_++;
}

Result<ObjectId> BoxMachine::open_file(unsigned user, const std::string& path,
                                       const FileDiskOptions& options) {
  std::unique_ptr<FileDisk> disk;
  if (const Errc error = FileDisk::open(store_, path, options, disk); error != Errc::kOk)
    return error;
  const auto pages = disk->size_pages();
  if (!pages) return pages.error;
  FileDisk* kept = disk.get();
  AddressSpace* file = create_disk_file(machine_, std::move(disk));
  if (file == nullptr) return Errc::kNoMem;
  file->set_size_pages(pages.value);
  Guard guard(lock_);
  files_.emplace(next_id_, BoxFile{file, kept, nullptr, user});
  return next_id_++;
}

Errc BoxMachine::close_file(ObjectId id) {
  BoxFile closing;
  {
    Guard guard(lock_);
    const auto at = files_.find(id);
    if (at == files_.end()) return Errc::kBadF;
    closing = at->second;
    files_.erase(at);
  }
  put_file(cpu(closing.user), *closing.file);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
