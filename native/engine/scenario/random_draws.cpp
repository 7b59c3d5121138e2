// How each operation is drawn: from what the thread knows to be there, or, where it is to
// fail, from what is not.
#include <algorithm>

#include "engine/scenario/random_ops.h"
#include "engine/scenario/random_parts.h"
#include "mm/migrate.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kMaxChildren = 2;
/// Of each thread: a pinned page does not migrate.
constexpr std::size_t kMaxPins = 3;
/// Numbers of a thread's own children: none that a shared process has.
constexpr std::uint32_t kFirstChild = 100, kNoChild = kFirstChild + kMaxChildren;
/// Behind the letters: those that threads move pages to for a while, and one that nobody maps.
constexpr unsigned kScratch = kMaxKnownLetters, kNobodys = kBuffers - 1;

constexpr KindSet kAnonymous = kind_bit(MapKind::kAnonPrivate);
constexpr KindSet kShmem = kind_bit(MapKind::kAnonShared) | kind_bit(MapKind::kFileShared);
constexpr KindSet kWithFile = kind_bit(MapKind::kFilePrivate) | kind_bit(MapKind::kFileShared);
/// Their pages become anonymous when they are written.
constexpr KindSet kPrivate =
    kAnonymous | kind_bit(MapKind::kFilePrivate) | kind_bit(MapKind::kDiskPrivate);
/// A long-term pin for writing is refused on them.
constexpr KindSet kTracked = kind_bit(MapKind::kDiskShared);

}  // namespace

Op RandomOps::map_letter(std::uint32_t proc, unsigned buf) const {
  Op op = usual_mapping(buf, settings_.pages);
  op.proc = proc;
  return op;
}

unsigned RandomOps::scratch() const { return kScratch + thread_ % (kNobodys - kScratch); }

void RandomOps::draw_process(Op& op) {
  if (!children_.empty() && rng_.below(3) == 0)
    op.proc = children_[rng_.below(children_.size())];
  else
    op.proc = static_cast<std::uint32_t>(rng_.below(settings_.processes));
}

/// Nothing is mapped there, ever.
void RandomOps::draw_absent(Op& op) {
  draw_process(op);
  op.buf = kNobodys;
  op.has_page = op.has_n = true;
  op.page = rng_.below(settings_.pages);
  op.n = rng_.below(2) == 0 ? 1 : 1 + rng_.below(settings_.pages - op.page);
}

void RandomOps::draw_on(const Wanted& wanted, bool fails, Op& op) {
  Place at;
  // Where nothing is known any more, what others may have mapped since is as good.
  if (fails || !known_.draw(rng_, now_, wanted, at)) {
    draw_absent(op);
    if (!fails) op.buf = static_cast<std::uint8_t>(rng_.below(settings_.buffers));
    return;
  }
  op.proc = at.proc;
  op.buf = at.buf;
  op.has_page = op.has_n = true;
  op.page = at.page;
  op.n = at.n;
}

void RandomOps::draw(unsigned slot, bool fails, Op& op) {
  op.value = rng_.below(1 << 20);
  op.file = static_cast<std::uint8_t>(rng_.below(kDiskFiles));
  switch (op.code) {
    case OpCode::kMmap: return draw_mmap(fails, op);
    case OpCode::kMunmap: return draw_munmap(fails, op);
    case OpCode::kMprotect: return draw_mprotect(fails, op);
    case OpCode::kMremap: return draw_mremap(fails, op);
    case OpCode::kMadvise: return draw_advice(slot, fails, op);
    case OpCode::kMlock: return draw_on({}, fails, op);
    case OpCode::kMunlock:
      if (!fails && pay_now(OpCode::kMunlock, op)) return;
      return draw_on({.prefers = &KnownLetter::locked}, fails, op);
    case OpCode::kStore: return draw_on({.writable = true}, fails, op);
    case OpCode::kFork: return draw_fork(fails, op);
    case OpCode::kExit: return draw_exit(fails, op);
    case OpCode::kGup: return draw_gup(fails, op);
    case OpCode::kPin: return draw_pin(fails, op);
    case OpCode::kUnpin:
    case OpCode::kPinRead:
    case OpCode::kPinWrite: return draw_held_pin(fails, op);
    case OpCode::kFile: op.pages = settings_.pages; return;
    case OpCode::kFileRead:
      op.n = 1 + rng_.below(settings_.pages);
      op.has_n = true;
      op.fpage = rng_.below(settings_.pages - op.n + 1);
      return;
    case OpCode::kDioRead:
    case OpCode::kBioRead:
    case OpCode::kDioWrite:
    case OpCode::kBioWrite: {
      const bool reads = op.code == OpCode::kDioRead || op.code == OpCode::kBioRead;
      draw_on({.writable = reads}, fails, op);
      // A read within the file; a write may make it longer.
      op.fpage = rng_.below(reads ? settings_.pages - op.n + 1 : settings_.pages);
      return;
    }
    case OpCode::kFdRead:
    case OpCode::kFdWrite: return draw_on({.kinds = kWithFile}, fails, op);
    case OpCode::kClearRefs: return draw_process(op);
    case OpCode::kCompact:
      // As many as the kernel takes at once: a move of all memory would be most of the run.
      op.has_n = true;
      op.n = kCompactCluster;
      return;
    case OpCode::kWriteback:
    case OpCode::kYield:
    case OpCode::kInjected: return;
    case OpCode::kFailNth:
      // Soon, so that it meets one of the few operations to come.
      op.site = static_cast<FailSite>(rng_.below(kFailSiteNames.size()));
      op.nth = 1 + rng_.below(4);
      return;
    default: break;
  }
  if (is_page_op(op.code)) return draw_page(fails, op);
  if (is_device_op(op.code)) return draw_on_device(fails, op);
  draw_on({}, fails, op);  // load, pagemap
}

