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

#include "page/layout.h"
#include "pins/registry.h"
#include "tests/tools/scheme_bench.h"

using namespace pagebox;           // NOLINT: a program of its own
using namespace pagebox::testing;  // NOLINT

namespace {

struct Settings {
  std::string scheme, layout = "linux-6.12";
  unsigned order = 0;
  std::uint64_t every = 1, most = 1'000'000;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void explore_all(SchemeBench& bench, const Settings& settings, unsigned threads, unsigned length,
                 SchemeRow& row) {
  const double begun = cpu_seconds();
  std::uint64_t number = 0;
  const std::vector<Sequence> all = sequences(length);
  for_each_program(all, threads, [&](const auto& programs) {
    if (number++ % settings.every == 0) bench.explore(programs, threads, settings.most, row);
  });
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
      SchemeBench bench(layout, scheme, settings.order);
      if (!bench.ready()) {
        std::cerr << "no memory that can be copied back: a sanitizer's build has none\n";
        return 2;
      }
      SchemeRow row;
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
