// SNAPSHOT: what the device would find, without faulting anything in.
#include <algorithm>
#include <array>

#include "mm/range.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Only counts: a snapshot keeps no table.
class SnapshotNotifier final : public IntervalNotifier {
 public:
  SnapshotNotifier(Mm& mm, std::uint64_t start, std::uint64_t end)
      : IntervalNotifier(mm, start, end) {
    insert();
  }
  ~SnapshotNotifier() { remove(); }
  Mutex lock;

 private:
  void invalidate(Cpu&, const NotifierRange&, std::uint64_t seq) override {
    Guard guard(lock);
    set_seq(seq);
  }
};

}  // namespace

std::uint8_t Mirror::describe(HmmPfn pfn) const {
  if (pfn.error()) return MirrorProt::kError;
  if (!pfn.valid()) return MirrorProt::kNone;
  const Machine& machine = device_.machine();
  std::uint8_t code = pfn.write() ? MirrorProt::kWrite : MirrorProt::kRead;
  if (const DevPagemap* pagemap = DevPagemap::of(machine, pfn.pfn())) {
    const bool local = pagemap->owner() == &device_;
    if (pagemap->memory() == DeviceMemory::kPrivate)
      code |= MirrorProt::kPrivateLocal;  // others' are not even reported
    else
      code |= local ? MirrorProt::kCoherentLocal : MirrorProt::kCoherentRemote;
  } else if (machine.is_zero_pfn(pfn.pfn())) {
    code |= MirrorProt::kZero;
  }
  if (pfn.order() == kHugeOrder) code |= MirrorProt::kPmd;
  return code;
}

Errc Mirror::snapshot(Cpu& cpu, std::uint64_t start, std::span<std::uint8_t> out) {
  if (!valid_range(start, out.size())) return Errc::kInval;
  std::array<HmmPfn, kChunk> pfns;
  for (std::uint64_t done = 0; done < out.size();) {
    const std::uint64_t pages = std::min<std::uint64_t>(kChunk, out.size() - done);
    const std::uint64_t at = start + done * kPageBytes;
    SnapshotNotifier notifier(mm(), at, at + pages * kPageBytes);
    Retry retry("a range that a device looks at to stand still");
    for (bool again = false;; again = true) {
      if (again && !retry.pause()) return Errc::kLivelock;
      HmmRange range;
      range.notifier = &notifier;
      range.start = at;
      range.end = at + pages * kPageBytes;
      range.pfns = std::span(pfns).first(pages);
      range.dev_private_owner = &device_;
      range.notifier_seq = notifier.read_begin();
      Errc error = Errc::kOk;
      {
        SharedGuard guard(mm().mmap_lock);
        error = hmm_range_fault(cpu, range);
      }
      if (error == Errc::kBusy) continue;
      if (error != Errc::kOk) return error;
      Guard guard(notifier.lock);
      if (notifier.read_retry(range.notifier_seq)) continue;
      for (std::uint64_t i = 0; i < pages; ++i) out[done + i] = describe(pfns[i]);
      break;
    }
    done += pages;
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
