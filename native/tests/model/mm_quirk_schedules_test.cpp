// Historic defects that need two threads: every schedule with one preemption is tried, and
// some find them when they are on, none when they are off.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/gup/gup.h"
#include "mm/gup/gup_internal.h"
#include "mm/swap/release.h"
#include "page/folio.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

/// One thread runs to its nth choice, then the other as far as it comes, then the first again.
class OnePreemption final : public Strategy {
 public:
  static constexpr std::uint64_t kLongest = 500, kRuns = 2 * kLongest;

  bool begin(std::uint64_t run) override {
    first_ = run % 2;
    left_ = run / 2;
    return true;
  }
  FiberId next_fiber(const Choice& choice) override {
    FiberId wanted = 1 - first_;
    if (left_ > 0) {
      --left_;
      wanted = first_;
    }
    if ((choice.runnable & fiber_bit(wanted)) != 0) return wanted;
    return static_cast<FiberId>(std::countr_zero(choice.runnable));
  }

 private:
  FiberId first_ = 0;
  std::uint64_t left_ = 0;
};

template <class Reset>
std::uint64_t clean_runs(std::span<const FiberBody> bodies, Reset&& reset) {
  ModelRunner runner;
  OnePreemption strategy;
  std::uint64_t clean = 0;
  explore_runs(runner, bodies, strategy, RunLimits{}, OnePreemption::kRuns, reset,
               [&](const RunOutcome& outcome) {
                 clean += outcome.end == Outcome::kClean ? 1 : 0;
                 return outcome.end == Outcome::kClean;
               });
  return clean;
}

Behaviour with(Quirk quirk, bool on) {
  Behaviour behaviour;
  if (on) behaviour.quirks = quirk_set(quirk);
  return behaviour;
}

/// Two threads and what is looked at after each schedule.
struct Scene {
  Scene(Quirk quirk, bool on) : box(3, "refcount-bias", 256, 0, {}, with(quirk, on)) {}
  virtual ~Scene() = default;
  virtual void begin() = 0;
  virtual void first() = 0;
  virtual void second() = 0;
  virtual bool broken() = 0;

  MmBox box;
  std::unique_ptr<Mm> mm;
};

std::uint64_t broken_runs(Scene& scene) {
  std::uint64_t broken = 0;
  bool started = false;
  auto first = [&] { scene.first(); };
  auto second = [&] { scene.second(); };
  const FiberBody bodies[] = {body(first), body(second)};
  const std::uint64_t clean = clean_runs(bodies, [&] {
    if (started && scene.broken()) ++broken;
    started = true;
    scene.begin();
  });
  if (scene.broken()) ++broken;
  EXPECT_EQ(clean, OnePreemption::kRuns);
  return broken;
}

template <class S>
void found_only_when_on() {
  for (const bool on : {false, true}) {
    S scene(on);
    const std::uint64_t broken = broken_runs(scene);
    if (on)
      EXPECT_GT(broken, 0U);
    else
      EXPECT_EQ(broken, 0U);
  }
}

struct DirtyCow : Scene {
  explicit DirtyCow(bool on) : Scene(Quirk::kDirtyCow, on) {}
  void begin() override {
    file = create_disk_file(*box.machine, std::make_unique<MemoryDisk>());
    const std::uint64_t had = 1;
    EXPECT_EQ(kernel_write(box.cpu(), *file, 0, std::span(&had, 1)).error, Errc::kOk);
    mm = box.create_mm();
    MmapRequest request;
    request.address = kTestBase;
    request.pages = 1;
    request.prot = kVmRead;
    request.file = file;
    EXPECT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
    std::uint64_t word = 0;  // mapped, so that the write breaks COW
    EXPECT_EQ(load_word(box.cpu(), *mm, kTestBase, word), FaultResult::kOk);
  }
  void first() override {
    Pfn pfn;
    if (get_user_pages(box.cpu(1), *mm, kTestBase, kFollWrite | kFollForce, std::span(&pfn, 1))
            .pages != 1)
      return;
    box.machine->frames.set_word(pfn, 0, 666);
    put_user_page(box.cpu(1), pfn);
  }
  void second() override {
    EXPECT_EQ(do_madvise(box.cpu(2), *mm, kTestBase, 1, Advice::kDontneed), Errc::kOk);
  }
  bool broken() override {
    std::uint64_t has = 0;
    EXPECT_EQ(kernel_read(box.cpu(), *file, 0, std::span(&has, 1)).error, Errc::kOk);
    mm->exit(box.cpu());
    put_file(box.cpu(), *file);
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    return has != 1;
  }
  AddressSpace* file = nullptr;
};

TEST(MmQuirkSchedules, dirty_cow_writes_to_a_file_that_may_not_be_written) {
  found_only_when_on<DirtyCow>();
}

