// A device's table of a process under random schedules: what it has is what the process has,
// whatever came between the two.
#include <gtest/gtest.h>

#include <string_view>

#include "explore/explore.h"
#include "pins/registry.h"
#include "tests/tools/mix_text.h"

namespace pagebox::testing {
namespace {

void explore_clean(std::string_view mix, std::uint64_t schedules, std::uint64_t pages = 1) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  settings.threads = 3;
  std::string unknown;
  settings.mixes = read_mixes(std::string(mix), unknown);
  ASSERT_EQ(unknown, "");
  settings.ops = 4;
  settings.random = {.processes = 1, .buffers = 1, .pages = static_cast<unsigned>(pages)};
  settings.schedules_each = 1;
  settings.schedules = schedules;
  ExploreReport report;
  std::string reason;
  ASSERT_EQ(explore(settings, report, &reason), Errc::kOk) << reason;
  EXPECT_EQ(report.schedules, schedules);
  for (const Finding& finding : report.first)
    ADD_FAILURE() << mix << ", run " << finding.run << ": " << outcome_name(finding.outcome) << ": "
                  << finding.text;
}

// A page is taken away between the migration's pages and the device's table: a hole's page
// and a migration entry alike.
TEST(MirrorInStep, MigrationAgainstUnmapping) {
  explore_clean("migrate_to_dev=4,dontneed=3,store=2,load", 600);
  explore_clean("migrate_to_dev=4,migrate_to_sys=2,dontneed=2,fork,store=2,dev_write", 600, 2);
}

// An exclusive entry goes without the lock of its page.
TEST(MirrorInStep, ExclusiveAccessAgainstUnmapping) {
  explore_clean("exclusive=4,dontneed=3,store=2", 600);
}

// The device's own migration takes away what the device reads meanwhile.
TEST(MirrorInStep, DeviceFaultsAgainstItsOwnMigration) {
  explore_clean("dev_read=4,migrate_to_dev=3,migrate_to_sys=3,store", 600);
  explore_clean("dev_read=4,dev_write=3,dontneed=3,pageout=2,store=2,compact=2", 600);
}

}  // namespace
}  // namespace pagebox::testing
