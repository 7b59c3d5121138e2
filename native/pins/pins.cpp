#include "pins/pins.h"

#include <bit>
#include <new>
#include <utility>

#include "base/constant_memory.h"
#include "page/folio.h"
#include "pins/batch.h"
#include "pins/protocol.h"
#include "pins/states.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// The inverse of an odd number modulo 2^64 (Newton: each step doubles the bits).
std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t x = odd;
  for (int i = 0; i < 5; ++i) x *= 2 - odd * x;
  return x;
}

void aim_at_memmap(PinFrame& f, Memmap& memmap) {
  const Shape& shape = memmap.shape();
  f.base = memmap.base();
  f.capacity = memmap.capacity();
  f.page_base = memmap.shape().compound_head_is_mask ? 0 : memmap.addresses().of_page(Pfn{0});
  f.address_mask = shape.word_bytes == 8 ? ~0ULL : 0xffffffffULL;
  f.stride_bytes = shape.stride_bytes;
  f.stride_shift = static_cast<std::uint8_t>(__builtin_ctz(shape.stride_bytes));
  f.stride_inverse = inverse_of(shape.stride_bytes >> f.stride_shift);
  f.refcount = shape.refcount;
  f.mapcount = shape.mapcount;
  f.memmap = &memmap;
  const auto mask_of = [&shape](Flag flag) {
    const auto bit = shape.flag_bit[static_cast<unsigned>(flag)];
    return bit < 0 ? 0 : std::uint64_t{1} << static_cast<unsigned>(bit);
  };
  f.slab_flag = mask_of(Flag::kSlab);
  if (shape.pincount_tail != 0) f.head_flag = mask_of(Flag::kHead);
  f.tail_min_order = shape.pincount_min_order;
  f.order = static_cast<std::uint16_t>(shape.stride_bytes + shape.order);
}

/// The flag's mask in its word. The quirk takes the mask for a bit number, as
/// set_bit and test_bit do.
std::uint64_t flag_mask(unsigned bit, QuirkSet quirks) {
  const std::uint64_t mask = std::uint64_t{1} << bit;
  return quirks.has(Quirk::kMaskAsBitNumber) && mask < 32 ? std::uint64_t{1} << mask : mask;
}

/// Entries outside are as wide as the next power of two, so that none lies across two words.
unsigned slot_bits_of(const SchemeSpec& scheme) {
  const bool narrow = scheme.place == CountPlace::kSideTable && scheme.is_narrow();
  return narrow ? std::bit_ceil(unsigned{scheme.count_bits}) : 32;
}

/// Of a placed scheme.
void place_count(PinFrame& f, const SchemeSpec& scheme, const Memmap& memmap) {
  const Shape& shape = memmap.shape();
  switch (scheme.place) {
    case CountPlace::kWord: f.count = shape.word(scheme.count_word); break;
    case CountPlace::kCounter: f.count = shape.counter; break;
    case CountPlace::kTail:
      f.count = std::uint32_t{shape.pincount_tail} * shape.stride_bytes + shape.pincount;
      break;
    default: break;
  }
  if (scheme.pinned.exists()) {
    const auto bit = static_cast<unsigned>(scheme.pinned.bit);
    const QuirkSet quirks = scheme.protocol == Protocol::kListOverlay ? f.quirks : QuirkSet{};
    f.flag_word = shape.word(static_cast<unsigned>(scheme.pinned.word));
    f.pinned = flag_mask(bit, quirks);
    f.isolates = scheme.isolates();
    if (f.isolates) {
      f.was_lru_word = shape.word(static_cast<unsigned>(scheme.was_lru.word));
      f.was_lru = flag_mask(static_cast<unsigned>(scheme.was_lru.bit), quirks);
    }
  }
  if (scheme.has_limit()) {
    const bool in_tail = scheme.place == CountPlace::kTail;
    f.count_shift = scheme.count_shift;
    if (in_tail) f.count_shift += static_cast<std::uint8_t>(std::countr_zero(shape.pincount_mask));
    f.at_limit = scheme.at_limit;
    f.slot_bits = static_cast<std::uint8_t>(slot_bits_of(scheme));
    f.unit = std::uint64_t{1} << f.count_shift;
    f.count_max = ~std::uint64_t{0} >> (64 - scheme.count_bits);
    f.keep = ~(f.count_max << f.count_shift | f.pinned | f.was_lru);
  }
  if (scheme.has_states()) {
    f.reads_pinned =
        scheme.place == CountPlace::kWord ? reads_pinned(scheme) : f.count_max << f.count_shift;
    // Where pins isolate, the word was a link before the first; elsewhere states stay.
    f.keep = scheme.isolates() ? ~own_bits(scheme) : ~std::uint64_t{0};
  }
}

}  // namespace

