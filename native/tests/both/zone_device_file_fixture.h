// A machine whose device takes pages of files, and a file of either kind.
#pragma once

#include <cstring>
#include <optional>

#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {

struct FileBox : DeviceBox {
  AddressSpace* file = nullptr;
  BackingStore* disk = nullptr;  // of a disk file

  explicit FileBox(DeviceMemory memory, FileKind kind = FileKind::kShmem, unsigned cpus = 1,
                   std::uint64_t device_pages = kDevicePages, const char* layout = "linux-6.12",
                   bool file_backed = true)
      : DeviceBox(memory, cpus, device_pages, layout, file_backed) {
    new_file(kind);
  }

  void new_file(FileKind kind, std::uint64_t pages = 8) {
    if (kind == FileKind::kShmem) {
      file = create_shmem(*machine, pages);
    } else {
      file = create_disk_file(*machine, std::make_unique<MemoryDisk>());
      disk = file->disk.get();
      file->set_size_pages(pages);
    }
  }

  /// The device forgets the process, which exits; the file goes.
  void finish(Mirror& mirror, Mm& mm) {
    mirror.close(cpu());
    exit(mm);
    put_file();
  }

  std::unique_ptr<Mm> empty_mm() {
    std::unique_ptr<Mm> mm;
    EXPECT_EQ(Mm::create(cpu(), mm), Errc::kOk);
    return mm;
  }
  void map(Mm& mm, std::uint64_t pages, bool shared = true, std::uint64_t prot = kVmRead | kVmWrite,
           std::uint64_t address = kBase) {
    MmapRequest request;
    request.address = address;
    request.pages = pages;
    request.prot = prot;
    request.shared = shared;
    request.file = file;
    EXPECT_EQ(do_mmap(cpu(), mm, request), Errc::kOk);
  }
  std::unique_ptr<Mm> mapped_mm(std::uint64_t pages, bool shared = true,
                                std::uint64_t prot = kVmRead | kVmWrite) {
    auto mm = empty_mm();
    map(*mm, pages, shared, prot);
    return mm;
  }

  /// The cached page of the file; empty if there is none.
  Page cached(std::uint64_t index) const {
    Guard guard(file->cache_lock);
    const CacheEntry entry = file->entry(index);
    return entry.is_page() ? machine->page(entry.pfn()) : Page();
  }
  bool in_device(std::uint64_t index) const {
    const Page page = cached(index);
    return page && machine->is_zone_device(machine->pfn_of(page));
  }
  std::uint64_t on_disk(std::uint64_t index) const {
    alignas(8) std::byte bytes[kPageBytes];
    EXPECT_EQ(disk->read_page(index, bytes), Errc::kOk);
    return *reinterpret_cast<const std::uint64_t*>(bytes);
  }
  std::uint64_t read_word(std::uint64_t index) {
    std::uint64_t word = ~0ULL;
    EXPECT_EQ(kernel_read(cpu(), *file, index, std::span(&word, 1)).bytes, kPageBytes);
    return word;
  }
  void write_word(std::uint64_t index, std::uint64_t value) {
    EXPECT_EQ(kernel_write(cpu(), *file, index, std::span(&value, 1)).bytes, kPageBytes);
  }
  void device_store(Mirror& mirror, std::uint64_t index, std::uint64_t value) {
    std::vector<std::byte> bytes(kPageBytes);
    std::memcpy(bytes.data(), &value, sizeof value);
    EXPECT_EQ(mirror.write(cpu(), kBase + index * kPageBytes, 1, bytes).error, Errc::kOk);
  }
  std::uint64_t device_load(Mirror& mirror, std::uint64_t index) {
    std::vector<std::byte> bytes(kPageBytes);
    EXPECT_EQ(mirror.read(cpu(), kBase + index * kPageBytes, 1, bytes).error, Errc::kOk);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  void put_file() {
    pagebox::put_file(cpu(), *file);
    file = nullptr;
  }
};

/// Which memory, for which files.
struct Where {
  DeviceMemory memory;
  FileKind kind;
  const char* layout = "linux-6.12";
};

inline std::string test_name(const Where& where) {
  return test_name(where.memory) + (where.kind == FileKind::kShmem ? "_tmpfs" : "_disk") +
         (where.layout == std::string("linux-6.12") ? "" : "_1_based");
}
inline void PrintTo(const Where& where, std::ostream* out) { *out << test_name(where); }
/// A shared mapping of four written pages, all moved to the device.
class DeviceFile : public ::testing::TestWithParam<Where> {
 protected:
  void start(std::uint64_t device_pages = kDevicePages) {
    box.emplace(GetParam().memory, GetParam().kind, 1, device_pages, GetParam().layout);
    mm = box->mapped_mm(4);
    box->fill(*mm, 4, 100);
    mirror = box->device->open(*mm);
  }
  void there(Mm* other = nullptr) {
    ASSERT_EQ(mirror->migrate_to_device(box->cpu(), kBase, 4, {}).error, Errc::kOk);
    ASSERT_EQ(box->device->pages_in_use(), 4U);
    for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(box->in_device(i));
    std::vector<Mm*> mms{mm.get()};
    if (other != nullptr) mms.push_back(other);
    ASSERT_EQ(box->audit(mms), kClean);
  }
  void finish() {
    box->finish(*mirror, *mm);
    EXPECT_EQ(box->audit({}), kClean);
    EXPECT_EQ(box->device->pages_in_use(), 0U);
  }
  bool is_private() const { return GetParam().memory == DeviceMemory::kPrivate; }

  std::optional<FileBox> box;
  std::unique_ptr<Mm> mm;
  Mirror* mirror = nullptr;
};

}  // namespace pagebox::testing
