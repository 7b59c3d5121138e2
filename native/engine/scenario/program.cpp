#include "engine/scenario/program.h"

#include <algorithm>

#include "engine/scenario/process.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::inline PAGEBOX_ENV {

Program::Program(const std::vector<Op>& ops, Interpreter& interpreter, std::uint64_t seed)
    : ops_(ops),
      interpreter_(interpreter),
      first_rng_(Rng::stream(seed, interpreter.thread())),
      rng_(first_rng_) {
  // One is made for each thread of each schedule, and most repeat nothing.
  if (std::ranges::find(ops, OpCode::kRepeat, &Op::code) == ops.end()) return;
  idle_.resize(ops.size());
  steps_.resize(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].code != OpCode::kRepeat) continue;
    idle_[i] = ops[i].n == 0 || count_ops(ops, i + 1, i + 1 + ops[i].pages) == 0 ? 1 : 0;
    steps_[i] = step_of(i + 1, ops[i].pages);
  }
}

void Program::restart() {
  at_ = 0;
  rng_ = first_rng_;
  sequential_ = 0;
  zipf_.clear();
}

/// To where the next operation stands.
void Program::settle() {
  while (!loops_.empty() && at_ == loops_.back().end) {
    if (--loops_.back().left == 0)
      loops_.pop_back();
    else
      at_ = loops_.back().begin;
  }
}

bool Program::next(Op& op) {
  for (;;) {
    settle();
    if (at_ == ops_.size()) return false;
    op = ops_[at_++];
    if (op.code != OpCode::kRepeat) break;
    if (idle_[at_ - 1] != 0)
      at_ += op.pages;
    else
      loops_.push_back({at_, at_ + op.pages, op.n});
  }
  if (op.pick != PagePick::kGiven && !is_chosen_late(op.pick)) choose_page(op);
  return true;
}

/// None: not what a batch kernel does, or it would show (a page of a letter moves).
std::optional<PinOp> Program::step_of(std::size_t body, std::size_t size) const {
  if (size == 0 || size > 2) return std::nullopt;
  const Op& first = ops_[body];
  const std::uint64_t places = first.pick == PagePick::kGiven
                                   ? Process::first_page(first) + 1
                                   : std::max<std::uint64_t>(first.pages, 1);
  if (first.pfn + places > interpreter_.pages().box().placed_pages()) return std::nullopt;
  if (!first.has_pfn || is_chosen_late(first.pick) || first.referenced ||
      (first.has_n && first.n != 1) || !Interpreter::in_range(first))
    return std::nullopt;
  if (size == 1)
    return first.code == OpCode::kMaybePinned ? std::optional(PinOp::kMaybePinned) : std::nullopt;
  const Op& second = ops_[body + 1];
  if (second.pick != PagePick::kSame || (second.has_n && second.n != 1)) return std::nullopt;
  if (first.code == OpCode::kPinPage && second.code == OpCode::kUnpinPage) return PinOp::kPinUnpin;
  if (first.code == OpCode::kGetPage && second.code == OpCode::kPutPage) return PinOp::kGetPut;
  return std::nullopt;
}

void Program::next_chunk(PageChunk& chunk, std::size_t limit) {
  chunk.size = 0;
  for (;;) {
    settle();
    if (!loops_.empty() && at_ == loops_.back().begin && steps_[at_ - 1]) break;
    if (at_ == ops_.size() || ops_[at_].code != OpCode::kRepeat) return;
    const Op& repeat = ops_[at_++];
    if (idle_[at_ - 1] != 0)
      at_ += repeat.pages;
    else
      loops_.push_back({at_, at_ + repeat.pages, repeat.n});
  }
  Loop& loop = loops_.back();
  const auto& step = steps_[loop.begin - 1];
  const Op& op = ops_[loop.begin];
  const std::uint64_t places = op.pages > 1 ? op.pages : 1;
  const std::uint64_t size = std::min<std::uint64_t>(std::min(limit, PageChunk::kMax), loop.left);
  chunk.range = *step == PinOp::kPinUnpin ? range_of(op, places, size) : PfnRange{};
  if (!chunk.has_range())
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::uint64_t page =
          op.pick == PagePick::kGiven ? Process::first_page(op) : draw_page(op.pick, places);
      chunk.pfns[i] = static_cast<std::uint32_t>(op.pfn + page);
    }
  chunk.size = chunk.readable = size;
  chunk.uniform = true;
  chunk.steps[0] = *step;
  loop.left -= size;
  if (loop.left != 0) return;
  loop.left = 1;  // as behind its last body
  at_ = loop.end;
}

/// Of `size` pages that follow each other; empty: they do not.
PfnRange Program::range_of(const Op& op, std::uint64_t places, std::uint64_t size) {
  switch (op.pick) {
    case PagePick::kGiven:
    case PagePick::kHot: {
      const std::uint64_t at = op.pfn + (op.pick == PagePick::kGiven ? Process::first_page(op) : 0);
      return {at, at + 1, at};
    }
    case PagePick::kSequential: {
      const std::uint64_t at = op.pfn + sequential_ % places;
      sequential_ += size;
      return {op.pfn, op.pfn + places, at};
    }
    default: return {};
  }
}

std::uint64_t Program::draw_page(PagePick pick, std::uint64_t places) {
  switch (pick) {
    case PagePick::kSequential: return sequential_++ % places;
    case PagePick::kRandom: return rng_.below(places);
    case PagePick::kZipf: {
      auto& table = zipf_[places];
      if (table == nullptr) table = std::make_unique<ZipfTable>(places);
      return table->draw(rng_);
    }
    default: return 0;
  }
}

void Program::choose_page(Op& op) {
  std::uint64_t pages = op.pages;
  if (interpreter_.has_processes() && (!is_page_op(op.code) || op.has_buf)) {
    const Process* process = interpreter_.find(op.proc);
    pages = process == nullptr ? 1 : process->pages_of(op.buf);
  }
  const std::uint64_t n = op.has_n && !is_page_op(op.code) ? op.n : 1;
  op.page = draw_page(op.pick, pages > n ? pages - n + 1 : 1);
  op.has_page = true;
  op.pick = PagePick::kGiven;
}

}  // namespace pagebox::inline PAGEBOX_ENV