bool populate_page(const PinFrame& frame, std::uint64_t pfn) {
  if (frame.ops->populate == nullptr || pfn >= frame.capacity) return false;
  // Not only if it is all zero: another thread may be initialising it right now.
  return frame.ops->populate(frame.ops->context, Pfn{pfn});
}

void undo_references(const PinFrame& frame, Target target, std::uint32_t refs) {
  const std::uint32_t old = atomics::fetch_sub(target.u32(frame.refcount), refs);
  if (old == refs && frame.ops->release != nullptr)
    frame.ops->release(frame.ops->context, Pfn{target.pfn});
}

Errc PolicyBase::putback(const PinFrame& f, const Target& t) {
  const Page page = f.memmap->page(Pfn{t.pfn});
  return f.zone->add(page, Zone::kind_of(page));
}

static unsigned packed_bits_of(const SchemeSpec& scheme, unsigned word_bytes) {
  return scheme.packed_bits == 0 ? word_bytes * 8 : scheme.packed_bits;
}

PinKernels kernels_of(const SchemeSpec& scheme, unsigned word_bytes) {
  switch (scheme.protocol) {
    case Protocol::kFlagAndWord:
      return scheme.is_narrow() ? narrow_flag_kernel(scheme.protocol, word_bytes)
                                : flag_and_word_kernel(word_bytes);
    case Protocol::kPackedWord:
      return scheme.has_states()
                 ? state_word_kernel(scheme.packed_bits, word_bytes)
                 : packed_word_kernel(packed_bits_of(scheme, word_bytes), word_bytes);
    case Protocol::kListOverlay:
      return scheme.is_narrow() ? narrow_flag_kernel(scheme.protocol, word_bytes)
                                : list_overlay_kernel(word_bytes);
    case Protocol::kExternal:
      return scheme.is_narrow() ? narrow_table_kernel(word_bytes)
                                : external_kernel(scheme.place, word_bytes);
    case Protocol::kAdd: break;
  }
  if (scheme.is_narrow()) {
    if (scheme.place == CountPlace::kTail) return narrow_tail_kernel(word_bytes);
    return state_word_kernel(scheme.place == CountPlace::kCounter ? 32 : 0, word_bytes);
  }
  return add_kernel(scheme.place, word_bytes);
}

const PinStreamKernel& stream_kernel_of(const SchemeSpec& scheme, unsigned word_bytes) {
  return kernels_of(scheme, word_bytes).streams;
}

Pins::~Pins() = default;

Errc Pins::create(const SchemeSpec& scheme, Memmap& memmap, Zone& zone, unsigned shards,
                  std::unique_ptr<Pins>& out, const PinOptions& options) {
  if (shards == 0 || !check_scheme(scheme).empty()) return Errc::kInval;
  if (!scheme_fits(scheme, memmap.layout())) return Errc::kRefused;
  if (scheme.place == CountPlace::kCounter && memmap.shape().counter == 0) return Errc::kRefused;
  const ConstantMemory constant;
  std::unique_ptr<Pins> pins(new (std::nothrow) Pins);
  if (!pins) return Errc::kNoMem;
  pins->scheme_ = scheme;
  pins->options_ = options;
  PinFrame& f = pins->frame_;
  f.quirks = memmap.quirks() | options.quirks;
  f.zone = &zone;
  f.refs_per_pin = scheme.refs_per_pin;
  f.pinned_from = scheme.refs_per_pin;
  if (f.quirks.has(Quirk::kStrictlyGreater)) ++f.pinned_from;
  aim_at_memmap(f, memmap);
  pins->placed_ = placed(scheme, memmap.layout());
  place_count(f, pins->placed_, memmap);
  if (scheme.has_states()) {
    pins->states_ = pin_states(pins->placed_);
    f.states = &pins->states_;
  }
  pins->leave_behind();
  pins->kernel_ = &kernels_of(scheme, memmap.shape().word_bytes).batches;
  if (const Errc error = pins->reserve_outside(shards); error != Errc::kOk) return error;
  if (scheme.place == CountPlace::kSideTable && scheme.at_limit == AtLimit::kSaturate)
    memmap.set_left_outside(f.side_table, f.slot_bits);
  f.ops = &pins->options_.ops;
  out = std::move(pins);
  return Errc::kOk;
}

