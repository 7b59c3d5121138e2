#include "mm/frame_map.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kWords = kPageBytes / sizeof(std::uint64_t);

std::uint64_t* words(std::byte* at) { return reinterpret_cast<std::uint64_t*>(at); }
std::uint64_t get(const std::uint64_t* at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }
void put(std::uint64_t* at, std::uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }

}  // namespace

Errc FrameMap::create(std::uint64_t pages) {
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
  return nullptr;
}

void FrameMap::copy(Pfn to, Pfn from) const {
  std::uint64_t* out = words(at(to));
  const std::uint64_t* in = words(at(from));
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, get(in + i));
}

void FrameMap::clear(Pfn pfn) const {
  std::uint64_t* out = words(at(pfn));
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, 0);
}

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

void FrameMap::read(Pfn pfn, std::byte* out) const {
  const std::uint64_t* in = words(at(pfn));
  std::uint64_t* to = words(out);
  for (std::uint64_t i = 0; i < kWords; ++i) to[i] = get(in + i);
}

void FrameMap::write(Pfn pfn, const std::byte* from) const {
  std::uint64_t* out = words(at(pfn));
  const auto* in = reinterpret_cast<const std::uint64_t*>(from);
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, in[i]);
}

}  // namespace pagebox::inline PAGEBOX_ENV
