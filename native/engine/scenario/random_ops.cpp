#include "engine/scenario/random_ops.h"

#include <algorithm>

#include "engine/scenario/random_parts.h"

namespace pagebox::inline PAGEBOX_ENV {
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
    ops.push_back(usual_mapping(buf, settings.pages));
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

RandomOps::RandomOps(const MixTable& mix, const RandomOpsSettings& settings, std::uint64_t seed,
                     unsigned thread, std::uint64_t ops)
    : mix_(mix),
      settings_(settings),
      rng_(Rng::stream(seed, thread)),
      thread_(thread),
      left_(ops),
      endless_(ops == 0),
      known_(settings.folios != 0 ? 0 : settings.processes, settings.buffers, settings.pages) {
  if (settings.folios != 0) return;
  // As random_setup() leaves it.
  for (std::uint32_t proc = 0; proc < settings.processes; ++proc) {
    for (unsigned buf = 0; buf < settings.buffers; ++buf) {
      KnownLetter& letter = *known_.letter(proc, buf);
      letter.mapped = letter.writable = known_.whole();
      letter.kind = kind_of_letter(buf);
      // fork leaves the pages of shared mappings to faults.
      if (proc == 0 || !is_shared_mapping(letter.kind)) letter.populated = known_.whole();
    }
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

/// A mix has no operations that nobody gave it.
bool RandomOps::pays(const Op& pay) const {
  const auto code = static_cast<unsigned>(pay.code);
  if (mix_.weight(code) != 0) return true;
  return pay.code == OpCode::kMadvise &&
         mix_.weight(kOpCodes + static_cast<unsigned>(pay.advice)) != 0;
}

void RandomOps::owe(const Op& pay, std::uint64_t within) {
  if (owed_ == kMaxDebts || !pays(pay)) return;
  debts_[owed_++] = {pay, now_ + 1 + rng_.below(within)};
}

/// The first that is due.
bool RandomOps::pay(Op& op) {
  for (unsigned i = 0; i < owed_; ++i) {
    if (debts_[i].due > now_) continue;
    op = debts_[i].pay;
    std::move(debts_.begin() + i + 1, debts_.begin() + owed_, debts_.begin() + i);
    --owed_;
    std::uint8_t& early = early_[static_cast<unsigned>(op.code)];
    if (op.code != OpCode::kMadvise && early < 255) ++early;
    return true;
  }
  return false;
}

/// One that is paid with such an operation, due or not.
bool RandomOps::pay_now(OpCode code, Op& op) {
  for (unsigned i = 0; i < owed_; ++i) {
    if (debts_[i].pay.code != code) continue;
    op = debts_[i].pay;
    std::move(debts_.begin() + i + 1, debts_.begin() + owed_, debts_.begin() + i);
    --owed_;
    return true;
  }
  return false;
}

bool RandomOps::next(Op& op) {
  if (next_of_pair(op)) return true;
  partner_.reset();
  if (!endless_ && left_-- == 0) {
    left_ = 0;
    return false;
  }
  ++now_;
  if (settings_.folios != 0) {
    op = {};
    op.code = static_cast<OpCode>(mix_.draw(rng_));
    draw_page(false, op);
    return true;
  }
  if (pay(op)) return true;
  constexpr unsigned kRedraws = 4;
  unsigned slot = mix_.draw(rng_);
  for (unsigned i = 0; i < kRedraws && slot < kOpCodes && early_[slot] != 0; ++i) {
    --early_[slot];
    slot = mix_.draw(rng_);
  }
  const bool fails = rng_.below(kAllFail) < settings_.failing;
  op = {};
  op.code = slot < kOpCodes ? static_cast<OpCode>(slot) : OpCode::kMadvise;
  draw(slot, fails, op);
  return true;
}

}  // namespace pagebox::inline PAGEBOX_ENV
