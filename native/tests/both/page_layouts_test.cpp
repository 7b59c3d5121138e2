// The built-in layouts against the tables of offsets and flag budgets.
#include <gtest/gtest.h>

#include <tuple>

#include "page/layout.h"

namespace pagebox {
namespace {

using enum PageType;

const Layout& layout(std::string_view name) {
  const Layout* found = find_layout(name);
  EXPECT_NE(found, nullptr) << name;
  return *found;
}

/// The field of that type that holds the byte, "" if none; contested ones left out.
std::string at(const Layout& layout, PageType type, unsigned byte) {
  std::string names;
  for (const Field& field : layout.fields) {
    const unsigned first = field.offset_bytes * 8U + field.shift;
    if (field.types.has(type) && !field.contested && first < byte * 8 + 8 &&
        byte * 8 < first + field.bits)
      names += names.empty() ? field.name : "+" + field.name;
  }
  return names;
}

std::vector<std::string> words(std::string_view name, PageType type) {
  const Layout& it = layout(name);
  std::vector<std::string> found;
  for (unsigned word = 0; word < 6; ++word) found.push_back(at(it, type, word * it.word_bytes));
  found.push_back(at(it, type, it.mapcount_offset));
  found.push_back(at(it, type, it.refcount_offset));
  return found;
}

using Words = std::vector<std::string>;

TEST(Layouts, AllPassTheirOwnCheck) {
  EXPECT_EQ(builtin_layouts().size(), 10U);
  for (const Layout& each : builtin_layouts()) {
    for (const LayoutProblem& problem : check_layout(each))
      ADD_FAILURE() << each.name << ": " << problem.field << " " << problem.other << " "
                    << problem.what;
    EXPECT_TRUE(check_layout(with_own_counter(each)).empty()) << each.name;
  }
}

TEST(Layouts, AnonymousPageOf420) {
  EXPECT_EQ(words("linux-4.20", kAnon), (Words{"flags", "lru.next", "lru.prev", "mapping", "index",
                                               "private", "_mapcount", "_refcount"}));
  EXPECT_EQ(at(layout("linux-4.20"), kAnon, 56), "mem_cgroup");
}

TEST(Layouts, SlabOf420) {
  EXPECT_EQ(words("linux-4.20", kSlab),
            (Words{"flags", "slab_list.next", "slab_list.prev", "slab_cache", "freelist", "inuse",
                   "_mapcount", "_refcount"}));
  EXPECT_EQ(at(layout("linux-4.20"), kSlab, 42), "objects");
  EXPECT_EQ(at(layout("linux-4.20"), kSlab, 43), "objects+frozen");
}

TEST(Layouts, TailsOf420) {
  const Layout& it = layout("linux-4.20");
  EXPECT_EQ(at(it, kTail, 8), "compound_head");
  EXPECT_EQ(at(it, kTail, 16), "compound_dtor");
  EXPECT_EQ(at(it, kTail, 17), "compound_order");
  EXPECT_EQ(at(it, kTail, 18), "");
  EXPECT_EQ(at(it, kTail, 20), "compound_mapcount");
  EXPECT_EQ(at(it, kTail, 24), "mapping");
  EXPECT_EQ(at(it, kTail, 32), "");
  EXPECT_EQ(at(it, kSecondTail, 24), "deferred_list.next");
  EXPECT_EQ(at(it, kSecondTail, 32), "deferred_list.prev");
  EXPECT_EQ(it.order_offset, 17);
  EXPECT_EQ(it.pincount.tail, 0);
}

TEST(Layouts, CompoundMapcountMovesToWord3With4ByteWords) {
  const Layout& it = layout("linux-4.20-32");
  EXPECT_EQ(at(it, kTail, 8), "compound_dtor");
  EXPECT_EQ(at(it, kTail, 9), "compound_order");
  EXPECT_EQ(at(it, kTail, 12), "compound_mapcount");
  EXPECT_EQ(at(it, kSecondTail, 12), "deferred_list.next");
  EXPECT_EQ(at(it, kSecondTail, 16), "deferred_list.prev");
  EXPECT_EQ(it.order_offset, 9);
  EXPECT_EQ(it.mapcount_offset, 24);
  EXPECT_EQ(it.refcount_offset, 28);
  EXPECT_EQ(at(it, kAnon, 32), "mem_cgroup");
  EXPECT_EQ(at(layout("linux-4.20-zd-32"), kAnon, 31), "_refcount");  // no MEMCG
}

TEST(Layouts, PageTable) {
  EXPECT_EQ(words("linux-4.20", kPageTable),
            (Words{"flags", "", "pmd_huge_pte", "", "pt_mm", "ptl", "page_type", "_refcount"}));
  EXPECT_EQ(words("linux-6.12", kPageTable), words("linux-4.20", kPageTable));
}

TEST(Layouts, FourProposalsForZoneDevice) {
  EXPECT_EQ(words("linux-4.20", kDevicePrivateAnon),
            (Words{"flags", "pgmap", "hmm_data", "mapping", "index", "private", "_mapcount",
                   "_refcount"}));
  EXPECT_EQ(words("linux-4.20-zd", kDevicePrivateAnon),
            (Words{"flags", "", "", "mapping", "pgmap", "hmm_data", "_mapcount", "_refcount"}));
  EXPECT_EQ(words("linux-4.20-count", kDevicePrivateFile),
            (Words{"flags", "pgmap", "dma_pinned_count", "hmm_data", "index", "private",
                   "_mapcount", "_refcount"}));
  EXPECT_EQ(words("linux-4.20-counter", kDevicePrivateAnon),
            words("linux-4.20", kDevicePrivateAnon));
  EXPECT_EQ(at(layout("linux-4.20-counter"), kDevicePrivateAnon, 56), "_dma_pinned_count");
  EXPECT_EQ(at(layout("linux-4.20-counter"), kAnon, 64), "mem_cgroup");
}

TEST(Layouts, ProposalsContestWhatHmmNeeds) {
  const auto contested = [](std::string_view name, PageType type) {
    Words names;
    for (const Field& field : layout(name).fields)
      if (field.contested && field.types.has(type)) names.push_back(field.name);
    return names;
  };
  EXPECT_EQ(contested("linux-4.20-zd", kDevicePrivateAnon), (Words{"index", "private"}));
  EXPECT_EQ(contested("linux-4.20-count", kDevicePrivateAnon), (Words{"mapping"}));
  EXPECT_EQ(contested("linux-4.20", kDevicePrivateAnon), Words{});
  EXPECT_EQ(contested("linux-4.20-zd", kAnon), Words{});
}

TEST(Layouts, FolioOf612) {
  const Layout& it = layout("linux-6.12");
  EXPECT_EQ(at(it, kTail, 0), "_folio_order");
  EXPECT_EQ(at(it, kTail, 1), "_flags_1");
  EXPECT_EQ(at(it, kTail, 16), "_large_mapcount");
  EXPECT_EQ(at(it, kTail, 20), "_entire_mapcount");
  EXPECT_EQ(at(it, kTail, 24), "_nr_pages_mapped");
  EXPECT_EQ(at(it, kTail, 28), "_pincount");
  EXPECT_EQ(at(it, kTail, 32), "_folio_nr_pages");
  EXPECT_EQ(at(it, kSecondTail, 16), "_deferred_list.next");
  EXPECT_EQ(at(it, kSecondTail, 24), "_deferred_list.prev");
  EXPECT_EQ(it.pincount.tail, 1);
  EXPECT_EQ(it.stride_bytes + it.pincount.offset_bytes, 92);

  const Layout& narrow = layout("linux-6.12-32");
  EXPECT_EQ(at(narrow, kTail, 8), "_large_mapcount");
  EXPECT_EQ(at(narrow, kTail, 12), "_entire_mapcount");
  EXPECT_EQ(at(narrow, kTail, 16), "_nr_pages_mapped");
  EXPECT_EQ(at(narrow, kTail, 20), "_pincount");
  EXPECT_EQ(at(narrow, kSecondTail, 8), "_deferred_list.next");
  EXPECT_EQ(narrow.pincount.offset_bytes, 20);
}

TEST(Layouts, SlabAndDeviceOf612) {
  EXPECT_EQ(words("linux-6.12", kSlab),
            (Words{"flags", "slab_cache", "slab_list.next", "slab_list.prev", "freelist", "inuse",
                   "page_type", "_refcount"}));
  EXPECT_EQ(words("linux-6.12", kDeviceCoherent),
            (Words{"flags", "pgmap", "zone_device_data", "mapping", "index", "private", "_mapcount",
                   "_refcount"}));
  EXPECT_EQ(words("linux-6.12", kP2pdma),
            (Words{"flags", "pgmap", "zone_device_data", "", "", "", "_mapcount", "_refcount"}));
}

TEST(Layouts, PageTypesThatExist) {
  for (const Layout& each : builtin_layouts()) {
    const bool old = each.era.kernel == "v4.20", wide = each.word_bytes == 8;
    EXPECT_EQ(each.types.has(kDevicePublicAnon), old && wide) << each.name;
    EXPECT_EQ(each.types.has(kDevicePublicFile), old && wide) << each.name;
    EXPECT_EQ(each.types.has(kDeviceCoherent), !old && wide) << each.name;
    EXPECT_EQ((each.types & kZoneDeviceTypes).bits != 0, wide) << each.name;
    for (const PageType type : {kFree, kAnon, kFile, kSlab, kCompoundHead, kTail, kPageTable})
      EXPECT_TRUE(each.types.has(type)) << each.name;
  }
}

TEST(Layouts, FreeFlagBitsOfTheFactsTable) {
  EXPECT_EQ(free_flag_bits(layout("linux-4.20")), 15U);
  EXPECT_EQ(free_flag_bits(layout("linux-4.20-32")), 0U);
  EXPECT_EQ(lowest_free_flag_bit(layout("linux-4.20-32")), -1);
  EXPECT_EQ(free_flag_bits(layout("linux-4.20-zd-32")), 6U);
  EXPECT_EQ(lowest_free_flag_bit(layout("linux-4.20")), 26);
  EXPECT_EQ(lowest_free_flag_bit(layout("linux-6.12")), 24);

  Layout maxsmp = layout("linux-4.20");
  maxsmp.kconfig.node_bits = 10;
  maxsmp.kconfig.last_cpupid_bits = 21;
  EXPECT_EQ(free_flag_bits(maxsmp), 4U);
  maxsmp = layout("linux-6.12");
  maxsmp.kconfig.node_bits = 10;
  maxsmp.kconfig.last_cpupid_bits = 21;
  EXPECT_EQ(free_flag_bits(maxsmp), 1U);
  maxsmp.kconfig.lru_refs_bits = 0;
  EXPECT_EQ(free_flag_bits(maxsmp), 3U);
}

TEST(Layouts, FlagNumbersOfBothEras) {
  const auto bit = [](std::string_view name, Flag flag) {
    for (const FlagBit& each : layout(name).flags)
      if (each.flag == flag) return static_cast<int>(each.bit);
    return -1;
  };
  EXPECT_EQ(bit("linux-4.20", Flag::kLru), 4);
  EXPECT_EQ(bit("linux-4.20", Flag::kHead), 16);
  EXPECT_EQ(bit("linux-4.20", Flag::kSwapBacked), 19);
  EXPECT_EQ(bit("linux-4.20", Flag::kOwner2), -1);
  EXPECT_EQ(bit("linux-4.20-32", Flag::kIdle), -1);
  EXPECT_EQ(bit("linux-6.12", Flag::kLru), 5);
  EXPECT_EQ(bit("linux-6.12", Flag::kHead), 6);
  EXPECT_EQ(bit("linux-6.12", Flag::kSwapBacked), 17);
  EXPECT_EQ(bit("linux-6.12", Flag::kOwner2), 11);
  EXPECT_EQ(bit("linux-6.12", Flag::kSlab), -1);
  EXPECT_EQ(layout("linux-4.20").flags.size(), 26U);
  EXPECT_EQ(layout("linux-6.12").flags.size(), 24U);
}

TEST(Layouts, CostOfACounterOfItsOwn) {
  Layout wide = layout("linux-4.20");
  EXPECT_EQ(with_own_counter(wide).stride_bytes, 80);
  EXPECT_EQ(with_own_counter(wide).counter_offset, 56);
  EXPECT_EQ(find_field(with_own_counter(wide), "mem_cgroup")->offset_bytes, 64);
  std::erase_if(wide.fields, [](const Field& field) { return field.name == "mem_cgroup"; });
  EXPECT_EQ(with_own_counter(wide).stride_bytes, 64);

  Layout narrow = layout("linux-4.20-32");
  EXPECT_EQ(with_own_counter(narrow).stride_bytes, 40);
  EXPECT_EQ(with_own_counter(layout("linux-4.20-zd-32")).stride_bytes, 36);
  EXPECT_EQ(with_own_counter(layout("linux-6.12-32")).stride_bytes, 40);

  const Layout once = with_own_counter(layout("linux-6.12"));
  EXPECT_EQ(with_own_counter(once).fields.size(), once.fields.size());
  EXPECT_EQ(layout("linux-4.20-counter").stride_bytes, 80);
}

TEST(Layouts, StridesOfTheNarrowLayouts) {
  EXPECT_EQ(layout("linux-4.20-32").stride_bytes, 36);
  EXPECT_EQ(layout("linux-4.20-zd-32").stride_bytes, 32);
  EXPECT_EQ(layout("linux-6.12-32").stride_bytes, 40);
}

TEST(Layouts, HasPage) {
  const Layout& it = layout("linux-6.12");
  EXPECT_TRUE(has_page(it, kAnon, 0));
  EXPECT_TRUE(has_page(it, kAnon, 9));
  EXPECT_FALSE(has_page(it, kTail, 0));
  EXPECT_FALSE(has_page(it, kSecondTail, 1));
  EXPECT_TRUE(has_page(it, kSecondTail, 2));
  EXPECT_FALSE(has_page(it, kDevicePublicAnon, 0));
  EXPECT_FALSE(has_page(it, kDevicePrivateAnon, 9));  // v6.19
  EXPECT_TRUE(has_page(it, kDevdax, 9));
  EXPECT_FALSE(has_page(layout("linux-4.20"), kDevdax, 9));
}

TEST(Layouts, HasOnlyPagesThatItCanTell) {
  Layout old = layout("linux-4.20");
  EXPECT_TRUE(has_page(old, kSlab, 0));
  std::erase_if(old.flags, [](const FlagBit& each) { return each.flag == Flag::kSlab; });
  EXPECT_FALSE(has_page(old, kSlab, 0));
  EXPECT_FALSE(has_page(old, kSlab, 3));
  EXPECT_TRUE(has_page(old, kPageTable, 0));
  for (const std::uint32_t type : {0U, 1U, 0xffffffffU}) {
    Layout edited = layout("linux-6.12");
    EXPECT_TRUE(has_page(edited, kSlab, 0));
    edited.era.slab_type = edited.era.table_type = type;
    EXPECT_FALSE(has_page(edited, kSlab, 0));
    EXPECT_FALSE(has_page(edited, kPageTable, 0));
    EXPECT_TRUE(has_page(edited, kAnon, 0));
  }
}

}  // namespace
}  // namespace pagebox
