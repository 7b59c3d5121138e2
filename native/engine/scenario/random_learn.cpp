// What a thread knows after each of its operations: what is there, and what it owes.
#include <algorithm>

#include "engine/scenario/random_ops.h"
#include "engine/scenario/random_parts.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Operations until a thread gives back what it took away; until it comes back to where it
/// failed.
constexpr std::uint64_t kSoon = 3, kLater = 8, kShy = 24;
/// The first ones; the others' memory is coherent.
constexpr unsigned kPrivateDevices = 2;

}  // namespace

void RandomOps::done(const Op& op, const OpRecord& record) {
  const Errc error = failure_of(op, record);
  if (op.code == OpCode::kUnpin)
    std::erase_if(pins_, [&](const Pin& pin) { return pin.id == op.id; });
  if (settings_.folios == 0) learn(op, error);
  if (op.code == OpCode::kMigrateToSys && error == Errc::kOk && record.cpages < op.n) {
    // Not all of it was there: what is missing may be swapped out.
    if (KnownLetter* letter = known_.letter(op.proc, op.buf)) {
      letter->populated &= ~known_.touched(op.page, op.n);
      letter->written &= ~known_.touched(op.page, op.n);
    }
  }
  if (error != Errc::kOk) return;
  follows_ = partner_.has_value();
  learn_pages(op);
  if (op.code == OpCode::kFork) {
    children_.push_back(op.child);
    known_.fork(op.proc, op.child, now_);
  }
  if (op.code == OpCode::kPin) pins_.push_back({op.proc, op.id, op.via});
  if (op.code != OpCode::kExit) return;
  std::erase(children_, op.proc);
  std::erase_if(pins_, [&](const Pin& pin) { return pin.proc == op.proc; });
  known_.exit(op.proc);
  const auto rest = std::remove_if(debts_.begin(), debts_.begin() + owed_,
                                   [&](const Debt& each) { return each.pay.proc == op.proc; });
  owed_ = static_cast<unsigned>(rest - debts_.begin());
}

void RandomOps::learn_pages(const Op& op) {
  for (std::size_t i = 0; i < kHolds.size(); ++i) {
    if (op.code == kHolds[i].take) ++held_[i];
    if (op.code == kHolds[i].give) --held_[i];
  }
  if (op.pfn >= kRandomPlaced || settings_.folios != 0) return;
  const std::uint32_t bit = std::uint32_t{1} << op.pfn;
  if (op.code == OpCode::kReleasePage) released_ |= bit;
  if (op.code == OpCode::kSetUpPage) released_ &= ~bit;
}

void RandomOps::learn(const Op& op, Errc error) {
  if (is_device_op(op.code)) learn_device(op, error);
  if (error != Errc::kOk) return learn_failure(op, error);
  if (op.code == OpCode::kMremap) return learn_moved(op);
  KnownLetter* letter = takes_letter(op.code) ? known_.letter(op.proc, op.buf) : nullptr;
  if (letter == nullptr) return;
  const BlockMask blocks = known_.touched(op.page, op.n);
  switch (op.code) {
    case OpCode::kMmap:
    case OpCode::kMunmap:
    case OpCode::kMprotect:
    case OpCode::kMlock:
    case OpCode::kMunlock: learn_mapping(op, *letter); break;
    case OpCode::kMadvise: learn_advice(op, *letter); break;
    case OpCode::kMigrateToDev:
      letter->device |= blocks;
      letter->exclusive &= ~blocks;
      break;
    case OpCode::kExclusive:
      letter->exclusive |= blocks;
      letter->device &= ~blocks;
      letter->populated |= blocks;
      letter->written |= blocks;
      break;
    case OpCode::kMigrateToSys:
      letter->populated |= letter->device & blocks;
      letter->device &= ~blocks;
      break;
    case OpCode::kDevRead:
    case OpCode::kDevWrite: {
      const KnownProcess* process = known_.find(op.proc);
      letter->populated |= blocks;
      letter->exclusive &= ~blocks;
      if (op.code == OpCode::kDevWrite) letter->written |= blocks;
      // Another device has it brought back first.
      if (process != nullptr && usual_device(process->origin, op.buf) != op.dev)
        letter->device &= ~blocks;
      break;
    }
    case OpCode::kCheckExclusive:
    case OpCode::kSnapshot:
    case OpCode::kPagemap:
    case OpCode::kFdRead:
    case OpCode::kFdWrite: break;
    default:
      letter->populated |= blocks;
      letter->exclusive &= ~blocks;
      if (op.code == OpCode::kStore) letter->written |= blocks;
      // The CPU uses coherent memory in place.
      if (const KnownProcess* process = known_.find(op.proc);
          process != nullptr && usual_device(process->origin, op.buf) < kPrivateDevices)
        letter->device &= ~blocks;
      break;
  }
}

