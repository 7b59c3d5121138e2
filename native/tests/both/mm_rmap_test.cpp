// Who walks a folio's mappings without a reference on what knows them.
#include "mm/rmap/rmap.h"

#include <gtest/gtest.h>

#include "mm/fault/user_access.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

Page page_at(MmBox& box, const Mm& mm, std::uint64_t address) {
  return box.machine->page(mm.page_table.find(address).get().pfn());
}

TEST(MmRmap, OfAMappedFolioTheLockOfItsFamilyIsEnough) {
  MmBox box;
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  auto child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  // The child's page, of an anon_vma whose root is the parent's.
  ASSERT_EQ(store_word(box.cpu(), *child, kTestBase, 2), FaultResult::kOk);
  const Page page = page_at(box, *child, kTestBase);
  AnonVma* const anon_vma = folio_anon_vma(*box.machine, page);
  ASSERT_NE(anon_vma, nullptr);
  AnonVma* const root = anon_vma->root;
  EXPECT_NE(anon_vma, root);
  {
    const MappedGuard guard(*box.machine, page, *anon_vma);
    EXPECT_TRUE(static_cast<bool>(guard));
    EXPECT_EQ(anon_vma->references.load(), 1U);
    EXPECT_FALSE(root->own_lock().try_lock()) << "nobody links or unlinks meanwhile";
  }
  root->own_lock().lock();
  EXPECT_FALSE(static_cast<bool>(MappedGuard(*box.machine, page, *anon_vma))) << "not at once";
  root->own_lock().unlock();

  child->exit(box.cpu());
  EXPECT_EQ(anon_vma->known_root.load(), nullptr);
  EXPECT_FALSE(static_cast<bool>(MappedGuard(*box.machine, page, *anon_vma))) << "free";
  // Of a page that is not mapped, with an anon_vma that is in use.
  EXPECT_FALSE(static_cast<bool>(MappedGuard(*box.machine, page, *root)));
  EXPECT_TRUE(root->own_lock().try_lock()) << "all gave it back";
  root->own_lock().unlock();
  mm->exit(box.cpu());
}

}  // namespace
}  // namespace pagebox::testing
