// Historic defects of memory management that one thread shows: each breaks what it says
// when it is on, and nothing when it is off.
#include <array>

#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/file/writeback.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

Behaviour with(Quirk quirk, bool on) {
  Behaviour behaviour;
  if (on) behaviour.quirks = quirk_set(quirk);
  return behaviour;
}

struct QuirkBox : MmBox {
  explicit QuirkBox(Quirk quirk, bool on, const char* layout = "linux-6.12",
                    MachineOptions options = {})
      : MmBox(2, "refcount-bias", 4096, 0, options, with(quirk, on), layout) {
    mm = create_mm();
  }
  ~QuirkBox() {
    mm->exit(cpu());
    lru_add_drain_all(cpu());
    machine->rcu.barrier();
  }
  void store(Mm& to, std::uint64_t value) {
    EXPECT_EQ(store_word(cpu(), to, kTestBase, value), FaultResult::kOk);
  }
  std::uint64_t load(Mm& from) {
    std::uint64_t word = 0;
    EXPECT_EQ(load_word(cpu(), from, kTestBase, word), FaultResult::kOk);
    return word;
  }
  Pfn mapped(Mm& in) { return in.page_table.find(kTestBase).get().pfn(); }
  Pfn pin(std::uint32_t flags) {
    Pfn pfn;
    EXPECT_EQ(pin_user_pages_fast(cpu(), *mm, kTestBase, flags, std::span(&pfn, 1)).pages, 1U);
    return pfn;
  }

  std::unique_ptr<Mm> mm;
};

/// Off, then on: what the scenario says of each.
template <class Scenario>
void shows_only_when_on(Scenario&& scenario) {
  EXPECT_FALSE(scenario(false)) << "off";
  EXPECT_TRUE(scenario(true)) << "on";
}

