// A memmap and its allocator.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "page/allocator.h"
#include "page/setup.h"

namespace pagebox {

class AllocatorTest : public ::testing::Test {
 protected:
  void make(std::string_view layout, std::uint64_t pages, std::uint64_t first = 0) {
    ASSERT_EQ(Memmap::create(*find_layout(layout), pages, pages, memmap_), Errc::kOk);
    allocator_ = std::make_unique<Allocator>(*memmap_, Pfn{first}, Pfn{pages});
  }
  Pfn alloc(unsigned order = 0) {
    const Result<Pfn> block = allocator_->alloc(order);
    EXPECT_TRUE(block);
    return block.value;
  }
  /// The last reference goes, then the page.
  void release(Pfn pfn, unsigned order = 0) {
    EXPECT_EQ(memmap_->page(pfn).ref_sub(1), 1);
    allocator_->free(pfn, order);
  }
  std::unique_ptr<Memmap> memmap_;
  std::unique_ptr<Allocator> allocator_;
};

}  // namespace pagebox