/// Counts that stick, and states that nothing clears, go with the page. (A count in a tail goes
/// with its folio.)
void Pins::leave_behind() {
  Memmap& memmap = *frame_.memmap;
  const unsigned word_bytes = memmap.shape().word_bytes;
  if (placed_.protocol == Protocol::kPackedWord && placed_.has_states())
    return memmap.set_left_behind(placed_.count_word, own_bits(placed_));
  if (!placed_.is_narrow() || placed_.at_limit != AtLimit::kSaturate) return;
  const std::uint64_t count = frame_.count_max << frame_.count_shift;
  if (placed_.place == CountPlace::kWord) memmap.set_left_behind(placed_.count_word, count);
  if (placed_.place == CountPlace::kCounter)
    memmap.set_left_behind(frame_.count / word_bytes, count << frame_.count % word_bytes * 8U);
  if (frame_.pinned != 0) memmap.set_left_behind(frame_.flag_word / word_bytes, frame_.pinned);
  if (frame_.was_lru != 0) memmap.set_left_behind(frame_.was_lru_word / word_bytes, frame_.was_lru);
}

Errc Pins::reserve_outside(unsigned shards) {
  if (scheme_.place == CountPlace::kSharded) {
    sharded_.reserve(shards);
    rows_.reserve(shards);
    for (unsigned i = 0; i < shards; ++i) {
      Result<Mapping> rows = Mapping::reserve(frame_.capacity * sizeof(ShardedCount));
      if (!rows) return rows.error;
      sharded_.push_back(std::move(rows.value));
      rows_.push_back(reinterpret_cast<ShardedCount*>(sharded_.back().data()));
    }
    frame_.shards = rows_.data();
    frame_.shard_count = shards;
    return Errc::kOk;
  }
  const bool records =
      scheme_.place == CountPlace::kMapcount && options_.ops.real_mappings == nullptr;
  const bool counts =
      scheme_.place == CountPlace::kSideTable || scheme_.at_limit == AtLimit::kSpill;
  if (!counts && !records) return Errc::kOk;
  const std::uint64_t bits = frame_.capacity * (counts ? frame_.slot_bits : 32U);
  Result<Mapping> table = Mapping::reserve((bits + 31) / 32 * sizeof(std::uint32_t));
  if (!table) return table.error;
  outside_ = std::move(table.value);
  auto* words = reinterpret_cast<std::uint32_t*>(outside_.data());
  (records ? frame_.mappings : frame_.side_table) = words;
  return Errc::kOk;
}

Errc Pins::check_count(Pfn pfn, std::uint32_t n) const {
  if (n == 1) return Errc::kOk;
  if (n == 0 || pfn.value >= frame_.capacity) return Errc::kInval;
  const Page head = frame_.memmap->page(head_of(pfn));
  return n > kRefcountMax / kernel_->refs_per_pin(frame_, head.at()) ? Errc::kPinLimit : Errc::kOk;
}

/// The page itself where word 1 names no head: the kernel call then says so.
Pfn Pins::head_of(Pfn pfn) const {
  Target t;
  const Errc error = frame_.memmap->shape().word_bytes == 8
                         ? resolve<std::uint64_t>(frame_, pfn.value, t)
                         : resolve<std::uint32_t>(frame_, pfn.value, t);
  return error == Errc::kOk ? Pfn{t.pfn} : pfn;
}

void Pins::undo(Pfn pfn, std::uint32_t n, unsigned shard) {
  const Result<bool> undone = kernel_->unpin(frame_, pfn.value, n, shard);
  if (undone && undone.value && options_.ops.release != nullptr)
    options_.ops.release(options_.ops.context, head_of(pfn));
}

/// Into the ledger, once the descriptor holds the pins.
Errc Pins::record(Pfn head, std::uint32_t n, unsigned shard) {
  // Others than pins and gets count too, and may have come in between.
  const bool crossed = frame_.memmap->page(head).refcount() < 0;
  const Errc error = crossed ? Errc::kPinLimit : options_.ledger->add(shard, head, n);
  if (error != Errc::kOk) undo(head, n, shard);
  return error;
}

/// Refused before the descriptor is touched if the sum of all pins and references would
/// be too much.
Errc Pins::pin_recorded(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard) {
  if (pfn.value >= frame_.capacity) return Errc::kInval;
  // A pin alone, far below the limit, needs no promise; its head is found once.
  if (n == 1 && pfn.value <= ~0U) {
    const auto page = static_cast<std::uint32_t>(pfn.value);
    std::uint32_t head = 0;
    Errc error = Errc::kOk;
    const auto run = way == PinWay::kSpeculative ? kernel_->try_pin_run : kernel_->pin_run;
    if (run(frame_, &page, 1, shard, kFarBelowLimit, &head, error) == 1)
      return record(Pfn{head}, 1, shard);
    if (error != Errc::kOverflow) return error;
  }
  return pin_promised(way, pfn, n, shard);
}