TEST(MmQuirk, reuse_by_mapcount_shows_a_child_what_its_parent_writes) {
  shows_only_when_on([](bool on) {
    QuirkBox box(Quirk::kReuseByMapcount, on);
    EXPECT_EQ(map_anon(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
    box.store(*box.mm, 1);
    const auto child = box.create_mm();
    EXPECT_EQ(dup_mmap(box.cpu(), *child, *box.mm), Errc::kOk);
    Pfn piped;  // vmsplice: a plain reference
    EXPECT_EQ(get_user_pages(box.cpu(), *child, kTestBase, 0, std::span(&piped, 1)).pages, 1U);
    EXPECT_EQ(do_munmap(box.cpu(), *child, kTestBase, 1), Errc::kOk);
    box.store(*box.mm, 0x5ec7e7);
    const bool seen = box.machine->frames.word(piped, 0) == 0x5ec7e7;
    put_user_page(box.cpu(), piped);
    child->exit(box.cpu());
    return seen;
  });
}

TEST(MmQuirk, fork_shares_pinned_leaves_the_pin_behind) {
  shows_only_when_on([](bool on) {
    QuirkBox box(Quirk::kForkSharesPinned, on);
    EXPECT_EQ(map_anon(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
    box.store(*box.mm, 1);
    const Pfn pinned = box.pin(kFollWrite);
    const auto child = box.create_mm();
    EXPECT_EQ(dup_mmap(box.cpu(), *child, *box.mm), Errc::kOk);
    box.store(*box.mm, 2);
    box.machine->frames.set_word(pinned, 0, 3);  // DMA
    const bool lost = box.load(*box.mm) != 3;
    unpin_user_page(box.cpu(), pinned);
    child->exit(box.cpu());
    return lost;
  });
}

TEST(MmQuirk, soft_dirty_forgets_pins_and_copies_the_page_away) {
  shows_only_when_on([](bool on) {
    QuirkBox box(Quirk::kSoftDirtyForgetsPins, on, "linux-4.20");
    EXPECT_EQ(map_anon(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
    box.store(*box.mm, 1);
    const Pfn pinned = box.pin(kFollWrite);
    clear_soft_dirty(box.cpu(), *box.mm);
    box.store(*box.mm, 2);
    const bool moved = box.mapped(*box.mm) != pinned;
    unpin_user_page(box.cpu(), pinned);
    return moved;
  });
}

TEST(MmQuirk, lazyfree_forgets_references_and_drops_what_a_device_wrote) {
  shows_only_when_on([](bool on) {
    QuirkBox box(Quirk::kLazyfreeForgetsReferences, on);
    EXPECT_EQ(map_anon(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
    box.store(*box.mm, 1);
    lru_add_drain_all(box.cpu());
    EXPECT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, 1, Advice::kFree), Errc::kOk);
    lru_add_drain_all(box.cpu());
    const Pfn pinned = box.pin(kFollWrite);
    EXPECT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, 1, Advice::kPageout), Errc::kOk);
    box.machine->frames.set_word(pinned, 0, 7);  // the read from the disk arrives
    const bool lost = box.load(*box.mm) != 7;
    unpin_user_page(box.cpu(), pinned);
    return lost;
  });
}

TEST(MmQuirk, longterm_file_pins_lose_what_is_written_after_writeback) {
  for (const bool fast : {false, true})
    shows_only_when_on([fast](bool on) {
      QuirkBox box(Quirk::kLongtermFilePins, on);
      AddressSpace* file = create_disk_file(*box.machine, std::make_unique<MemoryDisk>());
      const std::uint64_t zero = 0;
      EXPECT_EQ(kernel_write(box.cpu(), *file, 0, std::span(&zero, 1)).error, Errc::kOk);
      MmapRequest request;
      request.address = kTestBase;
      request.pages = 1;
      request.prot = kVmRead | kVmWrite;
      request.shared = true;
      request.file = file;
      EXPECT_EQ(do_mmap(box.cpu(), *box.mm, request), Errc::kOk);
      box.store(*box.mm, 1);
      Pfn pfn;
      const auto pin = fast ? pin_user_pages_fast : pin_user_pages;
      const GupResult had =
          pin(box.cpu(), *box.mm, kTestBase, kFollWrite | kFollLongterm, std::span(&pfn, 1));
      bool lost = false;
      if (had.pages == 1) {
        filemap_write_and_wait(box.cpu(), *file, 0, 1);
        box.machine->frames.set_word(pfn, 0, 9);  // DMA into a clean page
        filemap_write_and_wait(box.cpu(), *file, 0, 1);
        std::array<std::uint64_t, kPageBytes / 8> words{};
        EXPECT_EQ(file->disk->read_page(0, reinterpret_cast<std::byte*>(words.data())), Errc::kOk);
        lost = words[0] != 9;
        unpin_user_page(box.cpu(), pfn);
      } else {
        EXPECT_EQ(had.error, Errc::kFault);
      }
      EXPECT_EQ(do_munmap(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
      put_file(box.cpu(), *file);
      return lost;
    });
}

TEST(MmQuirk, huge_dirty_by_read_gives_the_huge_zero_page_to_a_writer) {
  shows_only_when_on([](bool on) {
    QuirkBox box(Quirk::kHugeDirtyByRead, on, "linux-4.20", with_huge_pages());
    EXPECT_EQ(map_anon(box.cpu(), *box.mm, kTestBase, kPagesPerPmd, kVmRead), Errc::kOk);
    EXPECT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, kPagesPerPmd, Advice::kHugepage),
              Errc::kOk);
    EXPECT_EQ(box.load(*box.mm), 0U);  // the huge zero page
    const Page zero = box.machine->huge_zero_page();
    EXPECT_TRUE(zero);
    Pfn read, written;
    EXPECT_EQ(get_user_pages(box.cpu(), *box.mm, kTestBase, 0, std::span(&read, 1)).pages, 1U);
    put_user_page(box.cpu(), read);
    // A forced write whose copy somebody has dropped meanwhile looks again.
    const GupResult had = get_user_pages(
        box.cpu(), *box.mm, kTestBase, kFollWrite | kFollForce | kFollCow, std::span(&written, 1));
    EXPECT_EQ(had.pages, 1U);
    put_user_page(box.cpu(), written);
    return written == box.machine->pfn_of(zero);
  });
}

}  // namespace
}  // namespace pagebox::testing