void RandomOps::learn_mapping(const Op& op, KnownLetter& letter) {
  Op pay;
  pay.proc = op.proc;
  pay.buf = op.buf;
  pay.has_page = pay.has_n = true;
  pay.page = op.page;
  pay.n = op.n;
  const BlockMask touched = known_.touched(op.page, op.n), covered = known_.covered(op.page, op.n);
  switch (op.code) {
    case OpCode::kMmap: {
      letter = {};
      letter.mapped = known_.whole();
      letter.kind = op.kind;
      if ((op.prot & kProtWrite) != 0) letter.writable = letter.mapped;
      if (letter.writable != 0) break;
      pay.code = OpCode::kMprotect;
      pay.prot = kProtRead | kProtWrite;
      pay.page = 0;
      pay.n = settings_.pages;
      owe(pay, kSoon);
      break;
    }
    case OpCode::kMunmap: {
      letter.mapped &= ~touched;
      letter.writable &= ~touched;
      letter.locked &= ~covered;
      letter.populated &= ~touched;
      letter.device &= ~touched;
      letter.exclusive &= ~touched;
      // mmap begins at the letter's first page, and takes nobody's place.
      const bool all = op.page == 0 && op.n >= settings_.pages;
      if (all) {
        letter.not_forked = letter.locked = 0;
        owe(map_letter(op.proc, op.buf), kSoon);
        break;
      }
      pay.code = OpCode::kMunmap;
      pay.page = 0;
      pay.n = settings_.pages;
      if (pays(map_letter(op.proc, op.buf))) owe(pay, kSoon);
      break;
    }
    case OpCode::kMprotect:
      if ((op.prot & kProtWrite) != 0) {
        letter.writable |= covered & letter.mapped;
        break;
      }
      letter.writable &= ~touched;
      pay.code = OpCode::kMprotect;
      pay.prot = kProtRead | kProtWrite;
      owe(pay, kSoon);
      break;
    case OpCode::kMlock:
      letter.locked |= touched;
      letter.populated |= touched;
      pay.code = OpCode::kMunlock;
      owe(pay, kLater);
      break;
    default: letter.locked &= ~covered; break;
  }
}

void RandomOps::learn_advice(const Op& op, KnownLetter& letter) {
  const BlockMask touched = known_.touched(op.page, op.n);
  switch (op.advice) {
    case Advice::kPageout:
      // What a device has stays there.
      letter.populated &= ~touched | letter.device;
      letter.exclusive &= ~touched;
      break;
    case Advice::kDontneed:
    case Advice::kRemove:
      letter.populated &= ~touched;
      letter.device &= ~touched;
      letter.exclusive &= ~touched;
      break;
    case Advice::kPopulateRead:
    case Advice::kPopulateWrite:
      letter.populated |= touched;
      letter.device &= ~touched;
      letter.exclusive &= ~touched;
      break;
    case Advice::kDontfork: {
      letter.not_forked |= touched;
      Op pay = op;
      pay.advice = Advice::kDofork;
      owe(pay, kSoon);
      break;
    }
    case Advice::kDofork: letter.not_forked &= ~known_.covered(op.page, op.n); break;
    default: break;
  }
}

