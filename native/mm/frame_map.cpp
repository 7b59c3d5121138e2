#include "mm/frame_map.h"

#include <utility>

#include "base/block_move.h"
#include "base/sched.h"
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
  if (unaligned % 32 == 0)
    copy_block(words(to), reinterpret_cast<const std::uint64_t*>(from), kWords);
  else if (unaligned % sizeof(std::uint64_t) == 0)
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

/// step(each), upwards: on an AMD EPYC pages that are read downwards take half as long
/// again, as nothing fetches them ahead. Which way they are written does not matter.
template <class Each, class Step>
void upwards(std::span<const Each> all, Step&& step) {
  if (all.front().from < all.back().from)
    for (std::size_t i = 0; i < all.size(); ++i) step(all[i]);
  else
    for (std::size_t i = all.size(); i-- > 0;) step(all[i]);
}

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

std::optional<Pfn> FrameMap::frame_at(const std::byte* at) const {
  const auto holds = [at](const Frames& frames) {
    const std::byte* first = frames.data(frames.first());
    return at >= first && at < first + frames.pages() * kPageBytes;
  };
  const auto frame = [at](const Frames& frames) {
    const auto offset = static_cast<std::uint64_t>(at - frames.data(frames.first()));
    return frames.first() + offset / kPageBytes;
  };
  if (holds(*ram_)) return frame(*ram_);
  for (const auto& region : regions_)
    if (holds(*region)) return frame(*region);
  return std::nullopt;
}

void FrameMap::copy(Pfn to, Pfn from, std::uint64_t pages) const {
  sched_point(Access::kBytesRead, at(from), pages * kPageBytes);
  sched_touched(Access::kBytesWrite, at(to), pages * kPageBytes);
  for (std::uint64_t i = 0; i < pages; ++i)
    copy_block(words(at(to + i)), words(at(from + i)), kWords);
}

void FrameMap::stream(std::byte* to, Pfn from_pfn) const {
  const std::byte* from = at(from_pfn);
  sched_point(Access::kBytesRead, from, kPageBytes);
  sched_touched(Access::kBytesWrite, to, kPageBytes);
  stream_block(words(to), reinterpret_cast<const std::uint64_t*>(from), kWords);
}

void FrameMap::copy_each(std::span<const FrameCopy> copies) const {
  if (!streams(copies.size())) {
    for (const FrameCopy each : copies) copy(each.to, each.from);
    return;
  }
  upwards(copies, [this](FrameCopy each) { stream(at(each.to), each.from); });
  streamed();
}

void FrameMap::clear(Pfn pfn, std::uint64_t pages) const {
  sched_point(Access::kBytesWrite, at(pfn), pages * kPageBytes);
  for (std::uint64_t i = 0; i < pages; ++i) clear_block(words(at(pfn + i)), kWords);
}

bool FrameMap::is_zero(Pfn pfn) const {
  sched_point(Access::kBytesRead, at(pfn), kPageBytes);
  const std::uint64_t* in = words(at(pfn));
  for (std::uint64_t i = 0; i < kWords; ++i)
    if (get(in + i) != 0) return false;
  return true;
}

std::uint64_t FrameMap::word(Pfn pfn, std::uint64_t offset_bytes) const {
  const std::uint64_t* in = words(at(pfn) + offset_bytes);
  sched_point(Access::kBytesRead, in, sizeof *in);
  return get(in);
}

void FrameMap::set_word(Pfn pfn, std::uint64_t offset_bytes, std::uint64_t value) const {
  std::uint64_t* to = words(at(pfn) + offset_bytes);
  sched_point(Access::kBytesWrite, to, sizeof *to);
  put(to, value);
}

void FrameMap::read(Pfn pfn, std::byte* out) const {
  const std::byte* from = at(pfn);
  sched_point(Access::kBytesRead, from, kPageBytes);
  sched_copied(Access::kBytesWrite, out);
  copy_to(out, from);
}
void FrameMap::read_each(std::span<const FrameRead> reads) const {
  if (!streams(reads.size())) {
    for (const FrameRead each : reads) read(each.from, each.to);
    return;
  }
  upwards(reads, [this](FrameRead each) { stream(each.to, each.from); });
  streamed();
}

void FrameMap::write(Pfn pfn, const std::byte* from) const {
  std::byte* to = at(pfn);
  sched_point(Access::kBytesWrite, to, kPageBytes);
  sched_copied(Access::kBytesRead, from);
  copy_to(to, from);
}

}  // namespace pagebox::inline PAGEBOX_ENV
