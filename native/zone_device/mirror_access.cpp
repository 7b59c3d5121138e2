// READ and WRITE: through the table, faulting in what it does not have.
#include <algorithm>
#include <array>

#include "base/fault.h"
#include "mm/range.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

MirrorResult Mirror::read(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                          std::span<std::byte> out) {
  if (!valid_range(start, pages) || (!out.empty() && !fits(out.size(), pages)))
    return {Errc::kInval};
  MirrorResult result;
  for (Retry retry("a page for a device to read");;) {
    const std::uint64_t done = result.cpages;
    result.cpages += copy_out(start + done * kPageBytes, pages - done,
                              out.empty() ? out : out.subspan(done * kPageBytes));
    if (result.cpages == pages) return result;
    result.error =
        fault(cpu, start + result.cpages * kPageBytes, start + pages * kPageBytes, false);
    if (result.error == Errc::kOk && !retry.again()) result.error = Errc::kLivelock;
    if (result.error != Errc::kOk) return result;
    ++result.faults;
  }
}

MirrorResult Mirror::write(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                           std::span<const std::byte> from) {
  if (!valid_range(start, pages) || !fits(from.size(), pages)) return {Errc::kInval};
  MirrorResult result;
  for (Retry retry("a page for a device to write");;) {
    const std::uint64_t done = result.cpages;
    result.cpages +=
        copy_in(start + done * kPageBytes, pages - done, from.subspan(done * kPageBytes));
    if (result.cpages == pages) return result;
    result.error = fault(cpu, start + result.cpages * kPageBytes, start + pages * kPageBytes, true);
    if (result.error == Errc::kOk && !retry.again()) result.error = Errc::kLivelock;
    if (result.error != Errc::kOk) return result;
    ++result.faults;
  }
}

Errc Mirror::fault(Cpu& cpu, std::uint64_t start, std::uint64_t end, bool write) {
  const std::uint64_t chunk = fault_chunk_pages(device_.machine());
  for (std::uint64_t at = start; at < end;) {
    const std::uint64_t next = std::min(end, at + chunk * kPageBytes);
    if (const Errc error = fault_chunk(cpu, at, next, write); error != Errc::kOk) return error;
    at = next;
  }
  return Errc::kOk;
}

Errc Mirror::fault_chunk(Cpu& cpu, std::uint64_t start, std::uint64_t end, bool write) {
  std::array<HmmPfn, kChunk> pfns;
  Retry retry("a range that a device maps to stand still");
  do {
    pfns.fill({});
    HmmRange range;
    range.notifier = this;
    range.start = start;
    range.end = end;
    range.pfns = std::span(pfns).first((end - start) / kPageBytes);
    range.default_flags = HmmPfn::kReqFault | (write ? HmmPfn::kReqWrite : 0);
    range.dev_private_owner = &device_;
    range.notifier_seq = read_begin();
    Errc error = Errc::kOk;
    {
      SharedGuard guard(mm().mmap_lock);
      error = hmm_range_fault(cpu, range);
    }
    if (error == Errc::kBusy) continue;
    if (error != Errc::kOk) return error;
    Guard guard(lock_);
    if (read_retry(range.notifier_seq) && !planted(Mistake::kMirrorNoRetry)) continue;
    return enter(range, write);
  } while (retry.pause());
  return Errc::kLivelock;
}

Errc Mirror::enter(const HmmRange& range, bool write) {
  for (std::uint64_t i = 0; i < range.pfns.size(); ++i) {
    const HmmPfn pfn = range.pfns[i];
    // A private page of this device is there whatever its entry allows.
    if (write && !pfn.write()) return Errc::kFault;
    table_.set(range.start + i * kPageBytes,
               {pfn.pfn(), pfn.write() ? MirrorAccess::kWrite : MirrorAccess::kRead});
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
