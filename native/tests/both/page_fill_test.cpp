// The two fills and the map of live bits must tell the same story about every
// page type of every layout.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "page/live.h"

namespace pagebox {
namespace {

using enum PageType;

struct Case {
  const Layout* layout;
  FillRequest request;
  unsigned tail;
};

/// Every layout (with a counter of its own too), type, order, tail, on and off the LRU.
template <class Fn>
void for_each_case(Fn&& fn) {
  for (const Layout& builtin : builtin_layouts()) {
    for (const Layout& layout : {builtin, with_own_counter(builtin)}) {
      for (unsigned type = 0; type < kPageTypes; ++type) {
        for (const unsigned order : {0U, 1U, 9U}) {
          if (!has_page(layout, static_cast<PageType>(type), order)) continue;
          for (const bool on_lru : {false, true}) {
            for (unsigned tail = 0; tail < std::min(3U, 1U << order); ++tail) {
              const FillRequest request{
                  {.type = static_cast<PageType>(type), .order = order, .on_lru = on_lru}};
              SCOPED_TRACE(layout.name + " " + std::string(kPageTypeNames[type]) + " order " +
                           std::to_string(order) + " tail " + std::to_string(tail) +
                           (on_lru ? " on lru" : ""));
              fn(Case{&layout, request, tail});
            }
          }
        }
      }
    }
  }
}

LiveMap map_of(std::string_view layout, PageType type, bool on_lru = true, unsigned order = 0,
               unsigned tail = 0) {
  const FillRequest request{{.type = type, .order = order, .on_lru = on_lru}};
  Result<LiveMap> map = LiveMap::create(*find_layout(layout), request, tail);
  EXPECT_TRUE(map);
  return std::move(map.value);
}

/// The field that owns the bit, or "" for a free one.
std::string owner(const LiveMap& map, unsigned word, unsigned bit) {
  const LiveField* field = map.owner(word * 64 + bit);
  return field == nullptr ? "" : field->name;
}

TEST(Fill, OnlyLiveBitsDifferBetweenTheFills) {
  for_each_case([](const Case& c) {
    const Result<LiveMap> map = LiveMap::create(*c.layout, c.request, c.tail);
    ASSERT_TRUE(map);
    for (unsigned bit = 0; bit < map.value.bits(); ++bit) {
      const bool differs =
          map.value.value(bit, FillSide::kFirst) != map.value.value(bit, FillSide::kSecond);
      EXPECT_EQ(differs, map.value.use(bit) == BitUse::kVariable) << bit;
      EXPECT_EQ(map.value.owner(bit) == nullptr, map.value.use(bit) == BitUse::kFree) << bit;
    }
  });
}

TEST(Fill, BitsThatNobodyOwnsStayWhatTheyWere) {
  // Off the LRU words 1 and 2 of a page hold what was there: zero here.
  for_each_case([](const Case& c) {
    const Result<LiveMap> map = LiveMap::create(*c.layout, c.request, c.tail);
    ASSERT_TRUE(map);
    const bool tail_mapping = c.tail != 0;  // prep_compound poisons word 3 of each
    for (unsigned bit = 0; bit < map.value.bits(); ++bit) {
      const unsigned word = bit / (c.layout->word_bytes * 8U);
      if (map.value.use(bit) != BitUse::kFree || (tail_mapping && word == 3)) continue;
      EXPECT_FALSE(map.value.value(bit, FillSide::kFirst)) << bit;
    }
  });
}

TEST(Fill, EveryLiveFieldIsOwnedInFull) {
  for_each_case([](const Case& c) {
    const Result<LiveMap> map = LiveMap::create(*c.layout, c.request, c.tail);
    ASSERT_TRUE(map);
    for (const Field& field : c.layout->fields) {
      if (!is_live(field, map.value.type(), c.request.setup.on_lru)) continue;
      if (field.kind == FieldKind::kFlags) continue;  // named bits only
      for (unsigned i = 0; i < field.bits; ++i) {
        const LiveField* found = map.value.owner(field.offset_bytes * 8U + field.shift + i);
        ASSERT_NE(found, nullptr) << field.name;
        EXPECT_EQ(found->name, field.name);
      }
    }
  });
}

/// What every bit of such a field must be; none: it depends.
std::optional<BitUse> use_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::kCount:
    case FieldKind::kMapcount: return BitUse::kVariable;
    case FieldKind::kPincount: return BitUse::kClaimable;
    case FieldKind::kRefcount: return BitUse::kShared;
    case FieldKind::kConstant:
    case FieldKind::kPoison: return BitUse::kFixed;
    default: return std::nullopt;
  }
}

TEST(Fill, FieldsOfAnyValueAreComplemented) {
  for_each_case([](const Case& c) {
    const Result<LiveMap> map = LiveMap::create(*c.layout, c.request, c.tail);
    ASSERT_TRUE(map);
    for (const LiveField& field : map.value.fields()) {
      for (unsigned i = 0; i < field.bits; ++i) {
        const BitUse use = map.value.use(field.offset_bytes * 8U + field.shift + i);
        const bool sign = field.kind == FieldKind::kMapcount && i == 31;
        const BitUse expected = sign ? BitUse::kFixed : use_of(field.kind).value_or(use);
        EXPECT_EQ(use, expected) << field.name << " " << i;
      }
    }
  });
}

