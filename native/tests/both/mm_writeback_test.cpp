// What the thread of 2018 began with: a file's page is pinned for a device,
// writeback cleans it, the device stores, and nobody knows that it is dirty.
#include "mm/file/writeback.h"

#include <string>

#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::testing {
namespace {

Behaviour asking(bool asks_pins) {
  Behaviour behaviour;
  behaviour.options = behaviour.options.with(MachineOption::kWritebackAsksPins, asks_pins);
  return behaviour;
}

/// One page of a disk file, mapped shared.
struct FileBox : MmBox {
  FileBox(const char* scheme, bool asks_pins) : MmBox(1, scheme, 1024, 0, {}, asking(asks_pins)) {
    file = create_disk_file(*machine, std::make_unique<MemoryDisk>());
    const std::uint64_t zero = 0;
    EXPECT_EQ(kernel_write(cpu(), *file, 0, std::span(&zero, 1)).error, Errc::kOk);
    mm = create_mm();
    MmapRequest request;
    request.address = kTestBase;
    request.pages = 1;
    request.prot = kVmRead | kVmWrite;
    request.shared = true;
    request.file = file;
    EXPECT_EQ(do_mmap(cpu(), *mm, request), Errc::kOk);
    EXPECT_EQ(store_word(cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  }
  ~FileBox() {
    mm->exit(cpu());
    put_file(cpu(), *file);
    lru_add_drain_all(cpu());
    machine->rcu.barrier();
  }
  void writeback() { filemap_write_and_wait(cpu(), *file, 0, 1); }
  std::uint64_t on_disk() {
    std::uint64_t words[kPageBytes / 8];
    EXPECT_EQ(file->disk->read_page(0, reinterpret_cast<std::byte*>(words)), Errc::kOk);
    return words[0];
  }
  bool dirty() {
    const Page folio = filemap_get_folio(*machine, *file, 0);
    const bool is = folio.test(Flag::kDirty);
    folio_put(cpu(), folio);
    return is;
  }

  AddressSpace* file = nullptr;
  std::unique_ptr<Mm> mm;
};

class WritebackOfPinned : public ::testing::TestWithParam<std::string> {
 protected:
  /// What the disk has in the end: the device stores 2 after writeback has written 1.
  static std::uint64_t written(bool asks_pins) {
    FileBox box(GetParam().c_str(), asks_pins);
    Pfn pfn;
    EXPECT_EQ(
        pin_user_pages_fast(box.cpu(), *box.mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages,
        1U);
    box.writeback();
    EXPECT_EQ(box.on_disk(), 1U);
    box.machine->frames.set_word(pfn, 0, 2);
    unpin_user_page(box.cpu(), pfn);
    box.writeback();
    EXPECT_EQ(box.audit({box.mm.get()}), std::vector<std::string>{});
    return box.on_disk();
  }
};
INSTANTIATE_TEST_SUITE_P(Schemes, WritebackOfPinned, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const SchemeSpec& scheme : builtin_schemes())
                             names.push_back(scheme.name);
                           return names;
                         }()),
                         parameter_name);

TEST_P(WritebackOfPinned, LosesWhatTheDeviceStoredAsTheKernelDoes) {
  EXPECT_EQ(written(false), 1U);
}

TEST_P(WritebackOfPinned, KeepsItWhereWritebackAsksTheScheme) { EXPECT_EQ(written(true), 2U); }

TEST(Writeback, APageThatNobodyPinsIsCleanAfterwards) {
  for (const bool asks_pins : {false, true}) {
    FileBox box("folio-pincount", asks_pins);
    EXPECT_TRUE(box.dirty());
    box.writeback();
    EXPECT_FALSE(box.dirty());
    EXPECT_EQ(box.on_disk(), 1U);
  }
}

/// PG_reclaim: it goes as soon as it is clean.
TEST(Writeback, ReclaimLeavesADirtyPageToItAndMarksThePage) {
  FileBox box("refcount-bias", false);
  lru_add_drain_all(box.cpu());
  ASSERT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, 1, Advice::kPageout), Errc::kOk);
  const Page folio = filemap_get_folio(*box.machine, *box.file, 0);
  EXPECT_TRUE(folio.test(Flag::kDirty) && folio.test(Flag::kReclaim));
  folio_put(box.cpu(), folio);
}

TEST(Writeback, APlainReferenceLooksPinnedToTheSchemeThatCannotTell) {
  for (const char* scheme : {"refcount", "refcount-bias"}) {
    FileBox box(scheme, true);
    Pfn pfn;
    ASSERT_EQ(get_user_pages(box.cpu(), *box.mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages,
              1U);
    box.writeback();
    EXPECT_EQ(box.dirty(), std::string(scheme) == "refcount");
    put_user_page(box.cpu(), pfn);
  }
}

}  // namespace
}  // namespace pagebox::testing
