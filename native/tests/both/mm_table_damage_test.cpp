// What memory management does when somebody writes into the descriptor of a page table.
#include <gtest/gtest.h>

#include "mm/fault/user_access.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox {
namespace {

using testing::kTestBase;
using testing::MmBox;

std::vector<Pfn> tables_of(const Mm& mm) {
  std::vector<Pfn> found;
  mm.page_table.visit([&](Pfn pfn) { found.push_back(pfn); }, [](std::uint64_t, PteSlot) {});
  return found;
}

std::unique_ptr<Mm> with_memory(MmBox& box, std::uint64_t pages = 4) {
  auto mm = box.create_mm();
  EXPECT_EQ(testing::map_anon(box.cpu(), *mm, kTestBase, pages), Errc::kOk);
  for (std::uint64_t i = 0; i < pages; ++i)
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, i + 1), FaultResult::kOk);
  return mm;
}

std::uint64_t word_of(MmBox& box, Mm& mm, std::uint64_t page) {
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), mm, kTestBase + page * kPageBytes, word), FaultResult::kOk);
  return word;
}

TEST(MmTableDamage, WhoWaitsForRcuIsFreedByWhatRcuKeeps) {
  MmBox box;
  const std::uint64_t free = box.machine->allocator.free_pages();
  auto mm = with_memory(box);
  const std::vector<Pfn> tables = tables_of(*mm);
  {
    RcuReadGuard reading(box.machine->rcu, 0);
    mm->exit(box.cpu());
    for (const Pfn pfn : tables) {
      const Page page = box.machine->page(pfn);
      EXPECT_EQ(page.word(2), static_cast<std::uint64_t>(RcuCallback::kFreeTable));
      page.set_word(1, 0x1234567890);
      page.set_word(2, page.word(2) + 3);
    }
  }
  lru_add_drain_all(box.cpu());
  const std::vector<std::string> rows = box.audit({});
  EXPECT_EQ(rows.size(), 2 * tables.size());
  for (const std::string& row : rows) {
    EXPECT_EQ(row.find("words-kept at "), 0U) << row;
    EXPECT_NE(row.find("rcu_head"), std::string::npos) << row;
  }
  EXPECT_EQ(box.machine->allocator.free_pages(), free);
}

// The words of rcu_head are nobody's while the table lives: what is there then is told, word by
// word.
TEST(MmTableDamage, WhatLiesInTheWordsOfRcuBeforeIsTold) {
  for (const unsigned word : {1U, 2U}) {
    MmBox box;
    auto mm = with_memory(box);
    const Page table = box.machine->page(tables_of(*mm).front());
    const std::uint64_t had = table.word(word);
    table.set_word(word, had + 0x1230);
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    const std::vector<std::string> rows = box.audit({});
    ASSERT_EQ(rows.size(), 1U) << word;
    EXPECT_NE(rows[0].find(word == 1 ? "rcu_head.next" : "rcu_head.func"), std::string::npos)
        << rows[0];
  }
}

TEST(MmTableDamage, APutTooManyLeavesTheTableToItsOwner) {
  MmBox box;
  const std::uint64_t free = box.machine->allocator.free_pages();
  auto mm = with_memory(box);
  for (const Pfn pfn : tables_of(*mm)) folio_put(box.cpu(), box.machine->page(pfn));
  // What is allocated now is none of them, and the old contents are there.
  auto other = with_memory(box, 16);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(word_of(box, *mm, i), i + 1);
  EXPECT_FALSE(box.audit({mm.get(), other.get()}).empty());
  mm->exit(box.cpu());
  other->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
  EXPECT_EQ(box.machine->allocator.free_pages(), free);
}

TEST(MmTableDamage, AnyWordsLeadNowhere) {
  MmBox box(1, "refcount-bias", 4096, 0, testing::with_huge_pages());
  auto mm = with_memory(box);
  const std::vector<Pfn> tables = tables_of(*mm);
  for (const Pfn pfn : tables)
    for (unsigned word = 1; word <= 5; ++word)
      box.machine->page(pfn).set_word(word, 0xfffffffffffff067 + word);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(word_of(box, *mm, i), i + 1);
  EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 9), FaultResult::kOk);
  bool lock = false, reserve = false;
  for (const std::string& row : box.audit({mm.get()})) {
    lock |= row.find("ptl of a page table") != std::string::npos;
    reserve |= row.find("pmd_huge_pte of a page table") != std::string::npos;
  }
  EXPECT_TRUE(lock);
  EXPECT_TRUE(reserve);
  mm->exit(box.cpu());
}

TEST(MmTableDamage, ATableHandedOutAgainStaysTheFirstOnes) {
  MmBox box;
  auto mm = with_memory(box);
  const Pfn root = tables_of(*mm).front();
  const Page page = box.machine->page(root);
  // Nothing says any more that it is a table: so a put frees it.
  page.set_mapcount_raw(-1);
  folio_put(box.cpu(), page);
  auto other = with_memory(box);
  for (const Pfn pfn : tables_of(*other)) EXPECT_NE(pfn, root);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(word_of(box, *mm, i), i + 1);
  mm->exit(box.cpu());
  other->exit(box.cpu());
  const std::vector<std::string> rows = box.audit({});
  EXPECT_NE(std::find_if(rows.begin(), rows.end(),
                         [](const std::string& row) { return row.find("words-kept") == 0; }),
            rows.end());
}

}  // namespace
}  // namespace pagebox