TEST(Fill, BothFillsAreLegal) {
  for_each_case([](const Case& c) {
    if (c.tail != 0) return;
    std::unique_ptr<Memmap> memmap;
    ASSERT_EQ(Memmap::create(*c.layout, FillSite::kPages, FillSite::kPages, memmap), Errc::kOk);
    Zone zone(*memmap, kZoneNormal);
    const FillSite site;
    for (const FillSide side : {FillSide::kFirst, FillSide::kSecond}) {
      ASSERT_EQ(fill_page(*memmap, zone, site, c.request, side), Errc::kOk);
      const PageSetup& setup = c.request.setup;
      const Pfn described = described_page(setup, site.pfn);
      const PageType as = setup.type == kAnon && setup.order > 0 ? kCompoundHead : setup.type;
      EXPECT_EQ(classify(*memmap, described), as);
      const Page head = memmap->page(site.pfn);
      EXPECT_EQ(compound_head(*memmap, memmap->page(described)), head);
      EXPECT_EQ(folio_order(*memmap, head), setup.order);
      EXPECT_EQ(head.refcount() > 0, setup.type != kFree);
      // On a list it is between two real pages, and can come off.
      const bool listed = setup.on_lru && head.test(Flag::kLru);
      const LruKind kind = Zone::kind_of(head);
      EXPECT_EQ(zone.length(kind), listed ? 3U : 0U);
      if (!listed) continue;
      const auto next = memmap->addresses().page_of_lru(head.word(1), memmap->pages());
      const auto prev = memmap->addresses().page_of_lru(head.word(2), memmap->pages());
      ASSERT_TRUE(next && prev);
      const unsigned first = side == FillSide::kFirst ? 0 : 2;
      EXPECT_EQ(*next, site.neighbours[first]);
      EXPECT_EQ(*prev, site.neighbours[first + 1]);
      ASSERT_TRUE(zone.isolate(head).value);
      ASSERT_EQ(zone.putback(head), Errc::kOk);
    }
  });
}

/// PG_swapbacked is all that tells them apart where the mapping's word is somebody else's.
TEST(Fill, SwapBackedIsFreeToDifferWhereTheMappingSaysWhoseAPageIs) {
  for (const Layout& layout : builtin_layouts()) {
    const auto flag = std::ranges::find(layout.flags, Flag::kSwapBacked, &FlagBit::flag);
    ASSERT_NE(flag, layout.flags.end()) << layout.name;
    for (const PageType type : {kAnon, kDevicePrivateAnon}) {
      const bool is_contested = std::ranges::any_of(layout.fields, [&](const Field& field) {
        return field.kind == FieldKind::kMapping && field.types.has(type) && field.contested;
      });
      EXPECT_EQ(flag_bits(layout, type).variable >> flag->bit & 1, is_contested ? 0U : 1U)
          << layout.name << ", " << kPageTypeNames[static_cast<unsigned>(type)];
    }
  }
}

TEST(Fill, TheOrderInPlaceOfTheLowFlagsOfAFirstTailIsNoFlag) {
  Layout layout = *find_layout("linux-6.12");
  ASSERT_EQ(layout.order_offset, 0U);
  layout.other_flags = {{"low", 7}, {"high", 8}};
  EXPECT_EQ(flag_bits(layout, kTail).live >> 7 & 3, 2U);
  EXPECT_EQ(flag_bits(layout, kAnon).live >> 7 & 3, 3U);
}

TEST(Live, NothingIsFreeInTheWordsOfADevicePrivatePageOf420) {
  for (const PageType type : {kDevicePrivateAnon, kDevicePrivateFile}) {
    const LiveMap map = map_of("linux-4.20", type);
    for (unsigned word = 1; word <= 5; ++word)
      for (unsigned bit = 0; bit < 64; ++bit)
        EXPECT_NE(map.use(word * 64 + bit), BitUse::kFree) << word << ":" << bit;
    EXPECT_TRUE(map.contested().empty());
  }
}

TEST(Live, TheRearrangementFreesTheLruWordsAndOwesTwo) {
  const LiveMap map = map_of("linux-4.20-zd", kDevicePrivateAnon);
  for (unsigned bit = 1; bit < 128; ++bit) EXPECT_EQ(map.use(64 + bit), BitUse::kFree) << bit;
  EXPECT_EQ(owner(map, 1, 0), "PageTail");
  EXPECT_EQ(map.use(64), BitUse::kFixed);
  EXPECT_FALSE(map.value(64, FillSide::kFirst));
  ASSERT_EQ(map.contested().size(), 2U);
  EXPECT_EQ(map.contested()[0], "index");
  EXPECT_EQ(map.contested()[1], "private");
}

