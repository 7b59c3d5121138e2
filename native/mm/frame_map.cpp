#include "mm/frame_map.h"

#include <utility>

#include "base/shared_bytes.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kWords = kPageBytes / sizeof(std::uint64_t);

std::uint64_t* words(std::byte* at) { return reinterpret_cast<std::uint64_t*>(at); }
/// The caller's bytes may lie anywhere: x86-64 moves unaligned words too, but other
/// code for them is not defined.
void copy_to(std::byte* to, const std::byte* from) {
  const auto unaligned =
      reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from);
  if (unaligned % sizeof(std::uint64_t) == 0)
    copy_shared_words(words(to), reinterpret_cast<const std::uint64_t*>(from), kWords);
  else
    for (std::uint64_t i = 0; i < kPageBytes; ++i)
      __atomic_store_n(
          reinterpret_cast<unsigned char*>(to + i),
          __atomic_load_n(reinterpret_cast<const unsigned char*>(from + i), __ATOMIC_RELAXED),
          __ATOMIC_RELAXED);
}

std::uint64_t get(const std::uint64_t* at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }
void put(std::uint64_t* at, std::uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }

}  // namespace

Errc FrameMap::create(std::uint64_t pages) {
  auto nobodys = Mapping::reserve(kPageBytes);
  if (!nobodys) return nobodys.error;
  nobodys_ = std::move(nobodys.value);
  return Frames::create({0}, pages, "pagebox-ram", ram_);
}

Errc FrameMap::add_region(Pfn first, std::uint64_t pages) {
  std::unique_ptr<Frames> region;
  if (const Errc error = Frames::create(first, pages, "pagebox-device", region); error != Errc::kOk)
    return error;
  regions_.push_back(std::move(region));
  return Errc::kOk;
}

void FrameMap::remove_region(Pfn first) {
  std::erase_if(regions_, [first](const auto& region) { return region->first() == first; });
}

std::byte* FrameMap::at_region(Pfn pfn) const {
  for (const auto& region : regions_)
    if (region->has(pfn)) return region->data(pfn);
  return nobodys_.data();
}

void FrameMap::copy(Pfn to, Pfn from) const {
  copy_shared_words(words(at(to)), words(at(from)), kWords);
}

void FrameMap::clear(Pfn pfn) const { clear_shared_words(words(at(pfn)), kWords); }

bool FrameMap::is_zero(Pfn pfn) const {
  const std::uint64_t* in = words(at(pfn));
  for (std::uint64_t i = 0; i < kWords; ++i)
    if (get(in + i) != 0) return false;
  return true;
}

std::uint64_t FrameMap::word(Pfn pfn, std::uint64_t offset_bytes) const {
  return get(words(at(pfn) + offset_bytes));
}

void FrameMap::set_word(Pfn pfn, std::uint64_t offset_bytes, std::uint64_t value) const {
  put(words(at(pfn) + offset_bytes), value);
}

void FrameMap::read(Pfn pfn, std::byte* out) const { copy_to(out, at(pfn)); }
void FrameMap::write(Pfn pfn, const std::byte* from) const { copy_to(at(pfn), from); }

}  // namespace pagebox::inline PAGEBOX_ENV
