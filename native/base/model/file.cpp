#include "base/file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // a model's file is small

// A file call is one step that reads and writes the whole file.
void step(const FileStore::Entry* entry) { sched_point(Access::kRmw, entry, 8); }

}  // namespace

FileStore::Entry* FileStore::find(const std::string& path) {
  for (Entry& entry : entries_) {
    if (!entry.removed && entry.path == path) return &entry;
  }
  return nullptr;
}

Result<File> File::open(FileStore& store, const std::string& path, OpenFlags flags) {
  sched_point(Access::kRmw, &store, 8);
  File result;
  result.readable_ = has(flags, OpenFlags::kRead);
  result.writable_ = has(flags, OpenFlags::kWrite);
  if (!result.readable_ && !result.writable_) return Errc::kInval;
  result.entry_ = store.find(path);
  if (result.entry_ == nullptr) {
    if (!has(flags, OpenFlags::kCreate)) return Errc::kNoEnt;
    result.entry_ = &store.entries_.emplace_back(FileStore::Entry{path, {}, false});
  }
  if (has(flags, OpenFlags::kTruncate)) result.entry_->bytes.clear();
  result.direct_ = has(flags, OpenFlags::kDirect);
  return result;
}

Errc File::remove(FileStore& store, const std::string& path) {
  sched_point(Access::kRmw, &store, 8);
  FileStore::Entry* entry = store.find(path);
  if (entry == nullptr) return Errc::kNoEnt;
  entry->removed = true;  // its bytes stay for those who have it open
  return Errc::kOk;
}

bool File::is_open() const { return entry_ != nullptr; }

Errc File::refused(bool allowed, const void* buffer, std::size_t size_bytes,
                   std::uint64_t offset_bytes) const {
  if (entry_ == nullptr || !allowed) return Errc::kBadF;
  const auto bits = reinterpret_cast<std::uintptr_t>(buffer) | size_bytes | offset_bytes;
  if (direct_ && bits % kDirectBytes != 0) return Errc::kInval;
  return Errc::kOk;
}

Result<std::size_t> File::pread(void* to, std::size_t size_bytes,
                                std::uint64_t offset_bytes) const {
  const Errc error = refused(readable_, to, size_bytes, offset_bytes);
  if (error != Errc::kOk) return error;
  step(entry_);
  const auto& bytes = entry_->bytes;
  if (offset_bytes >= bytes.size()) return std::size_t{0};
  const std::size_t n = std::min<std::size_t>(size_bytes, bytes.size() - offset_bytes);
  sched_copied(Access::kBytesWrite, to);
  std::memcpy(to, bytes.data() + offset_bytes, n);
  return n;
}

Result<std::size_t> File::pwrite(const void* from, std::size_t size_bytes,
                                 std::uint64_t offset_bytes) {
  const Errc error = refused(writable_, from, size_bytes, offset_bytes);
  if (error != Errc::kOk) return error;
  if (offset_bytes > kMostBytes || size_bytes > kMostBytes - offset_bytes) return Errc::kNoSpc;
  step(entry_);
  auto& bytes = entry_->bytes;
  if (size_bytes == 0) return std::size_t{0};
  if (bytes.size() < offset_bytes + size_bytes) bytes.resize(offset_bytes + size_bytes);
  sched_copied(Access::kBytesRead, from);
  std::memcpy(bytes.data() + offset_bytes, from, size_bytes);
  return size_bytes;
}

Result<std::uint64_t> File::size_bytes() const {
  if (entry_ == nullptr) return Errc::kBadF;
  step(entry_);
  return std::uint64_t{entry_->bytes.size()};
}

Errc File::truncate(std::uint64_t size_bytes) {
  if (entry_ == nullptr) return Errc::kBadF;
  if (!writable_) return Errc::kInval;
  if (size_bytes > kMostBytes) return Errc::kNoSpc;
  step(entry_);
  entry_->bytes.resize(size_bytes);
  return Errc::kOk;
}

Errc File::fsync() {
  if (entry_ == nullptr) return Errc::kBadF;
  step(entry_);
  return Errc::kOk;
}

void File::close() {
  entry_ = nullptr;
  direct_ = readable_ = writable_ = false;
}

void File::swap(File& other) noexcept {
  std::swap(direct_, other.direct_);
  std::swap(entry_, other.entry_);
  std::swap(readable_, other.readable_);
  std::swap(writable_, other.writable_);
}

}  // namespace pagebox::inline PAGEBOX_ENV
