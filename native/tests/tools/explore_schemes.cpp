// All schemes under complete exploration: every program of a few operations on one page, for
// two threads and for three, and of each program every class of schedules. Prints the table
// of docs/exploring.md.
//
//   explore_schemes [--scheme NAME] [--layout NAME] [--order N] [--every N] [--most N]
//
// --every N: each Nth program only. --most N: a program of more schedules is given up, and
// counted as such (1000000). Exit status 1: something did not hold.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/model/model_run.h"
#include "base/model/run_memory.h"
#include "engine/audit/audit.h"
#include "engine/box/box.h"
#include "explore/strategies/dpor.h"
#include "explore/strategies/replay.h"
#include "page/layout.h"
#include "pins/registry.h"

using namespace pagebox;  // NOLINT: a program of its own

namespace {

enum class Do : std::uint8_t { kGet, kPin, kIsolate, kAsk, kFree, kFreeze, kPut, kUnpin, kPutback };
constexpr std::array<const char*, 9> kDoNames = {"get",    "pin", "isolate", "maybe_pinned", "free",
                                                 "freeze", "put", "unpin",   "putback"};
constexpr unsigned kOpeners = 6;
constexpr Do closer_of(Do opener) {
  return static_cast<Do>(static_cast<unsigned>(opener) + kOpeners);
}
constexpr bool opens(Do what) { return what <= Do::kIsolate; }

using Sequence = std::vector<Do>;

/// All of `length` operations that give back only what they have taken, and free once.
std::vector<Sequence> sequences(unsigned length) {
  std::vector<Sequence> all = {{}};
  for (unsigned i = 0; i < length; ++i) {
    std::vector<Sequence> longer;
    for (const Sequence& begun : all) {
      const auto add = [&](Do what) {
        longer.push_back(begun);
        longer.back().push_back(what);
      };
      for (unsigned op = 0; op < kOpeners; ++op)
        if (const auto what = static_cast<Do>(op);
            what != Do::kFree || std::ranges::count(begun, Do::kFree) == 0)
          add(what);
      for (unsigned op = 0; op < 3; ++op) {
        const auto opener = static_cast<Do>(op);
        if (std::ranges::count(begun, opener) > std::ranges::count(begun, closer_of(opener)))
          add(closer_of(opener));
      }
    }
    all = std::move(longer);
  }
  return all;
}

constexpr unsigned kMostThreads = 3;
constexpr Pfn kPage{0};

/// A page that threads do these things to, and what must hold of it meanwhile.
class Model {
 public:
  Model(Box& box, const std::array<const Sequence*, kMostThreads>& programs, unsigned threads)
      : box_(box),
        kernel_(box.scheme().kernel()),
        frame_(box.scheme().frame()),
        programs_(programs),
        threads_(threads),
        alone_(box.memmap().page(kPage).refcount()) {
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
      for (std::uint32_t i = 0; i < held.isolated; ++i) (void)box_.putback(kPage);
    for (unsigned i = 0; i < threads_; ++i)
      if (held_[i].pins != 0) (void)box_.ledger()->add(i, kPage, held_[i].pins);
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
    Model* model = nullptr;
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
    for (const Do what : *programs_[thread]) step(what, thread);
  }
  void step(Do what, unsigned thread) {
    Held& held = held_[thread];
    switch (what) {
      case Do::kGet: held.refs += box_.get(kPage) == Errc::kOk ? 1 : 0; break;
      case Do::kPut:
        if (held.refs == 0) break;
        --held.refs;
        must(box_.put(kPage) == Errc::kOk, "a reference that was held is refused");
        break;
      case Do::kPin:
        held.pins += kernel_.try_pin(frame_, kPage.value, 1, thread) == Errc::kOk ? 1 : 0;
        break;
      case Do::kUnpin: unpin(held, thread); break;
      case Do::kIsolate:
        if (const auto taken = box_.isolate(kPage); taken && taken.value) ++held.isolated;
        break;
      case Do::kPutback:
        if (held.isolated == 0) break;
        --held.isolated;
        (void)box_.putback(kPage);
        break;
      case Do::kAsk: ask(); break;
      case Do::kFree:
        is_freed_ = true;
        (void)box_.release(kPage);
        must(box_.memmap().page(kPage).refcount() != 0 || !anybody_pins(), "freed while pinned");
        break;
      case Do::kFreeze: freeze(); break;
    }
  }
  void unpin(Held& held, unsigned thread) {
    if (held.pins == 0) return;
    --held.pins;
    ++held.given_back;
    const auto last = kernel_.unpin(frame_, kPage.value, 1, thread);
    must(static_cast<bool>(last), "a pin that was held is refused");
    if (!last || !last.value) return;
    must(!anybody_pins(), "freed while pinned");
    box_.free_page(kPage);
  }
  /// A pin that is held from before the question until after the answer must be seen.
  void ask() {
    const auto before = held_;
    const bool answer = kernel_.maybe_pinned(frame_, kPage.value);
    for (unsigned i = 0; i < threads_; ++i)
      must(answer || before[i].pins == 0 || held_[i].given_back != before[i].given_back ||
               held_[i].pins == 0,
           "a page that is pinned is called unpinned");
  }
  /// As migration does: only if nobody but its owner, who asks, has a reference.
  void freeze() {
    if (is_freed_) return;
    const Page page = box_.memmap().page(kPage);
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

struct Settings {
  std::string scheme, layout = "linux-6.12";
  unsigned order = 0;
  std::uint64_t every = 1, most = 1'000'000;
};

struct Row {
  std::uint64_t programs = 0, classes = 0, abandoned = 0, steps = 0, given_up = 0, wrong = 0;
  std::uint64_t largest = 0;
  double seconds = 0;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// One box for all, copied back after each schedule.
class Bench {
 public:
  Bench(const Layout& layout, const SchemeSpec& scheme, unsigned order)
      : memory_(RunMemory::create()) {
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
        box->setup_range(kPage, settings.pages, setup) != Errc::kOk)
      return;
    box_ = new std::shared_ptr<Box>(box);
    ready_ = memory_->keep();
  }
  bool ready() const { return ready_; }

  void explore(const std::array<const Sequence*, kMostThreads>& programs, unsigned threads,
               std::uint64_t most, Row& row) {
    DporStrategy strategy;
    std::uint64_t ended = 0;
    for (std::uint64_t run = 0; ended < most && strategy.begin(run); ++run) {
      std::string wrong;
      bool counts = true;
      {
        const UseRunMemory use(memory_.get());
        auto* model = new Model(**box_, programs, threads);
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
      if (++row.wrong <= 3) tell(programs, threads, wrong);
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
      for (const Do what : *programs[i]) std::cerr << kDoNames[static_cast<unsigned>(what)] << ' ';
    }
    std::cerr << '\n';
  }

  std::unique_ptr<RunMemory> memory_;
  std::shared_ptr<Box>* box_ = nullptr;  // in memory_, which it goes with
  ModelRunner runner_;
  bool ready_ = false;
};

/// The owner's reference is one: who freezes counts on it, so nobody else frees.
bool is_fair(const std::array<const Sequence*, kMostThreads>& programs, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i)
    for (unsigned j = 0; j < threads; ++j)
      if (i != j && std::ranges::count(*programs[i], Do::kFree) != 0 &&
          std::ranges::count(*programs[j], Do::kFreeze) != 0)
        return false;
  return true;
}

/// Every set of `threads` of the sequences, each once: threads are alike.
void explore_all(Bench& bench, const Settings& settings, unsigned threads, unsigned length,
                 Row& row) {
  const std::vector<Sequence> all = sequences(length);
  const double begun = cpu_seconds();
  std::uint64_t number = 0;
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t b = a; b < all.size(); ++b)
      for (std::size_t c = threads == 3 ? b : 0; c < (threads == 3 ? all.size() : 1); ++c) {
        const std::array<const Sequence*, kMostThreads> programs = {
            &all[a], &all[b], threads == 3 ? &all[c] : nullptr};
        if (is_fair(programs, threads) && number++ % settings.every == 0)
          bench.explore(programs, threads, settings.most, row);
      }
  row.seconds = cpu_seconds() - begun;
}

bool read_arguments(int count, char** values, Settings& settings) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string key = values[i], value = values[i + 1];
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "--scheme")
      settings.scheme = value;
    else if (key == "--layout")
      settings.layout = value;
    else if (key == "--order" && number <= 3)
      settings.order = static_cast<unsigned>(number);
    else if (key == "--every" && number != 0)
      settings.every = number;
    else if (key == "--most" && number != 0)
      settings.most = number;
    else
      return false;
  }
  return count % 2 == 1 && find_layout(settings.layout) != nullptr &&
         (settings.scheme.empty() || find_scheme(settings.scheme) != nullptr);
}

}  // namespace

