// Vmas are cut and merged while walks come from pages: no address may be without a
// vma in its rmap tree for a moment, or a migration's entries stay for good.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/file/files.h"
#include "mm/migrate.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 3;

struct Cutting {
  explicit Cutting(bool file) : of_file(file) {}

  void renew() {
    end();
    mm = box.create_mm();
    MmapRequest request;
    request.address = kTestBase;
    request.pages = kPages;
    request.prot = kVmRead | kVmWrite;
    if (of_file) {
      request.shared = true;
      request.file = create_shmem(*box.machine, kPages);
    }
    EXPECT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
    if (of_file) put_file(box.cpu(), *request.file);
    for (std::uint64_t i = 0; i < kPages; ++i)
      EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, i), FaultResult::kOk);
    lru_add_drain_all(box.cpu());
  }
  void end() {
    if (mm == nullptr) return;
    findings += box.audit({mm.get()}).size();
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    mm = nullptr;
  }
  /// Cuts the vma in two, then in three, and merges them again, from either side.
  void protect() {
    const auto to = [&](std::uint64_t page, std::uint64_t pages, std::uint64_t prot) {
      EXPECT_EQ(do_mprotect(box.cpu(1), *mm, kTestBase + page * kPageBytes, pages, prot),
                Errc::kOk);
    };
    to(1, 2, kVmRead);
    to(1, 1, kVmRead | kVmWrite);
    to(2, 1, kVmRead | kVmWrite);
    to(1, 1, kVmRead);
    to(1, 1, kVmRead | kVmWrite);
  }
  void compact() { moved += compact_range(box.cpu(2), {0}, {box.memmap->pages()}); }

  MmBox box{3, "refcount-bias", 64};
  const bool of_file;
  std::unique_ptr<Mm> mm;
  std::uint64_t findings = 0, moved = 0;
};

TEST(VmaSchedules, no_walk_from_a_page_misses_a_mapping_that_is_being_cut_or_merged) {
  constexpr std::uint64_t kRuns = 1500;
  for (const bool file : {false, true}) {
    SCOPED_TRACE(file);
    Cutting cutting(file);
    auto protect = [&] { cutting.protect(); };
    auto compact = [&] { cutting.compact(); };
    const FiberBody bodies[] = {body(protect), body(compact)};
    const Ends ends = random_runs(bodies, kRuns, [&] { cutting.renew(); });
    cutting.end();
    EXPECT_EQ(ends[Outcome::kClean], kRuns);
    EXPECT_EQ(cutting.findings, 0U);
    EXPECT_GT(cutting.moved, 0U);
  }
}

}  // namespace
}  // namespace pagebox::testing
