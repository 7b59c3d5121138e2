#include "mm/frames.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kWords = kPageBytes / sizeof(std::uint64_t);

std::uint64_t* words(std::byte* at) { return reinterpret_cast<std::uint64_t*>(at); }
std::uint64_t get(const std::uint64_t* at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }
void put(std::uint64_t* at, std::uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }

}  // namespace

Errc Frames::create(std::uint64_t pages) {
  auto mapping = Mapping::memfd(pages * kPageBytes, "pagebox-ram");
  if (!mapping) return mapping.error;
  ram_ = std::move(mapping.value);
  ram_pages_ = pages;
  return Errc::kOk;
}

Errc Frames::add_region(Pfn first, std::uint64_t pages) {
  auto mapping = Mapping::memfd(pages * kPageBytes, "pagebox-device");
  if (!mapping) return mapping.error;
  regions_.push_back({first, pages, std::move(mapping.value)});
  return Errc::kOk;
}

void Frames::remove_region(Pfn first) {
  std::erase_if(regions_, [first](const Region& region) { return region.first == first; });
}

std::byte* Frames::at_region(Pfn pfn) const {
  for (const Region& region : regions_)
    if (pfn >= region.first && pfn - region.first < region.pages)
      return region.bytes.data() + (pfn - region.first) * kPageBytes;
  return nullptr;
}

void Frames::copy(Pfn to, Pfn from) const {
  std::uint64_t* out = words(at(to));
  const std::uint64_t* in = words(at(from));
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, get(in + i));
}

void Frames::clear(Pfn pfn) const {
  std::uint64_t* out = words(at(pfn));
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, 0);
}

std::uint64_t Frames::word(Pfn pfn, std::uint64_t offset_bytes) const {
  return get(words(at(pfn) + offset_bytes));
}

void Frames::set_word(Pfn pfn, std::uint64_t offset_bytes, std::uint64_t value) const {
  put(words(at(pfn) + offset_bytes), value);
}

void Frames::read(Pfn pfn, std::byte* out) const {
  const std::uint64_t* in = words(at(pfn));
  std::uint64_t* to = words(out);
  for (std::uint64_t i = 0; i < kWords; ++i) to[i] = get(in + i);
}

void Frames::write(Pfn pfn, const std::byte* from) const {
  std::uint64_t* out = words(at(pfn));
  const auto* in = reinterpret_cast<const std::uint64_t*>(from);
  for (std::uint64_t i = 0; i < kWords; ++i) put(out + i, in[i]);
}

}  // namespace pagebox::inline PAGEBOX_ENV
