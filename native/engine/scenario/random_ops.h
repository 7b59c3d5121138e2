// Random operations of a thread over a few processes and a few pages of each kind
// of memory, so that threads meet. A function of (seed, thread) and of what came of
// the thread's own operations before: it draws from what it knows to be there (known.h),
// and what is not there for the share that it is told. What it takes away from others (a
// mapping, the right to write), it gives back a few operations later.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/known.h"
#include "engine/scenario/op_mix.h"
#include "engine/scenario/op_source.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::uint32_t kAllFail = 1'000'000, kFailingOtherwise = 50'000;

struct RandomOpsSettings {
  unsigned processes = 2;  // that all threads share; to kMaxSharedProcesses
  unsigned buffers = 7;    // letters, of kinds in turn; to kMaxRandomBuffers
  unsigned pages = 2;      // of each letter
  unsigned placed = 0;     // pages set up by pfn; none unless a mix draws operations on them
  /// Not 0: operations on the pages of so many folios by pfn, of 2^order pages each, and
  /// on nothing else. Half of what is taken is given back by the next operation, which
  /// belongs to the one that took it and is not counted.
  unsigned folios = 0, order = 0;
  /// In millionths: how many of the operations that can fail are drawn so that they do, on
  /// what is not there. Not of those on folios.
  std::uint32_t failing = kFailingOtherwise;
};
inline constexpr unsigned kRandomPlaced = 16;
/// With the pages that the mixes need beside.
RandomOpsSettings complete(RandomOpsSettings settings, const std::vector<OpMix>& mixes);
inline constexpr unsigned kMaxSharedProcesses = 16, kMaxRandomBuffers = kMaxKnownLetters,
                          kMaxRandomPages = 4096;
inline constexpr unsigned kMaxRandomFolios = 8;

constexpr bool is_valid(const RandomOpsSettings& settings) {
  return settings.processes >= 1 && settings.processes <= kMaxSharedProcesses &&
         settings.buffers >= 1 && settings.buffers <= kMaxRandomBuffers && settings.pages >= 1 &&
         settings.pages <= kMaxRandomPages && settings.folios <= kMaxRandomFolios &&
         settings.order <= kMaxOrder && settings.failing <= kAllFail;
}

/// Makes the disk files, the letters with contents and the shared processes.
std::vector<Op> random_setup(const RandomOpsSettings& settings);

class RandomOps final : public OpSource {
 public:
  /// `mix` outlives this. `ops` operations; 0: no end.
  RandomOps(const MixTable& mix, const RandomOpsSettings& settings, std::uint64_t seed,
            unsigned thread, std::uint64_t ops);
  bool next(Op& op) override;
  void done(const Op& op, const OpRecord& record) override;

 private:
  struct Pin {
    std::uint32_t proc = 0;
    std::int64_t id = 0;
    PinVia via = PinVia::kGupTest;
  };
  /// What was taken away from everybody, and how it comes back.
  struct Debt {
    Op pay;
    std::uint64_t due = 0;
  };
  static constexpr unsigned kMaxDebts = 6;

  // random_ops.cpp: what comes next.
  bool pays(const Op& pay) const;
  void owe(const Op& pay, std::uint64_t within);
  bool pay(Op& op);
  bool pay_now(OpCode code, Op& op);
  bool next_of_pair(Op& op);

  // random_learn.cpp: what is known after it.
  void learn(const Op& op, Errc error);
  void learn_mapping(const Op& op, KnownLetter& letter);
  void learn_advice(const Op& op, KnownLetter& letter);
  void learn_device(const Op& op, Errc error);
  void learn_moved(const Op& op);
  void learn_failure(const Op& op, Errc error);
  void learn_pages(const Op& op);

  // random_draws.cpp: one of each kind. `fails`: such that it cannot come about.
  void draw(unsigned slot, bool fails, Op& op);
  void draw_process(Op& op);
  void draw_on(const Wanted& wanted, bool fails, Op& op);
  void draw_absent(Op& op);
  void draw_to_device(bool fails, Op& op);
  void draw_mmap(bool fails, Op& op);
  void draw_munmap(bool fails, Op& op);
  void draw_mprotect(bool fails, Op& op);
  void draw_mremap(bool fails, Op& op);
  void draw_advice(unsigned slot, bool fails, Op& op);
  void draw_fork(bool fails, Op& op);
  void draw_exit(bool fails, Op& op);
  void draw_gup(bool fails, Op& op);
  void draw_pin(bool fails, Op& op);
  void draw_held_pin(bool fails, Op& op);
  void draw_on_device(bool fails, Op& op);
  void draw_close(bool fails, Op& op);
  Op map_letter(std::uint32_t proc, unsigned buf) const;
  unsigned scratch() const;

  // random_draw_pages.cpp
  void draw_page(bool fails, Op& op);
  void draw_on_folio(Op& op);

  const MixTable& mix_;
  const RandomOpsSettings settings_;
  Rng rng_;
  const unsigned thread_;
  std::uint64_t left_ = 0;
  bool endless_ = false;
  std::uint64_t now_ = 0;  // operations so far
  Known known_;
  std::array<Debt, kMaxDebts> debts_;
  unsigned owed_ = 0;
  /// Operations that came early, as a debt, and are left out when they are drawn.
  std::array<std::uint8_t, kOpCodes> early_{};
  std::vector<std::uint32_t> children_;  // alive, this thread's own
  std::vector<Pin> pins_;
  std::int64_t next_id_ = 0;
  std::array<unsigned, 3> held_{};  // pages pinned, referenced, isolated by pfn
  std::uint32_t released_ = 0;      // pages that come and go: those that this thread let go
  std::optional<OpCode> partner_;   // follows if what was drawn comes about
  bool follows_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