Errc Pins::pin_promised(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard) {
  const Pfn head = head_of(pfn);
  const Page page = frame_.memmap->page(head);
  const std::uint64_t refs = std::uint64_t{n} * kernel_->refs_per_pin(frame_, page.at());
  if (const Errc error = options_.ledger->promise(head, page, refs, most_refs());
      error != Errc::kOk)
    return error;
  const auto kernel = way == PinWay::kSpeculative ? kernel_->try_pin : kernel_->pin;
  Errc error = kernel(frame_, pfn.value, n, shard);
  if (error == Errc::kOk) error = record(head_of(pfn), n, shard);
  options_.ledger->settle(head, refs);
  return error;
}

Errc Pins::pin_checked(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard) {
  if (const Errc error = check_count(pfn, n); error != Errc::kOk) return error;
  if (options_.ledger != nullptr) return pin_recorded(way, pfn, n, shard);
  const auto kernel = way == PinWay::kSpeculative ? kernel_->try_pin : kernel_->pin;
  return kernel(frame_, pfn.value, n, shard);
}

Result<bool> Pins::unpin_checked(Pfn pfn, std::uint32_t n, unsigned shard) {
  if (n == 0 || pfn.value >= frame_.capacity) return Errc::kInval;
  if (options_.ledger == nullptr) {
    if (const Errc error = check_count(pfn, n); error != Errc::kOk) return error;
  } else if (const Errc error = options_.ledger->remove(shard, head_of(pfn), n);
             error != Errc::kOk) {
    return error;
  }
  return kernel_->unpin(frame_, pfn.value, n, shard);
}

PinCount Pins::pins(Pfn pfn) const { return kernel_->pins(frame_, pfn.value); }
bool Pins::maybe_pinned(Pfn pfn) const { return kernel_->maybe_pinned(frame_, pfn.value); }

std::int32_t Pins::refs_per_pin(Page head) const {
  return static_cast<std::int32_t>(kernel_->refs_per_pin(frame_, head.at()));
}

Result<bool> Pins::isolate(Pfn pfn) {
  if (pfn.value >= frame_.capacity) return Errc::kInval;
  return frame_.zone->isolate(frame_.memmap->page(head_of(pfn)));
}

Errc Pins::putback(Pfn pfn) {
  Guard guard(frame_.zone->lru_lock());
  return putback_locked(pfn);
}

Errc Pins::putback_locked(Pfn pfn) { return kernel_->putback(frame_, pfn.value); }

bool Pins::keeps_off_lru(Pfn pfn) const { return frame_.isolates && maybe_pinned(pfn); }

bool Pins::sticks(Pfn pfn) const {
  if (scheme_.at_limit != AtLimit::kSaturate || pfn.value >= frame_.capacity) return false;
  // Where the layout names no tail, references are all there is to count.
  if (scheme_.place == CountPlace::kTail && !frame_.memmap->layout().pincount.exists_in(folio_order(
                                                *frame_.memmap, frame_.memmap->page(head_of(pfn)))))
    return false;
  return !pins(pfn).exact;
}

const StateBit* Pins::wrong_state(Pfn pfn) const {
  if (frame_.states == nullptr || pfn.value >= frame_.capacity) return nullptr;
  const Page head = frame_.memmap->page(head_of(pfn));
  return pagebox::wrong_state(placed_, head.word(placed_.count_word));
}

std::uint64_t Pins::own_flags() const {
  const bool in_flags = placed_.place == CountPlace::kWord && placed_.count_word == 0;
  if (in_flags) return own_bits(placed_);
  return placed_.pinned.word == 0 ? frame_.pinned : 0;
}

bool Pins::returns_to_lru(Pfn pfn) const {
  if (!keeps_off_lru(pfn)) return false;
  const Page head = frame_.memmap->page(head_of(pfn));
  const unsigned word = frame_.was_lru_word / frame_.memmap->shape().word_bytes;
  return (head.word(word) & frame_.was_lru) != 0;
}

void Pins::record_mappings(Pfn head, std::uint32_t mappings) {
  if (frame_.mappings != nullptr && head.value < frame_.capacity)
    atomics::store(frame_.mappings + head.value, mappings);
}

Errc Pins::populate_outside(bool huge_pages) {
  const auto populate = [huge_pages](Mapping& counts) {
    if (huge_pages) (void)counts.advise_huge_pages();
    return counts.populate(counts.size_bytes());
  };
  if (outside_.data() != nullptr)
    if (const Errc error = populate(outside_); error != Errc::kOk) return error;
  for (Mapping& rows : sharded_)
    if (const Errc error = populate(rows); error != Errc::kOk) return error;
  return Errc::kOk;
}

void Pins::reset() {
  // Discarding pages of a private mapping cannot fail.
  if (outside_.data() != nullptr) (void)outside_.discard(0, outside_.size_bytes());
  for (Mapping& rows : sharded_) (void)rows.discard(0, rows.size_bytes());
  if (options_.ledger != nullptr) options_.ledger->clear();
}

}  // namespace pagebox::inline PAGEBOX_ENV
