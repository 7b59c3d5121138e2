#include "engine/scenario/op_row.h"

#include <cmath>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

class Row {
 public:
  explicit Row(std::span<const double> row) : row_(row) {}

  /// An integer in [0, max].
  std::uint64_t next(double max) {
    const double value = row_[at_++];
    if (!(value >= 0) || value > max || value != std::floor(value)) {
      ok_ = false;
      return 0;
    }
    return static_cast<std::uint64_t>(value);
  }
  /// An index below `size`.
  std::uint8_t index(std::size_t size) {
    return static_cast<std::uint8_t>(next(static_cast<double>(size - 1)));
  }
  bool flag() { return next(1) != 0; }
  bool ok() const { return ok_; }

 private:
  std::span<const double> row_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

constexpr double kSafe = 9007199254740991.0;  // 2^53 - 1
constexpr double kProcs = 4294967295.0;

}  // namespace

bool read_op_row(std::span<const double> row, Op& op) {
  if (row.size() != kOpSlots.size()) return false;
  Row from(row);
  op.code = static_cast<OpCode>(from.index(kOpCodes));
  op.proc = static_cast<std::uint32_t>(from.next(kProcs));
  op.child = static_cast<std::uint32_t>(from.next(kProcs));
  op.buf = from.index(kBuffers);
  op.to = from.index(kBuffers);
  op.page = from.next(kSafe);
  op.n = from.next(kSafe);
  op.has_page = from.flag();
  op.has_n = from.flag();
  op.pages = from.next(kSafe);
  op.kind = static_cast<MapKind>(from.index(kMapKindNames.size()));
  op.prot = static_cast<std::uint8_t>(from.next(kProtRead | kProtWrite));
  op.fill = from.next(kSafe);
  op.has_fill = from.flag();
  op.file = from.index(kDiskFiles);
  op.dev = from.index(kDevices);
  op.value = from.next(kSafe);
  op.advice = static_cast<Advice>(from.index(kAdviceNames.size()));
  op.mode = static_cast<GupMode>(from.index(kGupModeNames.size()));
  op.via = static_cast<PinVia>(from.index(kPinViaNames.size()));
  op.id = static_cast<std::int64_t>(from.next(kSafe));
  op.fpage = from.next(kSafe);
  const std::uint64_t flags = from.next((kOpKeep << 1) - 1);
  op.write = (flags & kOpWrite) != 0;
  op.fast = (flags & kOpFast) != 0;
  op.longterm = (flags & kOpLongterm) != 0;
  op.referenced = (flags & kOpReferenced) != 0;
  op.must = (flags & kOpMust) != 0;
  op.evict = (flags & kOpEvict) != 0;
  op.keep = (flags & kOpKeep) != 0;
  op.pick = static_cast<PagePick>(from.index(kPagePickNames.size()));
  op.pfn = from.next(kSafe);
  op.has_pfn = from.flag();
  op.has_buf = from.flag();
  op.type = static_cast<PageType>(from.index(kPageTypeNames.size()));
  op.order = static_cast<std::uint8_t>(from.next(kMaxOrder));
  op.expect = from.next(kSafe);
  op.has_expect = from.flag();
  op.site = static_cast<FailSite>(from.index(kFailSiteNames.size()));
  op.nth = from.next(kSafe);
  op.times = from.next(kSafe);
  op.stop_at = static_cast<StopPoint>(from.index(kStopPoints.size()));
  return from.ok();
}

}  // namespace pagebox::inline PAGEBOX_ENV
