// Contents of many frames at once: past the caches in a large machine, through them in a small
// one, in whichever order their frames lie.
#include "mm/frame_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace pagebox {
namespace {

constexpr std::uint64_t kDevicePages = 256;

TEST(FrameMap, AnAddressIsOfTheFrameWhoseContentsLieThere) {
  constexpr std::uint64_t kRam = 8;
  FrameMap frames;
  ASSERT_EQ(frames.create(kRam), Errc::kOk);
  ASSERT_EQ(frames.add_region({kRam}, 4), Errc::kOk);
  ASSERT_EQ(frames.add_region({kRam + 4}, 4), Errc::kOk);
  for (std::uint64_t i = 0; i < kRam + 8; ++i)
    EXPECT_EQ(frames.frame_at(frames.at(Pfn{i}) + kPageBytes - 1), std::optional(Pfn{i}));
  EXPECT_EQ(frames.frame_at(reinterpret_cast<const std::byte*>(&frames)), std::nullopt);
}

class FrameMapTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    ASSERT_EQ(frames_.create(GetParam()), Errc::kOk);
    ASSERT_EQ(frames_.add_region({GetParam()}, kDevicePages), Errc::kOk);
  }
  Pfn device(std::uint64_t i) const { return {GetParam() + i}; }
  /// Each word of the frame says whose it is and where it lies.
  void fill(Pfn pfn, std::uint64_t mark) {
    for (std::uint64_t at = 0; at < kPageBytes; at += 8) frames_.set_word(pfn, at, mark << 12 | at);
  }
  bool holds(Pfn pfn, std::uint64_t mark) const {
    for (std::uint64_t at = 0; at < kPageBytes; at += 8)
      if (frames_.word(pfn, at) != (mark << 12 | at)) return false;
    return true;
  }
  /// RAM frame from[i] goes to the device's to[i]; what lies around them stays.
  void check(const std::vector<std::uint64_t>& from, const std::vector<std::uint64_t>& to) {
    for (std::uint64_t i = 0; i < kDevicePages; ++i) fill(device(i), 100000 + i);
    std::vector<FrameCopy> copies;
    auto storage = Mapping::reserve(kDevicePages * kPageBytes);
    ASSERT_TRUE(storage);
    std::byte* const area = storage.value.data();
    std::vector<FrameRead> reads;
    for (std::size_t i = 0; i < from.size(); ++i) {
      reads.push_back({{from[i]}, area + to[i] * kPageBytes});
      fill({from[i]}, from[i]);
      copies.push_back({device(to[i]), {from[i]}});
    }
    frames_.copy_each(copies);
    frames_.read_each(reads);
    for (std::size_t i = 0; i < from.size(); ++i) {
      EXPECT_TRUE(holds(device(to[i]), from[i])) << i << " of " << from.size();
      EXPECT_TRUE(holds({from[i]}, from[i]));
      EXPECT_EQ(std::memcmp(reads[i].to, frames_.at({from[i]}), kPageBytes), 0) << i;
    }
    for (std::uint64_t i = 0; i < kDevicePages; ++i) {
      const bool written = std::ranges::find(to, i) != to.end();
      EXPECT_TRUE(written || holds(device(i), 100000 + i)) << i;
      const auto* words = reinterpret_cast<const std::uint64_t*>(area + i * kPageBytes);
      EXPECT_TRUE(written || std::all_of(words, words + kPageBytes / 8,
                                         [](std::uint64_t word) { return word == 0; }))
          << i;
    }
  }
  FrameMap frames_;
};

TEST_P(FrameMapTest, CopiesRunsOfAnyLengthUpAndDown) {
  for (const std::size_t pages : {0, 1, 2, 7, 8, 9, 64, 65}) {
    std::vector<std::uint64_t> up(pages);
    std::iota(up.begin(), up.end(), 20);
    const std::vector<std::uint64_t> down(up.rbegin(), up.rend());
    check(up, up);
    check(up, down);
    check(down, up);
    check(down, down);
  }
}

TEST_P(FrameMapTest, CopiesFramesThatLieAnywhere) {
  Rng rng(7);
  for (unsigned round = 0; round < 4; ++round) {
    std::vector<std::uint64_t> from(kDevicePages), to(kDevicePages);
    std::iota(from.begin(), from.end(), 3);
    std::iota(to.begin(), to.end(), 0);
    for (std::size_t i = kDevicePages; i-- > 1;) {
      std::swap(from[i], from[rng.below(i + 1)]);
      std::swap(to[i], to[rng.below(i + 1)]);
    }
    from.resize(40);
    to.resize(40);
    check(from, to);
  }
}

TEST_P(FrameMapTest, ClearsWholePagesAndNoMore) {
  for (const std::uint64_t pages : {1, 2, 9}) {
    for (std::uint64_t i = 8; i < 20; ++i) fill({i}, i);
    frames_.clear({9}, pages);
    for (std::uint64_t i = 8; i < 20; ++i) {
      const bool cleared = i >= 9 && i < 9 + pages;
      EXPECT_EQ(frames_.is_zero({i}), cleared) << i;
      EXPECT_EQ(holds({i}, i), !cleared) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, FrameMapTest, ::testing::Values(512, 8192));

}  // namespace
}  // namespace pagebox
