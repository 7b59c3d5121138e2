#include "engine/scenario/random_ops.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kMaxChildren = 2;
constexpr std::size_t kMaxPins = 4;
constexpr unsigned kMaxHeldPages = 32;
struct TakeAndGive {
  OpCode take, give;
};
constexpr std::array<TakeAndGive, 3> kHolds = {{{OpCode::kPinPage, OpCode::kUnpinPage},
                                                {OpCode::kGetPage, OpCode::kPutPage},
                                                {OpCode::kIsolatePage, OpCode::kPutbackPage}}};
/// Numbers of a thread's own children: none that a shared process has.
constexpr std::uint32_t kFirstChild = 100;

constexpr MapKind kKinds[] = {MapKind::kAnonPrivate, MapKind::kAnonShared,  MapKind::kFilePrivate,
                              MapKind::kFileShared,  MapKind::kDiskPrivate, MapKind::kDiskShared,
                              MapKind::kAnonPrivate};

Op map_letter(unsigned buf, std::uint64_t pages) {
  Op op;
  op.code = OpCode::kMmap;
  op.buf = static_cast<std::uint8_t>(buf);
  op.kind = kKinds[buf % std::size(kKinds)];
  op.pages = pages;
  op.prot = kProtRead | kProtWrite;
  op.file = static_cast<std::uint8_t>(buf % kDiskFiles);
  op.has_fill = true;
  op.fill = 1000 + buf * 100;
  return op;
}

}  // namespace

RandomOpsSettings complete(RandomOpsSettings settings, const std::vector<OpMix>& mixes) {
  if (settings.folios != 0) return settings;
  for (const OpMix& mix : mixes)
    for (unsigned slot = 0; slot < kOpCodes; ++slot)
      if (mix.weights[slot] != 0 && is_page_op(static_cast<OpCode>(slot)))
        settings.placed = kRandomPlaced;
  return settings;
}

std::vector<Op> random_setup(const RandomOpsSettings& settings) {
  std::vector<Op> ops;
  if (settings.folios != 0) {
    Op op;
    op.code = OpCode::kSetUpPage;
    op.has_pfn = true;
    op.order = static_cast<std::uint8_t>(settings.order);
    op.pages = std::uint64_t{settings.folios} << settings.order;
    return {op};
  }
  if (settings.placed > 0) {
    Op op;
    op.code = OpCode::kSetUpPage;
    op.has_pfn = true;
    op.pages = settings.placed;
    ops.push_back(op);
  }
  for (unsigned file = 0; file < kDiskFiles; ++file) {
    Op op;
    op.code = OpCode::kFile;
    op.file = static_cast<std::uint8_t>(file);
    op.pages = settings.pages;
    op.value = 500 + file;
    ops.push_back(op);
  }
  for (unsigned buf = 0; buf < settings.buffers; ++buf) {
    ops.push_back(map_letter(buf, settings.pages));
    Op store;
    store.code = OpCode::kStore;
    store.buf = static_cast<std::uint8_t>(buf);
    store.value = 10 + buf;
    ops.push_back(store);
  }
  for (unsigned proc = 1; proc < settings.processes; ++proc) {
    Op op;
    op.code = OpCode::kFork;
    op.child = proc;
    ops.push_back(op);
  }
  return ops;
}

RandomOps::RandomOps(const OpMix& mix, const RandomOpsSettings& settings, std::uint64_t seed,
                     unsigned thread, std::uint64_t ops)
    : mix_(mix),
      settings_(settings),
      sum_(mix.sum()),
      rng_(Rng::stream(seed, thread)),
      left_(ops),
      endless_(ops == 0) {}

unsigned RandomOps::draw_slot() {
  std::uint64_t at = rng_.below(sum_);
  unsigned slot = 0;
  while (at >= mix_.weights[slot]) at -= mix_.weights[slot++];
  return slot;
}

