// Writeback against a device in every order: in the end the disk has what memory
// has, or the page is dirty still. Only where writeback asks who pins.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/file/writeback.h"
#include "mm/gup/gup.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

Behaviour asking(bool asks_pins) {
  Behaviour behaviour;
  behaviour.options = behaviour.options.with(MachineOption::kWritebackAsksPins, asks_pins);
  return behaviour;
}

struct Transfer {
  explicit Transfer(const char* scheme, bool asks_pins)
      : box(3, scheme, 256, 0, {}, asking(asks_pins)) {}

  void renew() {
    end();
    file = create_disk_file(*box.machine, std::make_unique<MemoryDisk>());
    const std::uint64_t zero = 0;
    EXPECT_EQ(kernel_write(box.cpu(), *file, 0, std::span(&zero, 1)).error, Errc::kOk);
    mm = box.create_mm();
    MmapRequest request;
    request.address = kTestBase;
    request.pages = 1;
    request.prot = kVmRead | kVmWrite;
    request.shared = true;
    request.file = file;
    EXPECT_EQ(do_mmap(box.cpu(), *mm, request), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  }
  void end() {
    if (mm == nullptr) return;
    filemap_write_and_wait(box.cpu(), *file, 0, 1);
    std::uint64_t words[kPageBytes / 8], in_memory = 0;
    EXPECT_EQ(file->disk->read_page(0, reinterpret_cast<std::byte*>(words)), Errc::kOk);
    EXPECT_EQ(load_word(box.cpu(), *mm, kTestBase, in_memory), FaultResult::kOk);
    lost += words[0] == in_memory ? 0 : 1;
    findings += box.audit({mm.get()}).size();
    mm->exit(box.cpu());
    put_file(box.cpu(), *file);
    mm = nullptr;
  }
  void device() {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(1), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages != 1)
      return;
    // A transfer takes its time: each look lets others go on.
    for (int i = 0; i < 100; ++i) (void)box.machine->page(pfn).refcount();
    box.machine->frames.set_word(pfn, 0, 2);
    unpin_user_page(box.cpu(1), pfn);
  }
  void writeback() { filemap_write_and_wait(box.cpu(2), *file, 0, 1); }

  MmBox box;
  AddressSpace* file = nullptr;
  std::unique_ptr<Mm> mm;
  std::uint64_t lost = 0, findings = 0;
};

std::uint64_t lost_of(const char* scheme, bool asks_pins) {
  constexpr std::uint64_t kRuns = 1000;
  Transfer transfer(scheme, asks_pins);
  auto device = [&] { transfer.device(); };
  auto writeback = [&] { transfer.writeback(); };
  const FiberBody bodies[] = {body(device), body(writeback)};
  const Ends ends = random_runs(bodies, kRuns, [&] { transfer.renew(); });
  transfer.end();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(transfer.findings, 0U);
  return transfer.lost;
}

TEST(WritebackSchedules, no_store_of_a_device_is_lost_where_writeback_asks) {
  for (const char* scheme : {"refcount-bias", "folio-pincount", "side-table", "sharded"}) {
    SCOPED_TRACE(scheme);
    EXPECT_GT(lost_of(scheme, false), 0U);
    EXPECT_EQ(lost_of(scheme, true), 0U);
  }
}

}  // namespace
}  // namespace pagebox::testing
