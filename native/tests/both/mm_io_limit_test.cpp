// How much one read(2) or write(2) moves at most.
#include <gtest/gtest.h>

#include <memory>

#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

/// Counts what it is told to write, and forgets it.
class CountingDisk final : public BackingStore {
 public:
  explicit CountingDisk(std::uint64_t& written) : written_(written) {}
  Errc read_page(std::uint64_t, std::byte*) override { return Errc::kIo; }
  Errc write_page(std::uint64_t, const std::byte*) override {
    ++written_;
    return Errc::kOk;
  }
  Errc truncate(std::uint64_t) override { return Errc::kOk; }

 private:
  std::uint64_t& written_;
};

TEST(IoLimit, AWriteOfMoreEndsShortAsInLinux) {
  MmBox box(1, "refcount-bias", 8192);
  const auto mm = box.create_mm();
  std::uint64_t written = 0;
  AddressSpace* file = create_disk_file(*box.machine, std::make_unique<CountingDisk>(written));
  constexpr std::uint64_t kPages = std::uint64_t{1} << 31;
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPages, kVmRead), Errc::kOk);
  // All of it is the zero page, so that only tables take memory.
  const IoResult io = direct_write(box.cpu(), *mm, *file, 0, kTestBase, kPages);
  EXPECT_EQ(io.error, Errc::kOk);
  EXPECT_EQ(io.bytes, 0x7ffff000U);
  EXPECT_EQ(written, 0x7ffffU);
  EXPECT_EQ(file->size_pages(), 0x7ffffU);
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>());
  mm->exit(box.cpu());
  put_file(box.cpu(), *file);
}

}  // namespace
}  // namespace pagebox::testing
