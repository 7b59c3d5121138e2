// A disk that is a real file: direct I/O moves the frames' own bytes by pread and
// pwrite, with O_DIRECT where the file system has it.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "mm/address_space.h"

namespace pagebox::inline PAGEBOX_ENV {

struct FileDiskOptions {
  bool direct = true;  // ask for O_DIRECT
  bool create = false;
  bool truncate = false;
};

class FileDisk final : public BackingStore {
 public:
  /// kInval: the length is not whole pages; else the errno of open(2).
  static Errc open(FileStore& store, const std::string& path, const FileDiskOptions& options,
                   std::unique_ptr<FileDisk>& out);

  /// O_DIRECT was granted.
  bool direct() const { return file_.direct(); }
  Result<std::uint64_t> size_pages() const;
  Errc sync() { return file_.fsync(); }

  Errc read_page(std::uint64_t index, std::byte* out) override;
  Errc write_page(std::uint64_t index, const std::byte* from) override;
  Errc truncate(std::uint64_t pages) override;
  bool moves_frames() const override { return true; }
  bool keeps_bytes() const override { return true; }

 private:
  File file_;
  std::uint64_t pages_ = 0;  // known to be in the file
};

}  // namespace pagebox::inline PAGEBOX_ENV
