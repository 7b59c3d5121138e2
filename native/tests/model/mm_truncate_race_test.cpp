// A file that loses its pages while they are migrated, paged out and read back: every
// page of its cache and every swap slot is found in the end.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/page_cache.h"
#include "mm/migrate.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

TEST(MmTruncateRace, leaves_nothing_of_the_file) {
  constexpr std::uint64_t kRuns = 2000;
  MmBox box(3, "refcount-bias", 64);
  AddressSpace* file = nullptr;
  auto mm = box.create_mm();
  std::uint64_t lost = 0;
  const auto count_lost = [&] {
    if (file == nullptr) return;
    lru_add_drain_all(box.cpu());
    lost += box.audit({mm.get()}).size() + box.machine->files.in_use();
  };
  const auto renew = [&] {
    count_lost();
    file = create_shmem(*box.machine, 2);
    const std::uint64_t words[] = {1, 2};
    EXPECT_EQ(kernel_write(box.cpu(), *file, 0, words).error, Errc::kOk);
    MmapRequest request;
    request.address = kTestBase;
    request.pages = 2;
    request.prot = kVmRead | kVmWrite;
    request.shared = true;
    request.file = file;
    EXPECT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
    EXPECT_EQ(do_madvise(box.cpu(), *mm, kTestBase, 1, Advice::kPopulateRead), Errc::kOk);
    lru_add_drain_all(box.cpu());
  };
  auto compacts = [&] { (void)compact_range(box.cpu(0), {0}, {64}); };
  auto truncates = [&] {
    (void)do_munmap(box.cpu(1), *mm, kTestBase, 2);
    put_file(box.cpu(1), *file);
  };
  auto pages_out = [&] { (void)do_madvise(box.cpu(2), *mm, kTestBase, 2, Advice::kPageout); };
  const FiberBody bodies[] = {body(compacts), body(truncates), body(pages_out)};
  const Ends ends = random_runs(bodies, kRuns, renew);
  count_lost();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(lost, 0U);
  mm->exit(box.cpu());
}

}  // namespace
}  // namespace pagebox::testing
