#include "engine/scenario/program.h"

#include <algorithm>
#include <deque>
#include <new>

#include "base/turns.h"
#include "engine/box/sandbox.h"
#include "mm/swap/lru_batch.h"

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

constexpr std::uint64_t kPlacedBlock = std::uint64_t{1} << kMaxOrder;

struct Checker {
  const std::vector<Op>& ops;
  std::string& reason;

  /// Barriers that [at, end) passes.
  Errc count(std::size_t at, std::size_t end, unsigned depth, std::uint64_t& barriers) const {
    barriers = 0;
    while (at < end) {
      const Op& op = ops[at++];
      std::uint64_t more = op.code == OpCode::kBarrier ? 1 : 0;
      if (op.code == OpCode::kSetUpPage && op.pfn + pages_to_set_up(op) > kMaxPlacedPages)
        return refuse("set_up_page: pages beyond 2^24");
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
  std::uint64_t total = add(count_ops(scenario.setup), count_ops(scenario.after));
  for (const std::vector<Op>& ops : scenario.threads) total = add(total, count_ops(ops));
  return total;
}

bool needs_machine(const ScenarioOps& scenario) {
  const auto needs = [](const Op& op) {
    if (is_page_op(op.code)) return op.has_buf;
    if (is_control_op(op.code)) return false;
    return op.code != OpCode::kYield && op.code != OpCode::kBarrier && op.code != OpCode::kRepeat;
  };
  return std::ranges::any_of(scenario.setup, needs) || std::ranges::any_of(scenario.after, needs) ||
         std::ranges::any_of(scenario.threads, [&](const std::vector<Op>& ops) {
           return std::ranges::any_of(ops, needs);
         });
}

std::uint64_t count_named_pages(const ScenarioOps& scenario) {
  std::uint64_t end = 0;
  const auto look = [&](const std::vector<Op>& ops) {
    for (const Op& op : ops) {
      if (!is_page_op(op.code) || !op.has_pfn || op.pfn >= kMaxPlacedPages) continue;
      std::uint64_t pages = std::max<std::uint64_t>(op.pages, 1);
      if (op.code == OpCode::kSetUpPage) pages = pages_to_set_up(op);
      pages = std::min(std::max(pages, Process::first_page(op) + 1), kMaxPlacedPages);
      end = std::max(end, op.pfn + pages);
    }
  };
  look(scenario.setup);
  look(scenario.after);
  for (const std::vector<Op>& ops : scenario.threads) look(ops);
  return std::min(end, count_placed_pages(scenario));
}

std::uint64_t count_placed_pages(const ScenarioOps& scenario) {
  std::uint64_t end = 0;
  const auto look = [&](const std::vector<Op>& ops) {
    for (const Op& op : ops)
      if (op.code == OpCode::kSetUpPage && op.pfn < kMaxPlacedPages && op.pages <= kMaxPlacedPages)
        end = std::max(end, op.pfn + pages_to_set_up(op));
  };
  look(scenario.setup);
  look(scenario.after);
  for (const std::vector<Op>& ops : scenario.threads) look(ops);
  // Whole blocks, so that what lies behind is aligned as without them.
  return (end + kPlacedBlock - 1) / kPlacedBlock * kPlacedBlock;
}

bool has_stops(const ScenarioOps& scenario) {
  return std::ranges::any_of(scenario.threads, [](const std::vector<Op>& ops) {
    return std::ranges::any_of(ops, [](const Op& op) {
      return op.code == OpCode::kResume || op.stop_at != StopPoint::kNowhere;
    });
  });
}

Errc check_scenario(const ScenarioOps& scenario, std::string& reason) {
  std::uint64_t barriers = 0;
  const auto count = [&](const std::vector<Op>& ops) {
    return Checker{ops, reason}.count(0, ops.size(), 0, barriers);
  };
  const auto check_alone = [&](const std::vector<Op>& list, const char* name) {
    if (const Errc error = count(list); error != Errc::kOk) return error;
    if (barriers != 0) {
      reason = std::string("a barrier in ") + name + ": there is nobody to wait for";
      return Errc::kInval;
    }
    if (std::ranges::any_of(list, [](const Op& op) {
          return op.code == OpCode::kResume || op.stop_at != StopPoint::kNowhere;
        })) {
      reason = std::string("a stop_at or a resume in ") + name + ": there is nobody else";
      return Errc::kInval;
    }
    if (const std::uint64_t ops = count_ops(list); ops > kMaxSetupOps) {
      reason = std::string(name) + " comes to " + std::to_string(ops) + " operations, at most " +
               std::to_string(kMaxSetupOps) + " are allowed";
      return Errc::kInval;
    }
    return Errc::kOk;
  };
  if (const Errc error = check_alone(scenario.setup, "the setup"); error != Errc::kOk) return error;
  if (const Errc error = check_alone(scenario.after, "what comes after"); error != Errc::kOk)
    return error;
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
    : ops_(ops), interpreter_(interpreter), rng_(Rng::stream(seed, interpreter.thread())) {
  // One is made for each thread of each schedule, and most repeat nothing.
  if (std::ranges::find(ops, OpCode::kRepeat, &Op::code) == ops.end()) return;
  idle_.resize(ops.size());
  steps_.resize(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].code != OpCode::kRepeat) continue;
    idle_[i] = ops[i].n == 0 || count_between(ops, i + 1, i + 1 + ops[i].pages) == 0 ? 1 : 0;
    steps_[i] = step_of(i + 1, ops[i].pages);
  }
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

void settle_setup(Sandbox& sandbox, const ScenarioOps& scenario) {
  if (!scenario.after.empty() && sandbox.has_machine()) lru_add_drain_all(sandbox.machine().cpu(0));
}

void run_after(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
               LivelockWatch& watch,
               const std::function<void(const Op&, std::size_t, OpRecord&&)>& done) {
  if (scenario.after.empty()) return;
  if (sandbox.has_machine()) {
    sandbox.processes().join_names();
    lru_add_drain_all(sandbox.machine().cpu(0));
  }
  Program after(scenario.after, sandbox.interpreter(0), seed);
  for (Op op; after.next(op);) {
    watch.begin(&op);
    done(op, after.last(), sandbox.interpreter(0).run(op));
  }
  watch.begin(nullptr);
}

namespace {

/// The threads of a scenario whose operations stop.
class InTurns {
 public:
  InTurns(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed, LivelockWatch& watch,
          std::function<bool(RanOp&&)> done)
      : sandbox_(sandbox),
        scenario_(scenario),
        seed_(seed),
        watch_(watch),
        done_(std::move(done)) {}

  /// False: `done` has said that it is enough.
  bool run() {
    const std::size_t count = scenario_.threads.size();
    at_barrier_.resize(count);
    watches_.resize(count);
    std::vector<std::function<void()>> bodies;
    bodies.reserve(count);
    for (unsigned i = 0; i < count; ++i)
      bodies.emplace_back([this, i] {
        try {
          run_thread(i);
        } catch (const std::bad_alloc&) {
          no_memory_ = true;
        }
        at_barrier_[i] = ~std::uint64_t{0};
        sandbox_.interpreter(i + 1).is_done();
      });
    const auto stuck = [this] {
      StopGate* gate = sandbox_.has_machine() ? sandbox_.processes().gate() : nullptr;
      return gate != nullptr && gate->release_one();
    };
    Turns turns;
    if (turns.run(std::move(bodies), stuck) != Errc::kOk || no_memory_) throw std::bad_alloc();
    for (LivelockWatch& each : watches_) watch_.add(each.take());
    return goes_on_;
  }

 private:
  void run_thread(unsigned thread) {
    LivelockWatch& watch = watches_[thread];
    watch.watch(&sandbox_.box().memmap(), 0);
    const PatienceScope patience(watch);
    Interpreter& interpreter = sandbox_.interpreter(thread + 1);
    Program program(scenario_.threads[thread], interpreter, seed_);
    for (Op op; goes_on_ && program.next(op);) {
      if (op.code == OpCode::kBarrier) {
        wait(thread);
        continue;
      }
      watch.begin_of(static_cast<int>(thread), &op);
      OpRecord record = interpreter.run(op);
      watch.begin_of(static_cast<int>(thread), nullptr);
      Turns::progressed();
      goes_on_ = goes_on_ && done_({thread + 1, program.last(), std::move(record)});
      // Who has resumed it goes on first.
      if (op.stop_at != StopPoint::kNowhere) (void)Turns::pass();
    }
  }
  /// The first goes on first again, as everywhere in order.
  void wait(unsigned thread) {
    const std::uint64_t phase = ++at_barrier_[thread];
    sandbox_.interpreter(thread + 1).waits_at_barrier();
    Turns::progressed();
    const auto all_there = [&] {
      return std::ranges::all_of(at_barrier_, [&](std::uint64_t at) { return at >= phase; });
    };
    if (thread != 0) (void)Turns::pass();
    while (!all_there() && Turns::pass()) {}
    sandbox_.interpreter(thread + 1).passed_barrier();
    Turns::progressed();
  }

  Sandbox& sandbox_;
  const ScenarioOps& scenario_;
  const std::uint64_t seed_;
  LivelockWatch& watch_;
  const std::function<bool(RanOp&&)> done_;
  std::vector<std::uint64_t> at_barrier_;  // by thread: barriers met
  std::deque<LivelockWatch> watches_;
  bool goes_on_ = true, no_memory_ = false;
};

}  // namespace

bool run_in_order(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
                  LivelockWatch& watch, std::vector<RanOp>& out) {
  // True: at a barrier, more is to come.
  bool within = true;
  std::uint64_t words = 0;
  const auto count_words = [&](const OpRecord& record) {
    words += record.v.size() + record.signals.size() + record.prot.size() + record.entries.size();
    within = words <= kMaxRanWords;
  };
  const auto run_until_barrier = [&](Program& program, unsigned thread) {
    Op op;
    while (program.next(op)) {
      if (op.code == OpCode::kBarrier) return true;
      watch.begin_of(static_cast<int>(thread) - 1, &op);
      out.push_back({thread, program.last(), sandbox.interpreter(thread).run(op)});
      watch.begin_of(-1, nullptr);
      count_words(out.back().record);
      if (!within) return false;
    }
    return false;
  };
  Program setup(scenario.setup, sandbox.interpreter(0), seed);
  (void)run_until_barrier(setup, 0);
  settle_setup(sandbox, scenario);
  if (has_stops(scenario)) {
    (void)InTurns(sandbox, scenario, seed, watch, [&](RanOp&& ran) {
      out.push_back(std::move(ran));
      count_words(out.back().record);
      return within;
    }).run();
  }
  std::vector<std::unique_ptr<Program>> threads;
  threads.reserve(scenario.threads.size());
  for (unsigned i = 0; i < scenario.threads.size() && !has_stops(scenario); ++i)
    threads.push_back(
        std::make_unique<Program>(scenario.threads[i], sandbox.interpreter(i + 1), seed));
  for (bool more = !threads.empty(); more && within;) {
    more = false;
    for (unsigned i = 0; i < threads.size() && within; ++i)
      more |= run_until_barrier(*threads[i], i + 1);
  }
  if (!within) return false;
  const auto past = static_cast<unsigned>(scenario.threads.size() + 1);
  run_after(sandbox, scenario, seed, watch, [&](const Op&, std::size_t index, OpRecord&& record) {
    if (!within) return;
    out.push_back({past, index, std::move(record)});
    count_words(out.back().record);
  });
  return within;
}

}  // namespace pagebox::inline PAGEBOX_ENV