void RandomOps::draw_mmap(bool fails, Op& op) {
  if (fails) {
    // On what is mapped.
    Place at;
    if (!known_.draw(rng_, now_, {}, at)) return draw_absent(op);
    op = map_letter(at.proc, at.buf);
    return;
  }
  if (pay_now(OpCode::kMmap, op)) return;
  // Most letters are mapped: the hole is made here, or few would ever be mapped anew.
  for (const KnownProcess& process : known_.all()) {
    for (unsigned buf = 0; buf < settings_.buffers; ++buf) {
      if (process.letters[buf].mapped != 0) continue;
      op = map_letter(process.number, buf);
      // Of its own kind in what threads share: others count on it.
      if (!known_.is_shared(process.number) && rng_.below(2) == 0)
        op.kind = kLetterKinds[rng_.below(kLetterKinds.size())];
      if (rng_.below(8) == 0) {
        Op pay;
        pay.code = OpCode::kMprotect;
        if (pays(pay)) op.prot = kProtRead;
      }
      op.has_fill = rng_.below(2) == 0;
      op.fill = rng_.below(1 << 20);
      return;
    }
  }
  draw_on({}, false, op);
  op.code = OpCode::kMunmap;
  op.page = 0;
  op.n = settings_.pages;
}

void RandomOps::draw_munmap(bool fails, Op& op) {
  if (!fails && pay_now(OpCode::kMunmap, op)) return;
  draw_on({}, false, op);
  // A hole is no error for munmap; no page is.
  if (fails) op.n = 0;
  if (fails || rng_.below(2) == 0) return;
  op.page = 0;
  op.n = settings_.pages;
}

void RandomOps::draw_mprotect(bool fails, Op& op) {
  if (!fails && pay_now(OpCode::kMprotect, op)) return;
  draw_on({}, fails, op);
  op.prot = static_cast<std::uint8_t>(rng_.below(3) == 0 ? +kProtRead : kProtRead | kProtWrite);
}

/// From the start of a letter to one of the thread's own, from where the next one brings
/// the pages back; in a process of its own also onto another letter.
void RandomOps::draw_mremap(bool fails, Op& op) {
  if (!fails && pay_now(OpCode::kMremap, op)) return;
  draw_on({.writable = true, .unlocked = true}, fails, op);
  op.to = static_cast<std::uint8_t>(scratch());
  if (fails) return;
  // More than a page may be more than a mapping, where somebody has split it.
  if (op.page != 0 || rng_.below(2) == 0) op.n = 1;
  if (!known_.is_shared(op.proc) && settings_.buffers > 1 && rng_.below(2) == 0) {
    op.to = static_cast<std::uint8_t>((op.buf + 1 + rng_.below(settings_.buffers - 1)) %
                                      settings_.buffers);
    return;
  }
  op.page = 0;
}

