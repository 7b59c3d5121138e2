// Programs of a few operations on one page under complete exploration: what the table of all
// schemes and the catalogue of planted faults run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/model/model_run.h"
#include "base/model/run_memory.h"
#include "engine/audit/audit.h"
#include "engine/box/box.h"
#include "explore/strategies/dpor.h"
#include "page/layout.h"

namespace pagebox::testing {

enum class PageDo : std::uint8_t {
  kGet,
  kPin,
  kIsolate,
  kAsk,
  kFree,
  kFreeze,
  kPut,
  kUnpin,
  kPutback
};
constexpr std::array<const char*, 9> kDoNames = {"get",    "pin", "isolate", "maybe_pinned", "free",
                                                 "freeze", "put", "unpin",   "putback"};
constexpr unsigned kOpeners = 6;
constexpr PageDo closer_of(PageDo opener) {
  return static_cast<PageDo>(static_cast<unsigned>(opener) + kOpeners);
}
constexpr bool opens(PageDo what) { return what <= PageDo::kIsolate; }

using Sequence = std::vector<PageDo>;

/// All of `length` operations that give back only what they have taken, and free once.
inline std::vector<Sequence> sequences(unsigned length) {
  std::vector<Sequence> all = {{}};
  for (unsigned i = 0; i < length; ++i) {
    std::vector<Sequence> longer;
    for (const Sequence& begun : all) {
      const auto add = [&](PageDo what) {
        longer.push_back(begun);
        longer.back().push_back(what);
      };
      for (unsigned op = 0; op < kOpeners; ++op)
        if (const auto what = static_cast<PageDo>(op);
            what != PageDo::kFree || std::ranges::count(begun, PageDo::kFree) == 0)
          add(what);
      for (unsigned op = 0; op < 3; ++op) {
        const auto opener = static_cast<PageDo>(op);
        if (std::ranges::count(begun, opener) > std::ranges::count(begun, closer_of(opener)))
          add(closer_of(opener));
      }
    }
    all = std::move(longer);
  }
  return all;
}

constexpr unsigned kMostThreads = 3;
constexpr Pfn kOnePage{0};

/// A page that threads do these things to, and what must hold of it meanwhile.
class OnePage {
 public:
  OnePage(Box& box, const std::array<const Sequence*, kMostThreads>& programs, unsigned threads)
      : box_(box),
        kernel_(box.scheme().kernel()),
        frame_(box.scheme().frame()),
        programs_(programs),
        threads_(threads),
        alone_(box.memmap().page(kOnePage).refcount()) {
    for (unsigned i = 0; i < threads; ++i) {
      arguments_[i] = {this, i};
      bodies_[i] = {[](void* at) {
                      const auto* argument = static_cast<Argument*>(at);
                      argument->model->run(argument->thread);
                    },
                    &arguments_[i]};
    }
  }
  std::span<const FiberBody> bodies() const { return {bodies_.data(), threads_}; }

  /// Empty: everything holds.
  std::string check() {
    if (wrong_ != nullptr) return wrong_;
    for (const Held& held : held_)
      for (std::uint32_t i = 0; i < held.isolated; ++i) (void)box_.putback(kOnePage);
    for (unsigned i = 0; i < threads_; ++i)
      if (held_[i].pins != 0) (void)box_.ledger()->add(i, kOnePage, held_[i].pins);
    Auditor auditor(box_);
    AuditReport report;
    if (auditor.run(report, 1) == Errc::kOk && report.clean()) return "";
    std::string text(report.rows.empty() ? "the audit failed"
                                         : invariant_name(report.rows.front().invariant));
    if (!report.rows.empty())
      text += ": expected " + std::to_string(report.rows.front().expected) + ", found " +
              std::to_string(report.rows.front().found);
    const OutsideRunMemory outside;
    return std::string(text.data(), text.size());
  }

 private:
  struct Argument {
    OnePage* model = nullptr;
    unsigned thread = 0;
  };
  struct Held {
    std::uint32_t pins = 0, refs = 0, isolated = 0;
    std::uint32_t given_back = 0;  // pins, so far
  };

