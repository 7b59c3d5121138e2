// Random operations under random schedules, from the command line:
//   explore_ops [--mix NAME=WEIGHT,...[/NAME=WEIGHT,...]] [--scheme NAME] [--threads N]
//     [--ops N] [--pages N] [--buffers N] [--processes N] [--seed N] [--workload-seed N]
//     [--each N] [--run N] [--schedules N] [--strategy NAME] [--restore 0|1] [--steps 0|1]
//     [--jobs N]
// --each: so many schedules of one drawn program; 0: one program.
// A second mix after a slash is that of the second thread, and so on. Exit code 1: findings;
// each is printed with the run that repeats it and what the threads did.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include "explore/explore.h"
#include "pins/registry.h"
#include "tests/tools/mix_text.h"

using namespace pagebox;  // NOLINT: a program of its own

namespace {

[[noreturn]] void refuse(const std::string& what) {
  std::cerr << "explore_ops: " << what << "\n";
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> given = {
      {"--mix", "mm,chaos"},    {"--scheme", "refcount-bias"},
      {"--threads", "2"},       {"--ops", "4"},
      {"--pages", "2"},         {"--buffers", "7"},
      {"--processes", "2"},     {"--seed", "1"},
      {"--run", "0"},           {"--schedules", "1000"},
      {"--workload-seed", "1"}, {"--each", "1"},
      {"--strategy", "random"}, {"--restore", "1"},
      {"--steps", "0"},         {"--jobs", "1"}};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!given.contains(argv[i])) refuse(std::string("no option ") + argv[i]);
    given[argv[i]] = argv[i + 1];
  }
  const auto number = [&](const char* name) {
    return std::strtoull(given[name].c_str(), nullptr, 10);
  };
  const SchemeSpec* scheme = find_scheme(given["--scheme"]);
  if (scheme == nullptr) refuse("no scheme " + given["--scheme"]);
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *scheme;
  settings.threads = static_cast<unsigned>(number("--threads"));
  std::string unknown;
  settings.mixes = testing::read_mixes(given["--mix"], unknown);
  if (!unknown.empty()) refuse("no operation or group " + unknown);
  settings.ops = static_cast<unsigned>(number("--ops"));
  settings.random.pages = static_cast<unsigned>(number("--pages"));
  settings.random.buffers = static_cast<unsigned>(number("--buffers"));
  settings.random.processes = static_cast<unsigned>(number("--processes"));
  settings.seed = number("--seed");
  settings.workload_seed = number("--workload-seed");
  settings.schedules_each = number("--each");
  settings.strategy = given["--strategy"];
  settings.restore = number("--restore") != 0;
  settings.steps = number("--steps") != 0;
  settings.first_run = number("--run");
  settings.schedules = number("--schedules");
  const auto jobs = std::max<std::uint64_t>(1, number("--jobs"));
  const auto begun = std::chrono::steady_clock::now();
  std::vector<ExploreReport> reports(jobs);
  std::vector<std::thread> threads;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    threads.emplace_back([&, job] {
      ExploreSettings share = settings;
      share.first_run += settings.schedules * job / jobs;
      share.schedules = settings.schedules * (job + 1) / jobs - settings.schedules * job / jobs;
      std::string reason;
      if (const Errc error = explore(share, reports[job], &reason); error != Errc::kOk)
        refuse(std::string(errc_name(error)) + " " + reason);
    });
  }
  for (std::thread& each : threads) each.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  ExploreReport report;
  for (ExploreReport& each : reports) {
    report.schedules += each.schedules;
    report.distinct += each.distinct;
    report.ops += each.ops;
    report.steps += each.steps;
    report.hash ^= each.hash;
    for (unsigned i = 0; i < kCountedOutcomes; ++i) report.outcomes[i] += each.outcomes[i];
    report.abandoned += each.abandoned;
    report.complete = each.complete;
    report.restored = each.restored;
    for (Finding& finding : each.first) report.first.push_back(std::move(finding));
  }
  for (const Finding& finding : report.first) {
    std::cout << "run " << finding.run << ": " << outcome_name(finding.outcome) << ": "
              << finding.text << "\n";
    for (const std::string& line : finding.trace) std::cout << "  " << line << "\n";
    for (const ExploreStep& step : finding.steps)
      std::cout << "    thread " << step.thread << " " << step.access << " " << step.place << " "
                << step.before << " -> " << step.after << "\n";
  }
  std::cout << report.schedules << " schedules, " << report.distinct << " distinct, " << report.ops
            << " operations, " << report.steps << " steps, hash " << report.hash << ", "
            << static_cast<double>(report.schedules) / seconds << " a second"
            << (report.restored ? "" : ", a machine each")
            << (report.abandoned != 0 ? ", " + std::to_string(report.abandoned) + " abandoned" : "")
            << (report.complete ? ", complete" : "") << "\n";
  for (unsigned i = 0; i < kCountedOutcomes; ++i)
    if (report.outcomes[i] != 0)
      std::cout << "  " << outcome_name(static_cast<Outcome>(i)) << " " << report.outcomes[i]
                << "\n";
  return report.findings() == 0 ? 0 : 1;
}
