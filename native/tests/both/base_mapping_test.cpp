#include "base/mapping.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace {

using pagebox::Errc;
using pagebox::Mapping;

TEST(BaseMapping, ReservesMoreThanTheMachineHas) {
  auto made = Mapping::reserve(std::size_t{1} << 36);
  ASSERT_TRUE(made);
  made.value.data()[std::size_t{1} << 35] = std::byte{1};
  EXPECT_EQ(made.value.data()[0], std::byte{0});
  EXPECT_EQ(made.value.fd(), -1);
}

TEST(BaseMapping, KeepsTheAlignment) {
  for (const std::size_t alignment :
       {std::size_t{4096}, std::size_t{2} << 20, std::size_t{1} << 30}) {
    auto made = Mapping::reserve(8192, alignment);
    ASSERT_TRUE(made);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.value.data()) % alignment, 0U);
    made.value.data()[8191] = std::byte{1};
  }
}

TEST(BaseMapping, RefusesNonsense) {
  EXPECT_EQ(Mapping::reserve(0).error, Errc::kInval);
  EXPECT_EQ(Mapping::reserve(4096, 3000).error, Errc::kInval);
  EXPECT_EQ(Mapping::reserve(SIZE_MAX).error, Errc::kInval);
  EXPECT_EQ(Mapping::reserve(std::size_t{1} << 60).error, Errc::kNoMem);
}

TEST(BaseMapping, DiscardGivesZeroPages) {
  auto made = Mapping::reserve(std::size_t{3} * 4096);
  ASSERT_TRUE(made);
  for (std::size_t i = 0; i < 3; ++i) made.value.data()[i * 4096] = std::byte{9};
  EXPECT_EQ(made.value.discard(4096, 4096), Errc::kOk);
  EXPECT_EQ(made.value.data()[0], std::byte{9});
  EXPECT_EQ(made.value.data()[4096], std::byte{0});
  EXPECT_EQ(made.value.data()[8192], std::byte{9});
  EXPECT_EQ(made.value.discard(1, 4096), Errc::kInval);
  EXPECT_EQ(made.value.discard(8192, 8192), Errc::kInval);
}

TEST(BaseMapping, MemfdIsTheSameBytesByDescriptor) {
  auto made = Mapping::memfd(std::size_t{2} * 4096, "frames");
  ASSERT_TRUE(made);
  made.value.data()[4100] = std::byte{7};
  std::byte seen{};
  ASSERT_EQ(pread(made.value.fd(), &seen, 1, 4100), 1);
  EXPECT_EQ(seen, std::byte{7});
  EXPECT_EQ(made.value.discard(4096, 4096), Errc::kOk);
  EXPECT_EQ(made.value.data()[4100], std::byte{0});
}

TEST(BaseMapping, MovesLeaveNothingBehind) {
  auto made = Mapping::reserve(4096);
  ASSERT_TRUE(made);
  std::byte* at = made.value.data();
  Mapping other = std::move(made.value);
  EXPECT_EQ(other.data(), at);
  EXPECT_EQ(made.value.data(), nullptr);
}

}  // namespace
