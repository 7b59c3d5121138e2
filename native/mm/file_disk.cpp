#include "mm/file_disk.h"

#include <cstring>

namespace pagebox::inline PAGEBOX_ENV {

Errc FileDisk::open(FileStore& store, const std::string& path, const FileDiskOptions& options,
                    std::unique_ptr<FileDisk>& out) {
  OpenFlags flags = OpenFlags::kRead | OpenFlags::kWrite;
  if (options.create) flags = flags | OpenFlags::kCreate;
  if (options.truncate) flags = flags | OpenFlags::kTruncate;
  if (options.direct) flags = flags | OpenFlags::kDirect;
  auto file = File::open(store, path, flags);
  if (!file) return file.error;
  auto disk = std::make_unique<FileDisk>();
  disk->file_ = std::move(file.value);
  const auto size = disk->file_.size_bytes();
  if (!size) return size.error;
  if (size.value % kPageBytes != 0) return Errc::kInval;
  out = std::move(disk);
  return Errc::kOk;
}

Result<std::uint64_t> FileDisk::size_pages() const {
  const auto size = file_.size_bytes();
  if (!size) return size.error;
  return size.value / kPageBytes;
}

Errc FileDisk::read_page(std::uint64_t index, std::byte* out) {
  for (std::size_t done = 0; done < kPageBytes;) {
    const auto had = file_.pread(out + done, kPageBytes - done, index * kPageBytes + done);
    if (!had) return had.error;
    if (had.value == 0) {  // beyond the end is a hole
      std::memset(out + done, 0, kPageBytes - done);
      break;
    }
    done += had.value;
  }
  return Errc::kOk;
}

Errc FileDisk::write_page(std::uint64_t index, const std::byte* from) {
  for (std::size_t done = 0; done < kPageBytes;) {
    const auto had = file_.pwrite(from + done, kPageBytes - done, index * kPageBytes + done);
    if (!had) return had.error;
    if (had.value == 0) return Errc::kNoSpc;
    done += had.value;
  }
  return Errc::kOk;
}

Errc FileDisk::truncate(std::uint64_t pages) { return file_.truncate(pages * kPageBytes); }

}  // namespace pagebox::inline PAGEBOX_ENV