  void must(bool holds, const char* what) {
    if (!holds && wrong_ == nullptr) wrong_ = what;
  }
  bool anybody_pins() const {
    return std::ranges::any_of(held_, [](const Held& held) { return held.pins != 0; });
  }
  void run(unsigned thread) {
    for (const PageDo what : *programs_[thread]) step(what, thread);
  }
  void step(PageDo what, unsigned thread) {
    Held& held = held_[thread];
    switch (what) {
      case PageDo::kGet: held.refs += box_.get(kOnePage) == Errc::kOk ? 1 : 0; break;
      case PageDo::kPut:
        if (held.refs == 0) break;
        --held.refs;
        must(box_.put(kOnePage) == Errc::kOk, "a reference that was held is refused");
        break;
      case PageDo::kPin:
        held.pins += kernel_.try_pin(frame_, kOnePage.value, 1, thread) == Errc::kOk ? 1 : 0;
        break;
      case PageDo::kUnpin: unpin(held, thread); break;
      case PageDo::kIsolate:
        if (const auto taken = box_.isolate(kOnePage); taken && taken.value) ++held.isolated;
        break;
      case PageDo::kPutback:
        if (held.isolated == 0) break;
        --held.isolated;
        (void)box_.putback(kOnePage);
        break;
      case PageDo::kAsk: ask(); break;
      case PageDo::kFree:
        is_freed_ = true;
        (void)box_.release(kOnePage);
        must(box_.memmap().page(kOnePage).refcount() != 0 || !anybody_pins(), "freed while pinned");
        break;
      case PageDo::kFreeze: freeze(); break;
    }
  }
  void unpin(Held& held, unsigned thread) {
    if (held.pins == 0) return;
    --held.pins;
    ++held.given_back;
    const auto last = kernel_.unpin(frame_, kOnePage.value, 1, thread);
    must(static_cast<bool>(last), "a pin that was held is refused");
    if (!last || !last.value) return;
    must(!anybody_pins(), "freed while pinned");
    box_.free_page(kOnePage);
  }
  /// A pin that is held from before the question until after the answer must be seen.
  void ask() {
    const auto before = held_;
    const bool answer = kernel_.maybe_pinned(frame_, kOnePage.value);
    for (unsigned i = 0; i < threads_; ++i)
      must(answer || before[i].pins == 0 || held_[i].given_back != before[i].given_back ||
               held_[i].pins == 0,
           "a page that is pinned is called unpinned");
  }
  /// As migration does: only if nobody but its owner, who asks, has a reference.
  void freeze() {
    if (is_freed_) return;
    const Page page = box_.memmap().page(kOnePage);
    if (!page.try_freeze(alone_)) return;
    must(!anybody_pins(), "frozen while pinned");
    page.unfreeze(alone_);
  }

  Box& box_;
  const PinKernel& kernel_;
  const PinFrame& frame_;
  const std::array<const Sequence*, kMostThreads> programs_;
  const unsigned threads_;
  const std::int32_t alone_;
  const char* wrong_ = nullptr;
  bool is_freed_ = false;
  std::array<Held, kMostThreads> held_{};
  std::array<Argument, kMostThreads> arguments_{};
  std::array<FiberBody, kMostThreads> bodies_{};
};

/// Of a table.
struct SchemeRow {
  std::uint64_t programs = 0, classes = 0, abandoned = 0, steps = 0, given_up = 0, wrong = 0;
  std::uint64_t largest = 0;
  std::string first_wrong;
  double seconds = 0;
};

/// One box for all, copied back after each schedule.
class SchemeBench {
 public:
  /// `tells`: on standard error what was wrong; else a program ends with its first violation.
  SchemeBench(const Layout& layout, const SchemeSpec& scheme, unsigned order, bool tells = true)
      : memory_(RunMemory::create()), tells_(tells) {
    if (memory_ == nullptr) return;
    const UseRunMemory use(memory_.get());
    BoxSettings settings;
    settings.layout = layout;
    settings.scheme = scheme;
    settings.pages = std::uint64_t{1} << order;
    settings.shards = kMostThreads;
    std::shared_ptr<Box> box;
    PageSetup setup;
    setup.type = PageType::kAnon;
    setup.order = static_cast<std::uint8_t>(order);
    if (Box::create(settings, box) != Errc::kOk ||
        box->setup_range(kOnePage, settings.pages, setup) != Errc::kOk)
      return;
    box_ = new std::shared_ptr<Box>(box);
    ready_ = memory_->keep();
  }
  bool ready() const { return ready_; }