/// Every operation on a device opens it, whatever becomes of it.
void RandomOps::learn_device(const Op& op, Errc error) {
  KnownProcess* process = known_.find(op.proc);
  if (op.code == OpCode::kRelease && error == Errc::kOk) {
    for (std::uint32_t proc = 0; proc < settings_.processes; ++proc)
      for (unsigned buf = 0; buf < settings_.buffers; ++buf)
        if (usual_device(proc, buf) == op.dev) known_.letter(proc, buf)->device = 0;
  }
  if (process == nullptr) return;
  const auto bit = static_cast<std::uint8_t>(1U << op.dev);
  if (op.code == OpCode::kCloseDev) {
    process->open &= static_cast<std::uint8_t>(~bit);
    process->not_open |= bit;
  } else {
    process->open |= bit;
    process->not_open &= static_cast<std::uint8_t>(~bit);
  }
}

/// To a letter that nobody else uses and back, or onto another one.
void RandomOps::learn_moved(const Op& op) {
  KnownLetter* from = known_.letter(op.proc, op.buf);
  KnownLetter* to = known_.letter(op.proc, op.to);
  const BlockMask left = known_.touched(op.page, op.n), taken = known_.touched(0, op.n);
  const BlockMask whole = known_.covered(0, op.n);
  if (to != nullptr) {
    to->mapped |= taken;
    to->writable |= taken;
    to->populated |= taken;
    to->device &= ~taken;
    to->exclusive &= ~taken;
    to->locked &= ~whole;
    if (from != nullptr) to->kind = from->kind;
  }
  if (from == nullptr) return;
  from->mapped &= ~left;
  from->writable &= ~left;
  from->populated &= ~left;
  from->device &= ~left;
  from->exclusive &= ~left;
  Op back;
  back.proc = op.proc;
  back.buf = op.buf;
  back.has_page = back.has_n = true;
  if (to != nullptr) {
    back.code = OpCode::kMunmap;
    back.n = settings_.pages;
    if (pays(map_letter(op.proc, op.buf))) owe(back, kSoon);
    return;
  }
  back.code = OpCode::kMremap;
  back.buf = op.to;
  back.to = op.buf;
  back.n = op.n;
  owe(back, kSoon);
}

/// Asked for or met. A letter of its own child that fails is one that it inherited so.
void RandomOps::learn_failure(const Op& op, Errc error) {
  if (op.code == OpCode::kMmap && error == Errc::kExist) {
    // Somebody has moved pages there.
    Op pay;
    pay.code = OpCode::kMunmap;
    pay.proc = op.proc;
    pay.buf = op.buf;
    pay.has_page = pay.has_n = true;
    pay.n = settings_.pages;
    if (KnownLetter* letter = known_.letter(op.proc, op.buf);
        letter != nullptr && letter->mapped != known_.whole())
      owe(pay, kSoon);
    return;
  }
  if (!takes_letter(op.code) && !op.has_buf) return;
  KnownLetter* letter = known_.letter(op.proc, op.buf);
  if (letter == nullptr) return;
  // What this thread has made so itself, it knows.
  const BlockMask touched = known_.touched(op.page, std::max<std::uint64_t>(op.n, 1));
  if ((touched & ~letter->mapped) != 0) return;
  // What is busy is there all the same.
  if (is_page_op(op.code) && error == Errc::kFault) letter->populated &= ~touched;
  // The device has it, most likely, and has forgotten where: it forgets a page more than it is
  // told to. Fetching it is an answer.
  if (op.code == OpCode::kMigrateToDev) letter->device |= touched;
  // Somebody holds those pages; anything else may have become of the letter as a whole.
  const bool of_pages = op.code == OpCode::kMigrateToDev || is_page_op(op.code);
  if (now_ >= letter->shy_until) letter->shy = 0;
  letter->shy |= of_pages ? touched : ~BlockMask{0};
  letter->shy_until = known_.is_shared(op.proc) ? now_ + kShy : ~std::uint64_t{0};
}

}  // namespace pagebox::inline PAGEBOX_ENV
