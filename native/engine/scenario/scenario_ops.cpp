#include "engine/scenario/scenario_ops.h"

#include <algorithm>

#include "engine/scenario/process.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kMaxBarriers = std::uint64_t{1} << 32;

std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return __builtin_add_overflow(a, b, &a) ? ~std::uint64_t{0} : a;
}
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  return __builtin_mul_overflow(a, b, &a) ? ~std::uint64_t{0} : a;
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

std::uint64_t count_ops(const std::vector<Op>& ops, std::size_t begin, std::size_t end) {
  std::uint64_t total = 0;
  for (std::size_t at = begin; at < end;) {
    const Op& op = ops[at++];
    if (op.code != OpCode::kRepeat) {
      total = add(total, 1);
      continue;
    }
    total = add(total, multiply(op.n, count_ops(ops, at, at + op.pages)));
    at += op.pages;
  }
  return total;
}

std::uint64_t count_ops(const std::vector<Op>& ops) { return count_ops(ops, 0, ops.size()); }

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

}  // namespace pagebox::inline PAGEBOX_ENV
