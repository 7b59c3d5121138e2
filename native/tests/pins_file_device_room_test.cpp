// What each scheme costs on device pages that stand for pages of files, in each
// layout; docs/file-backed-device-memory.md prints the same table.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "pins/registry.h"
#include "pins/room.h"

namespace {

using namespace pagebox;

std::vector<const Layout*> layouts_with(PageType type) {
  std::vector<const Layout*> found;
  for (const Layout& layout : builtin_layouts())
    if (has_page(layout, type, 0)) found.push_back(&layout);
  return found;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "`" : ", `") + word + "`";
  return out;
}

std::string cell_text(const RoomCell& cell) {
  std::vector<std::string> fields;
  for (const Collision& collision : cell.collisions) fields.push_back(collision.field);
  return fields.empty() ? std::string(kCellKindNames[static_cast<unsigned>(cell.kind)])
                        : joined(fields);
}

RoomCell cell_of(const SchemeSpec& scheme, const Layout& layout, PageType type) {
  const Result<RoomCell> cell = room(scheme, layout, type, 0);
  EXPECT_TRUE(cell) << scheme.name << " on " << layout.name;
  return cell.value;
}

/// A row a scheme, a column a layout; the last row is what the layout itself has no
/// room for.
std::string table(PageType type) {
  const std::vector<const Layout*> layouts = layouts_with(type);
  std::string out = "| scheme |", rule = "| --- |";
  std::string room_row = "| *no room, whatever the scheme* |";
  for (const Layout* layout : layouts) {
    out += " " + layout->name + " |";
    rule += " --- |";
    const auto contested = cell_of(builtin_schemes().front(), *layout, type).contested;
    room_row += " " + (contested.empty() ? "-" : joined(contested)) + " |";
  }
  out += "\n" + rule + "\n";
  for (const SchemeSpec& scheme : builtin_schemes()) {
    out += "| " + scheme.name + " |";
    for (const Layout* layout : layouts)
      out += " " + cell_text(cell_of(scheme, *layout, type)) + " |";
    out += "\n";
  }
  return out + room_row + "\n";
}

TEST(FileDeviceRoom, TheDocumentPrintsWhatTheAnalysisFinds) {
  std::ifstream file(PAGEBOX_ROOT "/docs/file-backed-device-memory.md");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(table(PageType::kDevicePrivateFile)), std::string::npos)
      << table(PageType::kDevicePrivateFile);
}

TEST(FileDeviceRoom, PublicPagesCostTheSameWhereTheyExist) {
  const std::vector<const Layout*> layouts = layouts_with(PageType::kDevicePublicFile);
  EXPECT_EQ(layouts.size(), 4U);
  for (const Layout* layout : layouts)
    for (const SchemeSpec& scheme : builtin_schemes()) {
      const RoomCell in_private = cell_of(scheme, *layout, PageType::kDevicePrivateFile);
      const RoomCell in_public = cell_of(scheme, *layout, PageType::kDevicePublicFile);
      EXPECT_EQ(cell_text(in_private), cell_text(in_public)) << scheme.name << " " << layout->name;
      EXPECT_EQ(in_private.contested, in_public.contested) << layout->name;
    }
}

/// Files and anonymous memory keep the same three words of the page they stand for.
TEST(FileDeviceRoom, AFileNeedsNoWordThatAnonymousMemoryDoesNot) {
  for (const Layout* layout : layouts_with(PageType::kDevicePrivateFile))
    for (const SchemeSpec& scheme : builtin_schemes()) {
      const RoomCell file = cell_of(scheme, *layout, PageType::kDevicePrivateFile);
      const RoomCell anon = cell_of(scheme, *layout, PageType::kDevicePrivateAnon);
      EXPECT_EQ(cell_text(file), cell_text(anon)) << scheme.name << " " << layout->name;
    }
}

/// No scheme that the thread or the kernel chose counts in mapping, index or private:
/// a count put there would take a page's file away.
TEST(FileDeviceRoom, ACountInWhatLeadsToTheFileCollides) {
  for (const std::uint8_t word : {3, 4, 5}) {
    SchemeSpec scheme;
    scheme.name = "count-in-word-" + std::to_string(word);
    scheme.place = CountPlace::kWord;
    scheme.count_word = word;
    scheme.count_bits = 32;
    complete_scheme(scheme);
    const RoomCell cell = cell_of(scheme, *find_layout("linux-4.20"), PageType::kDevicePrivateFile);
    ASSERT_EQ(cell.collisions.size(), 1U) << scheme.name;
    EXPECT_EQ(cell.collisions[0].field, word == 3 ? "mapping" : word == 4 ? "index" : "private");
  }
}

}  // namespace