void RandomOps::draw_process(Op& op) {
  if (!children_.empty() && rng_.below(3) == 0)
    op.proc = children_[rng_.below(children_.size())];
  else
    op.proc = static_cast<std::uint32_t>(rng_.below(settings_.processes));
}

void RandomOps::draw_range(Op& op) {
  op.buf = static_cast<std::uint8_t>(rng_.below(settings_.buffers));
  op.has_page = op.has_n = true;
  op.page = rng_.below(settings_.pages);
  op.n = rng_.below(2) == 0 ? 1 : 1 + rng_.below(settings_.pages - op.page);
  op.fpage = rng_.below(settings_.pages);
}

void RandomOps::draw_mmap(Op& op) {
  // Most letters are mapped: the hole is made here, or few would ever be mapped anew.
  const Op fresh = map_letter(op.buf, settings_.pages);
  op.kind = rng_.below(4) == 0 ? kKinds[rng_.below(std::size(kKinds))] : fresh.kind;
  op.pages = fresh.pages;
  op.file = fresh.file;
  op.prot = rng_.below(8) == 0 ? kProtRead : kProtRead | kProtWrite;
  op.has_fill = rng_.below(2) == 0;
  op.fill = rng_.below(1 << 20);
  if (rng_.below(2) != 0) return;
  op.code = OpCode::kMunmap;
  op.has_page = op.has_n = false;
}

void RandomOps::draw_fork(Op& op) {
  for (op.child = kFirstChild; std::ranges::count(children_, op.child) != 0;) ++op.child;
  if (children_.size() < kMaxChildren) return;
  draw_exit(op);
}

void RandomOps::draw_exit(Op& op) {
  if (children_.empty()) {
    op.code = OpCode::kYield;
    return;
  }
  op.code = OpCode::kExit;
  op.proc = children_[rng_.below(children_.size())];
}

void RandomOps::draw_pin(Op& op) {
  if (pins_.size() == kMaxPins) return draw_held_pin(op);
  op.code = OpCode::kPin;
  op.id = next_id_++;
  op.via = static_cast<PinVia>(rng_.below(kPinViaNames.size()));
  op.write = rng_.below(2) == 0;
  op.fast = rng_.below(2) == 0;
}

void RandomOps::draw_held_pin(Op& op) {
  if (pins_.empty()) return draw_pin(op);
  const Pin& pin = pins_[rng_.below(pins_.size())];
  op.proc = pin.proc;
  op.id = pin.id;
  if (op.code == OpCode::kPin) op.code = OpCode::kUnpin;
}

/// Half of them of pages set up by pfn, half of what is mapped somewhere. What gives back
/// takes any that the thread holds.
void RandomOps::draw_page(Op& op) {
  op.has_n = false;
  for (std::size_t i = 0; i < kHolds.size(); ++i) {
    const auto [take, give] = kHolds[i];
    if (op.code == give && held_[i] == 0) op.code = take;
    if (op.code == take && held_[i] == kMaxHeldPages) op.code = give;
    if (op.code != give) continue;
    op.has_page = false;
    op.pick = PagePick::kHeld;
    return;
  }
  if (settings_.folios != 0) return draw_on_folio(op);
  op.has_pfn =
      op.code == OpCode::kSetUpPage || op.code == OpCode::kReleasePage || rng_.below(2) == 0;
  op.has_buf = !op.has_pfn;
  if (!op.has_pfn) return;
  op.has_page = false;
  op.pfn = rng_.below(settings_.placed);
}