struct ForkUnseen : Scene {
  explicit ForkUnseen(bool on) : Scene(Quirk::kForkUnseen, on) {}
  void begin() override {
    mm = box.create_mm();
    EXPECT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
    child = box.create_mm();
  }
  void first() override {
    EXPECT_EQ(
        pin_user_pages_fast(box.cpu(1), *mm, kTestBase, kFollWrite, std::span(&pinned, 1)).pages,
        1U);
  }
  void second() override { EXPECT_EQ(dup_mmap(box.cpu(2), *child, *mm), Errc::kOk); }
  bool broken() override {
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 2), FaultResult::kOk);
    const bool moved = mm->page_table.find(kTestBase).get().pfn() != pinned;
    unpin_user_page(box.cpu(), pinned);
    child->exit(box.cpu());
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    return moved;
  }
  std::unique_ptr<Mm> child;
  Pfn pinned;
};

TEST(MmQuirkSchedules, fork_unseen_leaves_a_pin_behind) { found_only_when_on<ForkUnseen>(); }

/// A folio of two pages comes apart, as split_folio does it, while its tail is grabbed.
struct GrabKeepsOldHead : Scene {
  explicit GrabKeepsOldHead(bool on) : Scene(Quirk::kGrabKeepsOldHead, on) {}
  void begin() override {
    head = box.machine->alloc_folio(box.cpu(), 1).value;
    tail = box.machine->page(box.machine->pfn_of(head) + 1);
    grabbed = false;
  }
  void first() override { grabbed = try_grab_folio_speculative(box.cpu(1), tail, kFollGet); }
  void second() override {
    split = head.try_freeze(1);
    if (!split) return;
    destroy_compound(*box.memmap, box.machine->pfn_of(head));
    tail.unfreeze(1);
    head.unfreeze(1);
  }
  bool broken() override {
    const Page holds = split ? tail : head;
    const bool missing = grabbed && holds.refcount() != 2;
    if (grabbed) folio_put(box.cpu(), missing ? head : holds);
    folio_put(box.cpu(), head);
    if (split) folio_put(box.cpu(), tail);
    return missing;
  }
  Page head, tail;
  bool grabbed = false, split = false;
};

TEST(MmQuirkSchedules, a_grab_that_keeps_the_old_head_holds_another_page) {
  found_only_when_on<GrabKeepsOldHead>();
}

struct TableFreedAtOnce : Scene {
  explicit TableFreedAtOnce(bool on) : Scene(Quirk::kTableFreedAtOnce, on) {}
  void begin() override {
    mm = box.create_mm();
    for (const std::uint64_t at : {kTestBase, kOther})
      EXPECT_EQ(map_anon(box.cpu(), *mm, at, 1), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
    pinned = 0;
  }
  void first() override {
    pinned = pin_user_pages_fast(box.cpu(1), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages;
  }
  void second() override {
    EXPECT_EQ(do_munmap(box.cpu(2), *mm, kTestBase, 1), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(2), *mm, kOther, 2), FaultResult::kOk);
  }
  bool broken() override {
    const bool other = pinned == 1 && mm->page_table.find(kOther).get().pfn() == pfn;
    if (pinned == 1) unpin_user_page(box.cpu(), pfn);
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    return other;
  }
  static constexpr std::uint64_t kOther = kTestBase + kPmdBytes;
  Pfn pfn;
  std::uint64_t pinned = 0;
};

TEST(MmQuirkSchedules, a_table_freed_at_once_leads_a_walk_to_anothers_page) {
  found_only_when_on<TableFreedAtOnce>();
}

std::uint64_t faults_that_fail(bool on) {
  DeviceBox box(DeviceMemory::kPrivate, 3, 4, "linux-6.12", false, "refcount-bias",
                with(Quirk::kDeviceFaultUnreferenced, on));
  auto mm = box.create_mm(1);
  Mirror* mirror = box.device->open(*mm);
  std::uint64_t failed = 0;
  auto fault = [&] {
    std::uint64_t word = 0;
    if (load_word(box.cpu(1), *mm, kBase, word) != FaultResult::kOk) ++failed;
  };
  auto release = [&] {
    (void)mirror->migrate_to_system(box.cpu(2), kBase, 1);
    (void)box.device->release(box.cpu(2));
  };
  const FiberBody bodies[] = {body(fault), body(release)};
  const std::uint64_t clean = clean_runs(bodies, [&] {
    box.fill(*mm, 1, 10);
    EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  });
  EXPECT_EQ(clean, OnePreemption::kRuns);
  mirror->close(box.cpu());
  box.exit(*mm);
  return failed;
}

TEST(MmQuirkSchedules, a_device_fault_without_a_reference_meets_memory_that_has_gone) {
  EXPECT_EQ(faults_that_fail(false), 0U);
  EXPECT_GT(faults_that_fail(true), 0U);
}

}  // namespace
}  // namespace pagebox::testing
