#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using pagebox::Errc;
using pagebox::File;
using pagebox::FileStore;
using pagebox::OpenFlags;

class BaseFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder == nullptr ? "/tmp" : folder) + "/pagebox-file-test-" +
            std::to_string(getpid());
  }
  void TearDown() override { static_cast<void>(File::remove(store_, path_)); }
  File make(OpenFlags more = OpenFlags::kRead) {
    auto made =
        File::open(store_, path_, OpenFlags::kRead | OpenFlags::kWrite | OpenFlags::kCreate | more);
    EXPECT_TRUE(made);
    return std::move(made.value);
  }
  FileStore store_;
  std::string path_;
};

TEST_F(BaseFile, ReadsWhatWasWritten) {
  File file = make();
  const auto wrote = file.pwrite("abcdef", 6, 10);
  ASSERT_TRUE(wrote);
  EXPECT_EQ(wrote.value, 6U);
  EXPECT_EQ(file.size_bytes().value, 16U);
  char bytes[32] = {};
  EXPECT_EQ(file.pread(bytes, sizeof bytes, 8).value, 8U);
  EXPECT_EQ(std::memcmp(bytes, "\0\0abcdef", 8), 0);
  EXPECT_EQ(file.pread(bytes, sizeof bytes, 16).value, 0U);
  EXPECT_EQ(file.fsync(), Errc::kOk);
}

TEST_F(BaseFile, BytesOutliveTheHandle) {
  make().pwrite("xy", 2, 0).value;
  auto again = File::open(store_, path_, OpenFlags::kRead);
  ASSERT_TRUE(again);
  char bytes[2] = {};
  EXPECT_EQ(again.value.pread(bytes, 2, 0).value, 2U);
  EXPECT_EQ(bytes[1], 'y');
  EXPECT_EQ(again.value.pwrite("z", 1, 0).error, Errc::kBadF);
}

TEST_F(BaseFile, TruncateCutsAndFillsWithZeros) {
  File file = make();
  ASSERT_TRUE(file.pwrite("abcdef", 6, 0));
  EXPECT_EQ(file.truncate(2), Errc::kOk);
  EXPECT_EQ(file.truncate(4), Errc::kOk);
  char bytes[8] = {};
  EXPECT_EQ(file.pread(bytes, 8, 0).value, 4U);
  EXPECT_EQ(std::memcmp(bytes, "ab\0\0", 4), 0);
  File emptied = make(OpenFlags::kTruncate);
  EXPECT_EQ(emptied.size_bytes().value, 0U);
}

TEST_F(BaseFile, SaysWhyItDoesNotOpen) {
  EXPECT_EQ(File::open(store_, path_, OpenFlags::kRead).error, Errc::kNoEnt);
  EXPECT_EQ(File::open(store_, path_, OpenFlags::kCreate).error, Errc::kInval);
  EXPECT_EQ(File::remove(store_, path_), Errc::kNoEnt);
}

TEST_F(BaseFile, DirectTransfersWholeAlignedBlocks) {
  File file = make(OpenFlags::kDirect);
  alignas(4096) static std::byte out[4096];
  alignas(4096) static std::byte in[4096];
  std::memset(out, 0x5a, sizeof out);
  ASSERT_TRUE(file.pwrite(out, sizeof out, 4096));
  EXPECT_EQ(file.pread(in, sizeof in, 4096).value, sizeof in);
  EXPECT_EQ(std::memcmp(in, out, sizeof in), 0);
  if (pagebox::kModel) {
    EXPECT_TRUE(file.direct());
    EXPECT_EQ(file.pread(in, 100, 0).error, Errc::kInval);
  }
}

TEST_F(BaseFile, CloseIsFinal) {
  File file = make();
  File moved = std::move(file);
  EXPECT_TRUE(moved.is_open());
  moved.close();
  EXPECT_FALSE(moved.is_open());
  char byte = 0;
  EXPECT_EQ(moved.pread(&byte, 1, 0).error, Errc::kBadF);
}

}  // namespace
