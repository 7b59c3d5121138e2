#include "page/frames.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Frames::create(Pfn first, std::uint64_t pages, const char* name,
                    std::unique_ptr<Frames>& out) {
  if (pages == 0 || pages > 1ULL << 40) return Errc::kInval;
  auto mapping = Mapping::memfd(pages * kPageBytes, name);
  if (!mapping) return mapping.error;
  std::unique_ptr<Frames> frames(new Frames);
  frames->first_ = first;
  frames->pages_ = pages;
  frames->mapping_ = std::move(mapping.value);
  out = std::move(frames);
  return Errc::kOk;
}

Errc Frames::discard(Pfn pfn, std::uint64_t pages) {
  if (!has(pfn) || pages > pages_ - (pfn - first_)) return Errc::kRange;
  return mapping_.discard(offset_bytes(pfn), pages * kPageBytes);
}

}  // namespace pagebox::inline PAGEBOX_ENV
