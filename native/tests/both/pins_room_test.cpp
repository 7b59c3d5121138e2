// Table and probe agree in every cell, and say what the thread said.
#include <gtest/gtest.h>

#include <map>

#include "pins/probe.h"
#include "pins/registry.h"
#include "pins/room.h"
#include "tests/both/pins_room_text.h"

namespace {

using namespace pagebox;

RoomCell room_of(const char* scheme, const char* layout, PageType type, unsigned order = 0) {
  const Result<RoomCell> cell = room(*find_scheme(scheme), *find_layout(layout), type, order);
  EXPECT_TRUE(cell);
  return cell.value;
}

std::uint64_t mask_of(const RoomCell& cell, const std::string& field) {
  for (const Collision& collision : cell.collisions)
    if (collision.field == field) return collision.mask;
  return 0;
}

TEST(PinsRoom, TableAndProbeAgreeInEveryCell) {
  std::map<CellKind, unsigned> kinds;
  for (const SchemeSpec& scheme : builtin_schemes()) {
    for (const Layout& layout : builtin_layouts()) {
      for (unsigned type = 0; type < kPageTypes; ++type) {
        for (const unsigned order : {0U, 1U, 9U}) {
          const auto page_type = static_cast<PageType>(type);
          const Result<RoomCell> table = room(scheme, layout, page_type, order);
          const Result<RoomCell> probed = probe(scheme, layout, page_type, order);
          ASSERT_TRUE(table);
          const std::string at = scheme.name + " on " + layout.name + ", " +
                                 std::string(kPageTypeNames[type]) + " of order " +
                                 std::to_string(order);
          ASSERT_TRUE(probed) << at << ": " << errc_name(probed.error);
          EXPECT_EQ(text(table.value), text(probed.value)) << at;
          ++kinds[table.value.kind];
        }
      }
    }
  }
  for (const CellKind kind :
       {CellKind::kImpossible, CellKind::kRefused, CellKind::kFits, CellKind::kCollides})
    EXPECT_GT(kinds[kind], 0U) << kCellKindNames[static_cast<unsigned>(kind)];
}

TEST(PinsRoom, TheListOverlayCorruptsPgmapAndHmmDataIn420) {
  for (const PageType type :
       {PageType::kDevicePrivateAnon, PageType::kDevicePrivateFile, PageType::kDevicePublicAnon,
        PageType::kDevicePublicFile, PageType::kFsdax, PageType::kDevdax, PageType::kP2pdma}) {
    const RoomCell cell = room_of("lru-overlay", "linux-4.20", type);
    EXPECT_EQ(cell.kind, CellKind::kCollides);
    EXPECT_EQ(mask_of(cell, "pgmap"), 2U) << "the pinned flag";
    EXPECT_EQ(mask_of(cell, "hmm_data"), 0xffffffffU) << "the count";
    EXPECT_EQ(cell.collisions.size(), 2U);
  }
}

TEST(PinsRoom, TheRearrangedLayoutMakesRoomForTheListOverlay) {
  const RoomCell cell = room_of("lru-overlay", "linux-4.20-zd", PageType::kDevicePrivateAnon);
  EXPECT_EQ(cell.kind, CellKind::kFits);
  EXPECT_EQ(cell.contested, (std::vector<std::string>{"index", "private"}));
}

TEST(PinsRoom, OrdinaryPagesHaveRoomForEveryScheme) {
  for (const Layout& layout : builtin_layouts())
    for (const SchemeSpec& scheme : builtin_schemes())
      for (const PageType type : {PageType::kAnon, PageType::kFile}) {
        const Result<RoomCell> cell = room(scheme, layout, type, 0);
        ASSERT_TRUE(cell);
        EXPECT_NE(cell.value.kind, CellKind::kCollides) << scheme.name << " on " << layout.name;
      }
}

TEST(PinsRoom, TheBiasFitsEverywhere) {
  for (const Layout& layout : builtin_layouts())
    for (unsigned type = 0; type < kPageTypes; ++type)
      for (const unsigned order : {0U, 9U}) {
        const auto page_type = static_cast<PageType>(type);
        if (!has_page(layout, page_type, order) || page_type == PageType::kFree) continue;
        const Result<RoomCell> cell = room(*find_scheme("refcount-bias"), layout, page_type, order);
        ASSERT_TRUE(cell);
        EXPECT_EQ(cell.value.kind, CellKind::kFits) << layout.name << " " << type;
        EXPECT_EQ(cell.value.claimed_bits, 0U);
      }
}

TEST(PinsRoom, RefusalsSayWhy) {
  EXPECT_NE(room_of("packed-64", "linux-4.20-32", PageType::kAnon).reason.find("32-bit"),
            std::string::npos);
  EXPECT_NE(room_of("flag-and-word", "linux-4.20-32", PageType::kAnon).reason.find("page->flags"),
            std::string::npos);
  EXPECT_NE(room_of("mapcount-overlay", "linux-6.12", PageType::kSlab).reason.find("slab"),
            std::string::npos);
  EXPECT_NE(room_of("refcount", "linux-6.12", PageType::kFree).reason.find("free"),
            std::string::npos);
  EXPECT_EQ(room_of("refcount", "linux-4.20-32", PageType::kFsdax).kind, CellKind::kImpossible);
}

// Declared schemes, over words that are live in other ways than the list words.
TEST(PinsRoom, CustomSchemesAgreeToo) {
  std::vector<SchemeSpec> customs;
  for (std::uint8_t word = 1; word <= 5; ++word) {
    if (word != 1) {
      SchemeSpec add;
      add.name = "add-" + std::to_string(word);
      add.place = CountPlace::kWord;
      add.count_word = word;
      add.count_bits = 32;
      customs.push_back(add);
      SchemeSpec flag = add;
      flag.name = "flag-" + std::to_string(word);
      flag.protocol = Protocol::kFlagAndWord;
      flag.pinned = {0, FlagPlace::kLowestFree};
      customs.push_back(flag);
    }
    SchemeSpec packed;
    packed.name = "packed-" + std::to_string(word);
    packed.protocol = Protocol::kPackedWord;
    packed.place = CountPlace::kWord;
    packed.count_word = word;
    packed.count_shift = 6;
    packed.count_bits = 20;
    packed.packed_bits = 32;
    packed.pinned = {word, 1};
    customs.push_back(packed);
  }
  for (SchemeSpec& scheme : customs) {
    complete_scheme(scheme);
    for (const SchemeProblem& problem : check_scheme(scheme))
      ADD_FAILURE() << scheme.name << ": " << problem.field << " " << problem.what;
    for (const Layout& layout : builtin_layouts())
      for (unsigned type = 0; type < kPageTypes; ++type) {
        const auto page_type = static_cast<PageType>(type);
        const unsigned order = min_order(page_type);
        const Result<RoomCell> table = room(scheme, layout, page_type, order);
        const Result<RoomCell> probed = probe(scheme, layout, page_type, order);
        ASSERT_TRUE(table);
        const std::string at =
            scheme.name + " on " + layout.name + ", " + std::string(kPageTypeNames[type]);
        ASSERT_TRUE(probed) << at << ": " << errc_name(probed.error);
        EXPECT_EQ(text(table.value), text(probed.value)) << at;
      }
  }
}

}  // namespace