int main(int count, char** values) {
  Settings settings;
  if (!read_arguments(count, values, settings)) {
    std::cerr << "explore_schemes [--scheme NAME] [--layout NAME] [--order 0-3] [--every N] "
                 "[--most N]\n";
    return 2;
  }
  const Layout& layout = *find_layout(settings.layout);
  std::cout << "| scheme | threads × operations | programs | classes | largest | scheduling points "
               "| not complete | violations | CPU s |\n"
            << "|---|---|---:|---:|---:|---:|---:|---:|---:|\n";
  std::uint64_t wrong = 0;
  for (const SchemeSpec& scheme : builtin_schemes()) {
    if (!settings.scheme.empty() && scheme.name != settings.scheme) continue;
    if (const Fit fit = scheme_fits(scheme, layout); !fit) {
      std::cout << "| `" << scheme.name << "` | does not fit: " << fit.why << " |\n";
      continue;
    }
    for (const auto& [threads, length] : {std::pair{2U, 3U}, std::pair{3U, 2U}}) {
      Bench bench(layout, scheme, settings.order);
      if (!bench.ready()) {
        std::cerr << "no memory that can be copied back: a sanitizer's build has none\n";
        return 2;
      }
      Row row;
      explore_all(bench, settings, threads, length, row);
      wrong += row.wrong;
      std::cout << "| `" << scheme.name << "` | " << threads << " × " << length << " | "
                << row.programs << " | " << row.classes << " | " << row.largest << " | "
                << row.steps << " | " << row.given_up << " | " << row.wrong << " | " << std::fixed
                << std::setprecision(1) << row.seconds << " |" << std::endl;
    }
  }
  return wrong == 0 ? 0 : 1;
}
