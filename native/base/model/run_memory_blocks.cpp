// What is handed out of a RunMemory's heap, and given back.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/model/run_memory.h"
#include "base/model/run_memory_parts.h"
#include "base/model/scheduler.h"

namespace pagebox::inline PAGEBOX_ENV {

void* RunMemory::allocate(std::size_t size_bytes, std::size_t alignment_bytes) {
  if (size_bytes > kHeapBytes / 2) return nullptr;
  if (is_constant_ && !has_kept_) [[unlikely]]
    if (void* at = allocate_constant(size_bytes, alignment_bytes); at != nullptr) return at;
  const std::size_t slack = alignment_bytes > 16 ? alignment_bytes - 16 : 0;
  const unsigned of = class_of(std::max<std::size_t>(size_bytes + slack, 16));
  const bool is_small = of < kSmallClasses;
  FreeList& free = free_[of];
  const bool is_used_again = !free.empty();
  std::byte* begin = nullptr;
  if (is_used_again) {
    begin = base_ + std::size_t{free.back()} * 16;
    free.pop_back();
    changed_lists_[of / 64] |= std::uint64_t{1} << of % 64;
  } else {
    const std::size_t whole = sizeof(BlockHead) + bytes_of(of);
    if (whole > kConstants - heap_used_) return nullptr;
    begin = base_ + heap_used_ + sizeof(BlockHead);
    heap_used_ += whole;
  }
  const Units whole = units_of(begin, bytes_of(of));
  set_bits(bits(kCheckedBits), whole.first, whole.count, false);
  // Of a large block only what is asked for: the rest may be pages, is zero, and stays so.
  if (!is_used_again || !is_small)
    mark_block(begin - sizeof(BlockHead),
               begin + (is_small ? bytes_of(of) : size_bytes + slack) - 1);
  std::byte* handed = begin;
  if (slack != 0) handed += -reinterpret_cast<std::uintptr_t>(begin) & (alignment_bytes - 1);
  ::new (handed - sizeof(BlockHead)) BlockHead{of, static_cast<std::uint32_t>(handed - begin)};
  return handed;
}

void* RunMemory::allocate_constant(std::size_t size_bytes, std::size_t alignment_bytes) {
  const std::size_t alignment = std::max<std::size_t>(alignment_bytes, 16);
  const std::size_t start = (constants_used_ + alignment - 1) & ~(alignment - 1);
  if (start > kHeapBytes || size_bytes > kHeapBytes - start) return nullptr;
  constants_used_ = start + size_bytes;
  return base_ + start;
}

void RunMemory::mark_block(const std::byte* begin, const std::byte* last) {
  // From what was kept on, that far, each page is marked.
  const std::byte* const marked = base_ + heap_marked_;
  if (begin >= base_ + kept_heap_used_ && last < marked) [[likely]]
    return;
  for (const std::byte* at = begin; at < last; at += kPageBytes) mark(at);
  mark(last);
  const auto page_at = [this](const std::byte* at) {
    return static_cast<std::size_t>(at - base_) / kPageBytes * kPageBytes;
  };
  if (page_at(begin) <= heap_marked_)
    heap_marked_ = std::max(heap_marked_, page_at(last) + kPageBytes);
}

/// Whether it is. What was kept always: it has its fields in the next schedule too.
bool RunMemory::hold_back(Units block) {
  if (active_scheduler == nullptr || !has_kept_ ||
      !has_bits(bits(kCheckedBits), block.first, block.count))
    return false;
  if (block.first * 16 >= kept_heap_used_) {
    if (held_back_bytes_ >= kMostHeldBack) return false;
    held_back_bytes_ += block.count * 16;
  }
  const OutsideRunMemory outside;
  held_back_.push_back(block);
  set_bits(bits(kFreedBits), block.first, block.count, true);
  return true;
}

void RunMemory::push_free(unsigned of, const std::byte* begin) {
  FreeList& free = free_[of];
  if (free.size() == free.capacity()) {
    const OutsideRunMemory outside;
    free.reserve(std::max<std::size_t>(16, free.size() * 2));
  }
  free.push_back(static_cast<std::uint32_t>((begin - base_) / 16));
  changed_lists_[of / 64] |= std::uint64_t{1} << of % 64;
}

void RunMemory::release(void* at) {
  auto* handed = static_cast<std::byte*>(at);
  // Constants are not used again.
  if (const std::uint64_t place = place_of(at); place >= kConstants && place < kHeapBytes) return;
  auto* head = reinterpret_cast<BlockHead*>(handed - sizeof(BlockHead));
  const BlockHead block = *head;
  std::byte* begin = handed - block.offset;
  // What lies in a free block is no part of the machine's state: all are the same. (Pages of it
  // that were never asked for are zero before and after.)
  *head = {};
  const std::size_t bytes = bytes_of(block.of);
  std::memset(begin, 0, std::min(bytes, kPageBytes));
  RunMemory& memory = *owner_of(at);
  if (memory.hold_back(memory.units_of(begin, bytes)))
    active_scheduler->freed(begin, bytes);
  else
    memory.push_free(block.of, begin);
}

}  // namespace pagebox::inline PAGEBOX_ENV
