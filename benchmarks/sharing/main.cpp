// What threads share, counted in the model, where each access is known: of each operation and
// number of threads the accesses to lines that other threads write, how many of them find the
// line at another processor, and which lines these are. No clock, the same on every machine.
//
//   sharing [--threads=N] [--pages=N] [--batch=N] [--schemes] [--check]
//
// --threads: one number instead of 2, 8 and 64. --batch: of the processors' lists of free pages,
// 31; 0: no lists. --schemes: pins by pfn, of every scheme. --check: fails where an operation
// shares more than it may.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "operations.h"
#include "pins/registry.h"

using namespace sharing;  // NOLINT: a program of its own

namespace {

struct Options {
  std::vector<unsigned> threads{2, 8, 64};
  unsigned pages = 124, batch = pagebox::Allocator::kBatch;
  bool schemes = false, check = false;
};

Options options_of(int argc, char** argv) {
  Options options;
  const auto number = [](std::string_view text, unsigned least, unsigned most) {
    const auto n = static_cast<unsigned>(std::strtoul(text.data(), nullptr, 10));
    need(n >= least && n <= most, "--threads=1 to 64, --pages=1 to 510, --batch=0 to 31");
    return n;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view given = argv[i];
    if (given.starts_with("--threads="))
      options.threads = {number(given.substr(10), 1, 64)};
    else if (given.starts_with("--pages="))
      options.pages = number(given.substr(8), 1, 510);
    else if (given.starts_with("--batch="))
      options.batch = number(given.substr(8), 0, pagebox::Allocator::kBatch);
    else if (given == "--schemes")
      options.schemes = true;
    else if (given == "--check")
      options.check = true;
    else
      need(false, "sharing [--threads=N] [--pages=N] [--batch=N] [--schemes] [--check]");
  }
  return options;
}

/// False: asked to check, and more than it may.
bool count(Threads& threads, const Operation& operation, bool check) {
  threads.run(operation.before);
  Counter counter([&](const std::byte* at) { return threads.machine().rcu.counts_readers(at); });
  threads.run(operation.body, &counter);
  const auto places = counter.by_place([&](const std::byte* at) { return threads.name(at); },
                                       threads.settings().pages, threads.settings().threads);
  threads.run(operation.after);

  Shared all;
  std::vector<std::pair<std::string, Shared>> worst;
  for (const auto& [name, shared] : places) {
    all.accesses += shared.accesses;
    all.transfers += shared.transfers;
    if (shared.accesses >= 0.005) worst.emplace_back(name, shared);
  }
  std::ranges::sort(
      worst, [](const auto& a, const auto& b) { return a.second.accesses > b.second.accesses; });
  std::printf("%-42s %7u %9.2f %9.2f ", operation.name, threads.settings().threads, all.accesses,
              all.transfers);
  for (std::size_t i = 0; i < worst.size(); ++i)
    std::printf("%s%s %.2f", i == 0 ? "" : "; ", worst[i].first.c_str(), worst[i].second.accesses);
  std::printf("\n");
  std::fflush(stdout);
  const bool fits = !check || operation.most < 0 ||
                    (all.transfers <= operation.most && all.accesses <= operation.most_accesses);
  if (!fits)
    std::printf("  more than it may: %.2f accesses, %.2f transfers\n", operation.most_accesses,
                operation.most);
  return fits;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = options_of(argc, argv);
  bool fits = true;
  std::printf("%-42s %7s %9s %9s  accesses by place\n", "a page", "threads", "accesses",
              "transfers");
  for (const unsigned n : options.threads) {
    Threads threads({n, options.pages, options.batch});
    // Lists and batches as they are when all have run for a while.
    for (const Operation& operation : operations(threads)) {
      threads.run(operation.before);
      threads.run(operation.body);
      threads.run(operation.after);
    }
    for (const Operation& operation : operations(threads))
      fits = count(threads, operation, options.check) && fits;
  }
  if (options.schemes || options.check) {
    for (const pagebox::SchemeSpec& scheme : pagebox::builtin_schemes()) {
      std::printf("\n%s\n", std::string(scheme.name).c_str());
      for (const unsigned n : options.threads) {
        Threads threads({n, options.pages, options.batch, std::string(scheme.name)});
        for (const Operation& operation : pin_operations(threads))
          fits = count(threads, operation, options.check) && fits;
      }
    }
  }
  return fits ? 0 : 1;
}