TEST(Live, ACountOfPinsIsClaimable) {
  EXPECT_EQ(map_of("linux-4.20-count", kDevicePrivateAnon).use(128), BitUse::kClaimable);
  EXPECT_EQ(map_of("linux-4.20-counter", kAnon).use(56 * 8), BitUse::kClaimable);
  EXPECT_EQ(map_of("linux-6.12", kAnon, true, 9, 1).use(28 * 8), BitUse::kClaimable);
  EXPECT_EQ(map_of("linux-6.12", kAnon).use(52 * 8), BitUse::kShared);
}

TEST(Live, LruWordsAreFreeOffTheLru) {
  const LiveMap on = map_of("linux-4.20", kAnon), off = map_of("linux-4.20", kAnon, false);
  EXPECT_EQ(owner(on, 1, 20), "lru.next");
  EXPECT_EQ(owner(on, 2, 0), "lru.prev");
  EXPECT_EQ(owner(off, 1, 20), "");
  EXPECT_EQ(owner(off, 1, 0), "PageTail");
  EXPECT_EQ(owner(off, 2, 0), "");
}

TEST(Live, LowBitsOfLruPointersHaveOneLegalValue) {
  const LiveMap map = map_of("linux-4.20", kAnon);
  for (const unsigned word : {1U, 2U}) {
    for (unsigned bit = 0; bit < 6; ++bit) {
      EXPECT_EQ(map.use(word * 64 + bit), BitUse::kFixed);
      EXPECT_EQ(map.value(word * 64 + bit, FillSide::kFirst), bit == 3);
    }
    for (unsigned bit = 6; bit < 18; ++bit)
      EXPECT_EQ(map.use(word * 64 + bit), BitUse::kVariable) << bit;
  }
}

TEST(Live, Bit2OfANarrowNeighbourReads1) {
  for (const std::string_view layout : {"linux-4.20-zd-32", "linux-6.12-32"}) {
    const LiveMap map = map_of(layout, kAnon);
    EXPECT_EQ(map.use(32 + 2), BitUse::kFixed);
    EXPECT_TRUE(map.value(32 + 2, FillSide::kFirst));
  }
  // 36 bytes: alternating, so the two fills differ in it
  EXPECT_EQ(map_of("linux-4.20-32", kAnon).use(32 + 2), BitUse::kVariable);
}

TEST(Live, FlagBitsHaveNames) {
  const LiveMap map = map_of("linux-4.20", kAnon);
  EXPECT_EQ(owner(map, 0, 4), "flags.lru");
  EXPECT_EQ(map.use(4), BitUse::kFixed);
  EXPECT_EQ(owner(map, 0, 3), "flags.dirty");
  EXPECT_EQ(map.use(3), BitUse::kVariable);
  EXPECT_EQ(owner(map, 0, 63), "flags.node");
  EXPECT_EQ(owner(map, 0, 57), "flags.zone");
  EXPECT_EQ(map.use(56), BitUse::kFixed);
  EXPECT_EQ(owner(map, 0, 54), "flags.last_cpupid");
  for (unsigned bit = 26; bit < 41; ++bit) EXPECT_EQ(map.use(bit), BitUse::kFree) << bit;
  EXPECT_EQ(owner(map, 0, 41), "flags.last_cpupid");
}

TEST(Live, FreeBitsOfTheFlagsWordAreTheBudget) {
  for_each_case([](const Case& c) {
    const Result<LiveMap> map = LiveMap::create(*c.layout, c.request, c.tail);
    ASSERT_TRUE(map);
    unsigned free = 0;
    for (unsigned bit = 0; bit < c.layout->word_bytes * 8U; ++bit)
      free += map.value.use(bit) == BitUse::kFree ? 1 : 0;
    EXPECT_EQ(free, free_flag_bits(*c.layout));
  });
}

TEST(Live, MapcountCanBeKept) {
  FillRequest request{{.type = kAnon, .mapcount = 3}};
  request.keep_mapcount = true;
  const Result<LiveMap> map = LiveMap::create(*find_layout("linux-6.12"), request);
  ASSERT_TRUE(map);
  EXPECT_EQ(map.value.use(48 * 8), BitUse::kFixed);
  EXPECT_TRUE(map.value.value(48 * 8 + 1, FillSide::kFirst));  // raw 2
  EXPECT_FALSE(map.value.value(48 * 8, FillSide::kSecond));
}

TEST(Live, Masks) {
  const LiveMap map = map_of("linux-4.20", kDevicePrivateAnon);
  EXPECT_EQ(map.mask(BitUse::kShared)[52], 0xff);
  EXPECT_EQ(map.mask(BitUse::kShared)[51], 0);
  EXPECT_EQ(map.mask(BitUse::kFree).size(), 64U);
  EXPECT_EQ(map.mask(BitUse::kVariable)[16], 0xff);  // hmm_data
}

TEST(Live, WhatDoesNotExist) {
  const Layout& layout = *find_layout("linux-6.12");
  EXPECT_EQ(LiveMap::create(layout, {{.type = kDevicePublicAnon}}).error, Errc::kRefused);
  EXPECT_EQ(LiveMap::create(layout, {{.type = kAnon}}, 1).error, Errc::kInval);
  EXPECT_EQ(LiveMap::create(layout, {{.type = kAnon, .order = 9}}, 3).error, Errc::kInval);
}

}  // namespace
}  // namespace pagebox
