// Files, for page cache, writeback and direct I/O. host: the system's. model:
// bytes in memory that belong to a FileStore, so that a run has no effect
// outside itself; each call there is one scheduling point, done whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/env.h"
#include "base/errc.h"

#ifdef PAGEBOX_MODEL
#include <deque>
#include <vector>
#endif

namespace pagebox::inline PAGEBOX_ENV {

enum class OpenFlags : unsigned {
  kRead = 1,
  kWrite = 2,
  kCreate = 4,  ///< with mode 0600 if it does not exist
  kTruncate = 8,
  kDirect = 16,  ///< O_DIRECT, or buffered where the file system refuses
};
constexpr OpenFlags operator|(OpenFlags a, OpenFlags b) {
  return static_cast<OpenFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(OpenFlags set, OpenFlags flag) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

/// The files that exist. Outlives its Files. On the host: no state.
class FileStore {
 public:
  FileStore() = default;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;
#ifdef PAGEBOX_MODEL
  struct Entry {
    std::string path;
    std::vector<std::byte> bytes;
    bool removed = false;
  };
  /// Forgets all files; none may be open.
  void reset() { entries_.clear(); }

 private:
  friend class File;
  Entry* find(const std::string& path);
  std::deque<Entry> entries_;
#endif
};

/// Closed by the destructor. Reads and writes of several threads are allowed.
class File {
 public:
  /// Offsets, lengths and buffers of direct I/O are multiples of this in the model;
  /// a host's file system may ask for more.
  static constexpr std::size_t kDirectBytes = 512;

  File() = default;
  File(File&& other) noexcept { swap(other); }
  File& operator=(File&& other) noexcept {
    swap(other);
    return *this;
  }
  ~File() { close(); }

  static Result<File> open(FileStore& store, const std::string& path, OpenFlags flags);
  static Errc remove(FileStore& store, const std::string& path);

  bool is_open() const;
  /// O_DIRECT was asked for and granted.
  bool direct() const { return direct_; }

  /// Bytes transferred: short at the end of the file (read) or of the device (write).
  Result<std::size_t> pread(void* to, std::size_t size_bytes, std::uint64_t offset_bytes) const;
  Result<std::size_t> pwrite(const void* from, std::size_t size_bytes, std::uint64_t offset_bytes);
  Result<std::uint64_t> size_bytes() const;
  Errc truncate(std::uint64_t size_bytes);
  Errc fsync();
  void close();

 private:
  void swap(File& other) noexcept;
  bool direct_ = false;
#ifdef PAGEBOX_MODEL
  Errc refused(bool allowed, const void* buffer, std::size_t size_bytes,
               std::uint64_t offset_bytes) const;
  FileStore::Entry* entry_ = nullptr;
  bool readable_ = false;
  bool writable_ = false;
#else
  int fd_ = -1;
#endif
};

}  // namespace pagebox::inline PAGEBOX_ENV
