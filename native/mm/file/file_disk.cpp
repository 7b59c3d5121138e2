#include "mm/file/file_disk.h"

#include <cstring>

#include "base/atomic.h"

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
  disk->pages_ = size.value / kPageBytes;
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
    if (had.value == 0) {
      // Nobody here cuts a page that is asked for: another program has shrunk the file.
      if (done != 0 || index < atomics::load(&pages_)) return Errc::kIo;
      std::memset(out, 0, kPageBytes);  // beyond the end is a hole
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
  std::uint64_t pages = atomics::load(&pages_);
  while (pages <= index && !atomics::compare_exchange(&pages_, pages, index + 1)) {}
  return Errc::kOk;
}

Errc FileDisk::truncate(std::uint64_t pages) {
  // Never more than there is, so that no reader takes our own cut for another program's.
  if (pages < atomics::load(&pages_)) atomics::store(&pages_, pages);
  if (const Errc error = file_.truncate(pages * kPageBytes); error != Errc::kOk) return error;
  atomics::store(&pages_, pages);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
