#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

// The numbers of Errc are the system's; what it does not name is an I/O error.
Errc last_error() {
  const auto code = static_cast<Errc>(errno);
  return errc_name(code) == "UNKNOWN" ? Errc::kIo : code;
}

template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace

Result<File> File::open(FileStore&, const std::string& path, OpenFlags flags) {
  const bool reads = has(flags, OpenFlags::kRead);
  const bool writes = has(flags, OpenFlags::kWrite);
  if (!reads && !writes) return Errc::kInval;
  int mode = O_CLOEXEC | (reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY);
  if (has(flags, OpenFlags::kCreate)) mode |= O_CREAT;
  if (has(flags, OpenFlags::kTruncate)) mode |= O_TRUNC;
  File result;
  result.direct_ = has(flags, OpenFlags::kDirect);
  if (result.direct_) {
    result.fd_ = retried([&] { return ::open(path.c_str(), mode | O_DIRECT, 0600); });
    // tmpfs before 6.6 and some FUSE file systems have no O_DIRECT: open(2).
    if (result.fd_ < 0 && errno == EINVAL)
      result.direct_ = false;
    else if (result.fd_ < 0)
      return last_error();
  }
  if (!result.direct_) result.fd_ = retried([&] { return ::open(path.c_str(), mode, 0600); });
  if (result.fd_ < 0) return last_error();
  struct stat status = {};
  if (fstat(result.fd_, &status) != 0) return last_error();
  if (S_ISDIR(status.st_mode)) return Errc::kIsDir;
  // A pipe has no offsets: a read of a page would wait, or take what is not there again.
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return Errc::kSPipe;
  return result;
}

Errc File::remove(FileStore&, const std::string& path) {
  return unlink(path.c_str()) == 0 ? Errc::kOk : last_error();
}

bool File::is_open() const { return fd_ >= 0; }

Result<std::size_t> File::pread(void* to, std::size_t size_bytes,
                                std::uint64_t offset_bytes) const {
  const auto done =
      retried([&] { return ::pread(fd_, to, size_bytes, static_cast<off_t>(offset_bytes)); });
  if (done < 0) return last_error();
  return static_cast<std::size_t>(done);
}

Result<std::size_t> File::pwrite(const void* from, std::size_t size_bytes,
                                 std::uint64_t offset_bytes) {
  const auto done =
      retried([&] { return ::pwrite(fd_, from, size_bytes, static_cast<off_t>(offset_bytes)); });
  if (done < 0) return last_error();
  return static_cast<std::size_t>(done);
}

Result<std::uint64_t> File::size_bytes() const {
  struct stat status = {};
  if (fstat(fd_, &status) != 0) return last_error();
  return static_cast<std::uint64_t>(status.st_size);
}

Errc File::truncate(std::uint64_t size_bytes) {
  const int done = retried([&] { return ftruncate(fd_, static_cast<off_t>(size_bytes)); });
  return done == 0 ? Errc::kOk : last_error();
}

Errc File::fsync() {
  return retried([&] { return ::fsync(fd_); }) == 0 ? Errc::kOk : last_error();
}

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  direct_ = false;
}

void File::swap(File& other) noexcept {
  std::swap(direct_, other.direct_);
  std::swap(fd_, other.fd_);
}

}  // namespace pagebox::inline PAGEBOX_ENV