  void explore(const std::array<const Sequence*, kMostThreads>& programs, unsigned threads,
               std::uint64_t most, SchemeRow& row) {
    DporStrategy strategy;
    std::uint64_t ended = 0;
    for (std::uint64_t run = 0; ended < most && strategy.begin(run); ++run) {
      std::string wrong;
      bool counts = true;
      {
        const UseRunMemory use(memory_.get());
        auto* model = new OnePage(**box_, programs, threads);
        RunLimits limits;
        limits.serial = 1;
        limits.max_steps = 100'000;
        const RunOutcome outcome = runner_.run(model->bodies(), strategy, limits);
        {
          const OutsideRunMemory outside;
          strategy.end(outcome);
          counts = outcome.end != Outcome::kAbandoned;
          if (counts && outcome.end != Outcome::kClean) wrong = outcome_name(outcome.end);
        }
        row.steps += outcome.steps;
        if (outcome.end == Outcome::kClean) {
          const std::string text = model->check();
          const OutsideRunMemory outside;
          wrong.assign(text.data(), text.size());
        }
      }
      memory_->restore();
      if (!counts) {
        ++row.abandoned;
        continue;
      }
      ++ended;
      if (wrong.empty()) continue;
      if (row.wrong++ == 0) row.first_wrong = wrong;
      if (!tells_) break;
      if (row.wrong <= 3) tell(programs, threads, wrong);
    }
    ++row.programs;
    row.classes += ended;
    row.largest = std::max(row.largest, ended);
    if (!strategy.is_complete()) ++row.given_up;
  }

 private:
  static void tell(const std::array<const Sequence*, kMostThreads>& programs, unsigned threads,
                   const std::string& wrong) {
    std::cerr << "  " << wrong << ":";
    for (unsigned i = 0; i < threads; ++i) {
      std::cerr << (i == 0 ? " " : " | ");
      for (const PageDo what : *programs[i])
        std::cerr << kDoNames[static_cast<unsigned>(what)] << ' ';
    }
    std::cerr << '\n';
  }

  std::unique_ptr<RunMemory> memory_;
  std::shared_ptr<Box>* box_ = nullptr;  // in memory_, which it goes with
  ModelRunner runner_;
  bool ready_ = false;
  const bool tells_;
};

/// The owner's reference is one: who freezes counts on it, so nobody else frees.
inline bool is_fair(const std::array<const Sequence*, kMostThreads>& programs, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i)
    for (unsigned j = 0; j < threads; ++j)
      if (i != j && std::ranges::count(*programs[i], PageDo::kFree) != 0 &&
          std::ranges::count(*programs[j], PageDo::kFreeze) != 0)
        return false;
  return true;
}

/// Calls each(programs) for every set of `threads` of the sequences, each once: threads are
/// alike.
template <class Each>
void for_each_program(const std::vector<Sequence>& all, unsigned threads, Each&& each) {
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t b = a; b < all.size(); ++b)
      for (std::size_t c = threads == 3 ? b : 0; c < (threads == 3 ? all.size() : 1); ++c) {
        const std::array<const Sequence*, kMostThreads> programs = {
            &all[a], &all[b], threads == 3 ? &all[c] : nullptr};
        if (is_fair(programs, threads)) each(programs);
      }
}

}  // namespace pagebox::testing
