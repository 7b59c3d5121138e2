#include "engine/scenario/program.h"

#include "engine/box/sandbox.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kMaxBarriers = std::uint64_t{1} << 32;

std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return __builtin_add_overflow(a, b, &a) ? ~std::uint64_t{0} : a;
}
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  return __builtin_mul_overflow(a, b, &a) ? ~std::uint64_t{0} : a;
}

std::uint64_t count_between(const std::vector<Op>& ops, std::size_t at, std::size_t end) {
  std::uint64_t total = 0;
  while (at < end) {
    const Op& op = ops[at++];
    if (op.code != OpCode::kRepeat) {
      total = add(total, 1);
      continue;
    }
    total = add(total, multiply(op.n, count_between(ops, at, at + op.pages)));
    at += op.pages;
  }
  return total;
}

struct Checker {
  const std::vector<Op>& ops;
  std::string& reason;

  /// Barriers that [at, end) passes.
  Errc count(std::size_t at, std::size_t end, unsigned depth, std::uint64_t& barriers) const {
    barriers = 0;
    while (at < end) {
      const Op& op = ops[at++];
      std::uint64_t more = op.code == OpCode::kBarrier ? 1 : 0;
      if (op.code == OpCode::kRepeat) {
        if (op.pages > end - at) return refuse("a repeat's body is longer than its list");
        if (depth == kMaxRepeatDepth) return refuse("repeats are nested deeper than 8");
        if (const Errc error = count(at, at + op.pages, depth + 1, more); error != Errc::kOk)
          return error;
        if (more != 0 && op.n > kMaxBarriers / more) return refuse("more than 2^32 barriers");
        more *= op.n;
        at += op.pages;
      }
      barriers += more;
    }
    return Errc::kOk;
  }
  Errc refuse(const char* text) const {
    reason = text;
    return Errc::kInval;
  }
};

}  // namespace

std::uint64_t count_ops(const std::vector<Op>& ops) { return count_between(ops, 0, ops.size()); }

std::uint64_t count_ops(const ScenarioOps& scenario) {
  std::uint64_t total = count_ops(scenario.setup);
  for (const std::vector<Op>& ops : scenario.threads) total = add(total, count_ops(ops));
  return total;
}

Errc check_scenario(const ScenarioOps& scenario, std::string& reason) {
  std::uint64_t barriers = 0;
  const auto count = [&](const std::vector<Op>& ops) {
    return Checker{ops, reason}.count(0, ops.size(), 0, barriers);
  };
  if (const Errc error = count(scenario.setup); error != Errc::kOk) return error;
  if (barriers != 0) {
    reason = "a barrier in the setup: there is nobody to wait for";
    return Errc::kInval;
  }
  if (const std::uint64_t ops = count_ops(scenario.setup); ops > kMaxSetupOps) {
    reason = "the setup comes to " + std::to_string(ops) + " operations, at most " +
             std::to_string(kMaxSetupOps) + " are allowed";
    return Errc::kInval;
  }
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    if (const Errc error = count(scenario.threads[i]); error != Errc::kOk) return error;
    if (i == 0) first = barriers;
    if (barriers == first) continue;
    reason = "thread 0 meets " + std::to_string(first) + " barriers, thread " + std::to_string(i) +
             " " + std::to_string(barriers) + ": one would wait forever";
    return Errc::kInval;
  }
  return Errc::kOk;
}

Program::Program(const std::vector<Op>& ops, Interpreter& interpreter, std::uint64_t seed)
    : ops_(ops),
      interpreter_(interpreter),
      idle_(ops.size()),
      rng_(Rng::stream(seed, interpreter.thread())) {
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (ops[i].code == OpCode::kRepeat)
      idle_[i] = ops[i].n == 0 || count_between(ops, i + 1, i + 1 + ops[i].pages) == 0 ? 1 : 0;
}

bool Program::next(Op& op) {
  for (;;) {
    while (!loops_.empty() && at_ == loops_.back().end) {
      if (--loops_.back().left == 0)
        loops_.pop_back();
      else
        at_ = loops_.back().begin;
    }
    if (at_ == ops_.size()) return false;
    op = ops_[at_++];
    if (op.code != OpCode::kRepeat) break;
    if (idle_[at_ - 1] != 0)
      at_ += op.pages;
    else
      loops_.push_back({at_, at_ + op.pages, op.n});
  }
  if (op.pick != PagePick::kGiven) choose_page(op);
  return true;
}

void Program::choose_page(Op& op) {
  const std::shared_ptr<Process> process =
      interpreter_.processes().find(interpreter_.thread(), op.proc);
  const std::uint64_t pages = process == nullptr ? 1 : process->pages_of(op.buf);
  const std::uint64_t n = op.has_n ? op.n : 1;
  const std::uint64_t places = pages > n ? pages - n + 1 : 1;
  switch (op.pick) {
    case PagePick::kSequential: op.page = sequential_++ % places; break;
    case PagePick::kRandom: op.page = rng_.below(places); break;
    case PagePick::kZipf: {
      auto& table = zipf_[places];
      if (table == nullptr) table = std::make_unique<ZipfTable>(places);
      op.page = table->draw(rng_);
      break;
    }
    default: op.page = 0; break;
  }
  op.has_page = true;
  op.pick = PagePick::kGiven;
}

bool run_in_order(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
                  LivelockWatch& watch, std::vector<RanOp>& out) {
  // True: at a barrier, more is to come.
  bool within = true;
  std::uint64_t words = 0;
  const auto run_until_barrier = [&](Program& program, unsigned thread) {
    Op op;
    while (program.next(op)) {
      if (op.code == OpCode::kBarrier) return true;
      watch.begin_of(static_cast<int>(thread) - 1, &op);
      out.push_back({thread, program.last(), sandbox.interpreter(thread).run(op)});
      watch.begin_of(-1, nullptr);
      const OpRecord& record = out.back().record;
      words += record.v.size() + record.signals.size() + record.prot.size() + record.entries.size();
      within = words <= kMaxRanWords;
      if (!within) return false;
    }
    return false;
  };
  Program setup(scenario.setup, sandbox.interpreter(0), seed);
  (void)run_until_barrier(setup, 0);
  std::vector<std::unique_ptr<Program>> threads;
  threads.reserve(scenario.threads.size());
  for (unsigned i = 0; i < scenario.threads.size(); ++i)
    threads.push_back(
        std::make_unique<Program>(scenario.threads[i], sandbox.interpreter(i + 1), seed));
  for (bool more = !threads.empty(); more && within;) {
    more = false;
    for (unsigned i = 0; i < threads.size() && within; ++i)
      more |= run_until_barrier(*threads[i], i + 1);
  }
  return within;
}

}  // namespace pagebox::inline PAGEBOX_ENV