/// Any page of a folio: a pin of a tail goes to the head.
void RandomOps::draw_on_folio(Op& op) {
  op.has_pfn = true;
  op.has_page = false;
  op.pfn = rng_.below(settings_.folios) << settings_.order;
  if (op.code == OpCode::kSetUpPage) {
    op.order = static_cast<std::uint8_t>(settings_.order);
    return;
  }
  op.pfn += rng_.below(std::uint64_t{1} << settings_.order);
  enum Way : std::uint8_t { kPair, kKept, kReferenced };
  switch (op.code) {
    case OpCode::kPinPage: {
      auto way = static_cast<Way>(rng_.below(3));
      if (way == kKept) break;
      partner_ = OpCode::kUnpinPage;
      // As slow GUP, of a page that something holds.
      op.referenced = way == kReferenced && held_[1] != 0;
      if (!op.referenced) break;
      op.has_pfn = false;
      op.pick = PagePick::kHeld;
      break;
    }
    case OpCode::kGetPage:
      if (rng_.below(2) == 0) partner_ = OpCode::kPutPage;
      break;
    case OpCode::kIsolatePage: partner_ = OpCode::kPutbackPage; break;
    default: break;
  }
}

bool RandomOps::next_of_pair(Op& op) {
  if (!follows_) return false;
  follows_ = false;
  op = {};
  op.code = *partner_;
  op.pick = PagePick::kSame;
  partner_.reset();
  return true;
}

bool RandomOps::next(Op& op) {
  if (next_of_pair(op)) return true;
  partner_.reset();
  if (!endless_ && left_-- == 0) {
    left_ = 0;
    return false;
  }
  const unsigned slot = draw_slot();
  op = {};
  if (settings_.folios != 0) {
    op.code = static_cast<OpCode>(slot);
    draw_page(op);
    return true;
  }
  draw_process(op);
  draw_range(op);
  op.value = rng_.below(1 << 20);
  op.dev = static_cast<std::uint8_t>(rng_.below(kDevices));
  op.file = static_cast<std::uint8_t>(rng_.below(kDiskFiles));
  op.code = slot < kOpCodes ? static_cast<OpCode>(slot) : OpCode::kMadvise;
  if (slot >= kOpCodes) op.advice = static_cast<Advice>(slot - kOpCodes);
  switch (op.code) {
    case OpCode::kMmap: draw_mmap(op); break;
    case OpCode::kFile: op.pages = settings_.pages; break;
    case OpCode::kMprotect:
      op.prot = static_cast<std::uint8_t>(rng_.below(3) == 0 ? +kProtRead : kProtRead | kProtWrite);
      break;
    case OpCode::kMadvise:
      if (slot < kOpCodes) op.advice = static_cast<Advice>(rng_.below(kAdviceNames.size()));
      break;
    case OpCode::kMremap: op.to = static_cast<std::uint8_t>(rng_.below(settings_.buffers)); break;
    case OpCode::kFork: draw_fork(op); break;
    case OpCode::kExit: draw_exit(op); break;
    case OpCode::kGup:
      op.mode = static_cast<GupMode>(rng_.below(kGupModeNames.size()));
      op.write = rng_.below(2) == 0;
      op.longterm = op.mode != GupMode::kGup && op.mode != GupMode::kGupFast && rng_.below(3) == 0;
      break;
    case OpCode::kPin: draw_pin(op); break;
    case OpCode::kUnpin:
    case OpCode::kPinRead:
    case OpCode::kPinWrite: draw_held_pin(op); break;
    default:
      if (is_page_op(op.code)) draw_page(op);
      break;
  }
  return true;
}

void RandomOps::done(const Op& op, const OpRecord& record) {
  if (op.code == OpCode::kUnpin)
    std::erase_if(pins_, [&](const Pin& pin) { return pin.id == op.id; });
  if (record.ret != Errc::kOk) return;
  follows_ = partner_.has_value();
  for (std::size_t i = 0; i < kHolds.size(); ++i) {
    if (op.code == kHolds[i].take) ++held_[i];
    if (op.code == kHolds[i].give) --held_[i];
  }
  if (op.code == OpCode::kFork) children_.push_back(op.child);
  if (op.code == OpCode::kPin) pins_.push_back({op.proc, op.id});
  if (op.code != OpCode::kExit) return;
  std::erase(children_, op.proc);
  std::erase_if(pins_, [&](const Pin& pin) { return pin.proc == op.proc; });
}

}  // namespace pagebox::inline PAGEBOX_ENV