void RandomOps::draw_advice(unsigned slot, bool fails, Op& op) {
  op.advice =
      static_cast<Advice>(slot >= kOpCodes ? slot - kOpCodes : rng_.below(kAdviceNames.size()));
  switch (op.advice) {
    case Advice::kDontneed:
    case Advice::kPageout:
    case Advice::kCold:
      return draw_on({.unlocked = true, .prefers = &KnownLetter::populated}, fails, op);
    case Advice::kFree:
      return draw_on({.kinds = kAnonymous, .unlocked = true, .prefers = &KnownLetter::populated},
                     fails, op);
    case Advice::kRemove:
      return draw_on({.kinds = kShmem, .unlocked = true, .prefers = &KnownLetter::populated}, fails,
                     op);
    case Advice::kPopulateRead:
      return draw_on({.prefers = &KnownLetter::populated, .avoids = true}, fails, op);
    case Advice::kPopulateWrite:
      return draw_on({.writable = true, .prefers = &KnownLetter::populated, .avoids = true}, fails,
                     op);
    case Advice::kWipeonfork: return draw_on({.kinds = kAnonymous}, fails, op);
    case Advice::kDofork: return draw_on({.prefers = &KnownLetter::not_forked}, fails, op);
    default: return draw_on({}, fails, op);
  }
}

void RandomOps::draw_fork(bool fails, Op& op) {
  draw_process(op);
  if (fails && children_.size() < kMaxChildren) {
    // A name that is taken.
    op.child = children_.empty() ? 0 : children_[rng_.below(children_.size())];
    return;
  }
  for (op.child = kFirstChild; std::ranges::count(children_, op.child) != 0;) ++op.child;
  if (children_.size() < kMaxChildren) return;
  draw_exit(fails, op);
}

void RandomOps::draw_exit(bool fails, Op& op) {
  if (children_.empty()) {
    op.code = OpCode::kYield;
    return;
  }
  if (fails) {
    op.proc = kNoChild;
    return;
  }
  op.code = OpCode::kExit;
  op.proc = children_[rng_.below(children_.size())];
}

void RandomOps::draw_gup(bool fails, Op& op) {
  op.mode = static_cast<GupMode>(rng_.below(kGupModeNames.size()));
  op.write = rng_.below(2) == 0;
  op.longterm = op.mode != GupMode::kGup && op.mode != GupMode::kGupFast && rng_.below(3) == 0;
  const bool lasts = op.longterm || op.mode == GupMode::kPinLongterm;
  draw_on({.kinds = lasts && op.write ? ~kTracked : kAnyKind, .writable = op.write}, fails, op);
}

void RandomOps::draw_pin(bool fails, Op& op) {
  if (pins_.size() == kMaxPins) {
    op.code = OpCode::kUnpin;
    return draw_held_pin(fails, op);
  }
  const bool has_to_write = op.code == OpCode::kPinWrite;
  op.code = OpCode::kPin;
  op.id = next_id_++;
  op.via = has_to_write ? PinVia::kUring : static_cast<PinVia>(rng_.below(kPinViaNames.size()));
  // The test driver holds one set of pages for each thread.
  const auto tested = [](const Pin& pin) { return pin.via == PinVia::kGupTest; };
  if (op.via == PinVia::kGupTest && std::ranges::any_of(pins_, tested))
    op.via = rng_.below(2) == 0 ? PinVia::kUring : PinVia::kVmsplice;
  op.write = rng_.below(2) == 0;
  op.fast = rng_.below(2) == 0;
  const bool writes = op.via == PinVia::kUring || (op.via == PinVia::kGupTest && op.write);
  draw_on({.kinds = writes ? ~kTracked : kAnyKind, .writable = writes}, fails, op);
}

void RandomOps::draw_held_pin(bool fails, Op& op) {
  // Only the ring writes through its pins.
  const auto fits = [&](const Pin& pin) {
    return op.code != OpCode::kPinWrite || pin.via == PinVia::kUring;
  };
  const auto count = static_cast<std::uint64_t>(std::ranges::count_if(pins_, fits));
  if (count == 0) {
    if (pins_.size() < kMaxPins) return draw_pin(fails, op);
    op.code = OpCode::kUnpin;
    return draw_held_pin(fails, op);
  }
  if (fails) {
    draw_process(op);
    op.id = next_id_++;
    return;
  }
  auto left = rng_.below(count);
  for (const Pin& pin : pins_) {
    if (!fits(pin) || left-- != 0) continue;
    op.proc = pin.proc;
    op.id = pin.id;
    return;
  }
}

void RandomOps::draw_on_device(bool fails, Op& op) {
  switch (op.code) {
    case OpCode::kCloseDev: return draw_close(fails, op);
    case OpCode::kRelease:
    case OpCode::kOpenDev:
      draw_process(op);
      // Two that empty one device are in each other's way.
      op.dev = static_cast<std::uint8_t>(op.code == OpCode::kRelease && rng_.below(8) != 0
                                             ? thread_ % kDevices
                                             : rng_.below(kDevices));
      return;
    case OpCode::kDevWrite: draw_on({.writable = true}, fails, op); break;
    case OpCode::kMigrateToDev:
      draw_to_device(fails, op);
      if (op.code == OpCode::kStore) return;
      break;
    case OpCode::kMigrateToSys: draw_on({.prefers = &KnownLetter::device}, fails, op); break;
    case OpCode::kExclusive: {
      Wanted wanted{.kinds = kAnonymous, .writable = true, .off_device = true, .few = true};
      Place at;
      if (!fails && !known_.draw(rng_, now_, wanted, at)) wanted.off_device = false;
      draw_on(wanted, fails, op);
      break;
    }
    case OpCode::kCheckExclusive: {
      // An access that lasts is the failure.
      Place at;
      const bool has = fails && known_.draw(rng_, now_, {.exclusive = true}, at);
      draw_on({.exclusive = has, .not_exclusive = !has}, false, op);
      break;
    }
    default: draw_on({}, fails, op); break;
  }
  const KnownProcess* process = known_.find(op.proc);
  const std::uint32_t origin = process == nullptr ? 0 : process->origin;
  op.dev = static_cast<std::uint8_t>(usual_device(origin, op.buf));
  // Another one may read and write too.
  const bool any =
      op.code == OpCode::kDevRead || op.code == OpCode::kDevWrite || op.code == OpCode::kSnapshot;
  if (any && rng_.below(4) == 0) op.dev = static_cast<std::uint8_t>(rng_.below(kDevices));
}

/// What is swapped out does not move, nor what a device has whose page another process
/// shares: where no page is known to be this one's own and in RAM, one is made so.
void RandomOps::draw_to_device(bool fails, Op& op) {
  Wanted wanted{.kinds = kPrivate,
                .writable = true,
                .not_exclusive = true,
                .written = true,
                .off_device = true,
                .few = true};
  Place at;
  // Failing or not: else more would fail than were asked for.
  if (known_.draw(rng_, now_, wanted, at)) return draw_on(wanted, fails, op);
  wanted.written = wanted.off_device = false;
  for (const OpCode touch : {OpCode::kMigrateToSys, OpCode::kDevWrite, OpCode::kStore}) {
    Op other;
    other.code = touch;
    if (!pays(other)) continue;
    wanted.written = wanted.not_exclusive = touch == OpCode::kMigrateToSys;
    if (!known_.draw(rng_, now_, wanted, at)) continue;
    op.code = touch;
    return draw_on(wanted, fails, op);
  }
  wanted = {.kinds = kPrivate, .writable = true, .populated = true, .few = true};
  if (!known_.draw(rng_, now_, wanted, at)) wanted.populated = false;
  draw_on(wanted, fails, op);
}

void RandomOps::draw_close(bool fails, Op& op) {
  const auto draw_from = [&](auto&& mask_of) {
    for (unsigned i = 0; i < 8; ++i) {
      const KnownProcess& process = known_.all()[rng_.below(known_.all().size())];
      const auto mask = static_cast<std::uint8_t>(mask_of(process));
      if (mask == 0) continue;
      op.proc = process.number;
      auto skip = rng_.below(static_cast<std::uint64_t>(std::popcount(mask)));
      for (op.dev = 0; op.dev < kDevices; ++op.dev)
        if ((mask >> op.dev & 1) != 0 && skip-- == 0) return true;
    }
    return false;
  };
  constexpr auto kAll = (1U << kDevices) - 1;
  if (fails && draw_from([](const KnownProcess& each) { return each.not_open; })) return;
  if (fails && draw_from([](const KnownProcess& each) { return kAll & ~each.open; })) return;
  if (draw_from([](const KnownProcess& each) { return each.open; })) return;
  draw_process(op);
  op.dev = static_cast<std::uint8_t>(rng_.below(kDevices));
  op.code = OpCode::kOpenDev;
}

}  // namespace pagebox::inline PAGEBOX_ENV
