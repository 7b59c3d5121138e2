// What check_layout() finds in a layout that a user declared wrongly.
#include <gtest/gtest.h>

#include "page/layout.h"

namespace pagebox {
namespace {

Layout good() { return *find_layout("linux-6.12"); }

Field& field(Layout& layout, std::string_view name) {
  for (Field& each : layout.fields)
    if (each.name == name) return each;
  ADD_FAILURE() << name;
  return layout.fields.front();
}

/// Whether exactly the problems of these fields are found.
::testing::AssertionResult finds(const Layout& layout, std::string_view name,
                                 std::string_view words) {
  const auto problems = check_layout(layout);
  for (const LayoutProblem& problem : problems)
    if (problem.field == name && problem.what.find(words) != std::string::npos)
      return ::testing::AssertionSuccess();
  ::testing::AssertionResult failed = ::testing::AssertionFailure();
  failed << "found " << problems.size();
  for (const LayoutProblem& problem : problems)
    failed << "\n  " << problem.field << " " << problem.other << ": " << problem.what;
  return failed;
}

TEST(LayoutCheck, Overlap) {
  Layout layout = good();
  field(layout, "index").offset_bytes = 24;
  const auto problems = check_layout(layout);
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems[0].field, "mapping");
  EXPECT_EQ(problems[0].other, "index");
  EXPECT_EQ(problems[0].what, "overlap on anon");
  field(layout, "index").contested = true;
  EXPECT_TRUE(check_layout(layout).empty());
}

TEST(LayoutCheck, FieldsOutsideTheDescriptor) {
  Layout layout = good();
  field(layout, "memcg_data").offset_bytes = 64;
  EXPECT_TRUE(finds(layout, "memcg_data", "beyond the stride of 64"));
}

TEST(LayoutCheck, StrideAndWord) {
  Layout layout = good();
  layout.stride_bytes = 68;
  EXPECT_TRUE(finds(layout, "stride_bytes", "multiple"));
  layout.stride_bytes = 0;
  EXPECT_TRUE(finds(layout, "stride_bytes", "allowed"));
  layout = good();
  layout.word_bytes = 2;
  EXPECT_TRUE(finds(layout, "word_bytes", "4 or 8"));
  layout = good();
  layout.types = {};
  EXPECT_TRUE(finds(layout, "types", "empty"));
}

TEST(LayoutCheck, FlagsThatShareABit) {
  Layout layout = good();
  layout.flags[3].bit = layout.flags[4].bit;
  EXPECT_TRUE(finds(layout, "dirty", "share bit 4"));
  layout = good();
  layout.flags[3].bit = 63;
  EXPECT_TRUE(finds(layout, "uptodate", "share bit 63 of page->flags"));
  layout.flags[3].bit = 64;
  EXPECT_TRUE(finds(layout, "uptodate", "beyond the word"));
  layout = good();
  layout.flags.push_back({Flag::kLru, 30});
  EXPECT_TRUE(finds(layout, "lru", "twice"));
}

TEST(LayoutCheck, HighFieldsThatDoNotFit) {
  Layout layout = good();
  layout.kconfig.section_bits = 19;  // x86-64 classic sparse
  EXPECT_FALSE(check_layout(layout).empty());
  layout.kconfig.section_bits = 60;
  EXPECT_TRUE(finds(layout, "kconfig", "high fields need"));
  layout = good();
  layout.kconfig.zone_bits = 2;
  EXPECT_TRUE(finds(layout, "kconfig", "3 zone bits"));
}

TEST(LayoutCheck, TheCountsMustExist) {
  for (const std::string_view name : {"flags", "_mapcount", "_refcount"}) {
    Layout layout = good();
    std::erase_if(layout.fields, [&](const Field& each) { return each.name == name; });
    EXPECT_TRUE(finds(layout, name, "missing on")) << name;
  }
  Layout layout = good();
  layout.refcount_offset = layout.mapcount_offset;
  EXPECT_TRUE(finds(layout, "mapcount_offset", "are the same"));
}

TEST(LayoutCheck, PageTailIsNobodyElses) {
  Layout layout = good();
  field(layout, "compound_head").types = types(PageType::kAnon);
  EXPECT_TRUE(finds(layout, "compound_head", "for tails"));
  layout = good();
  field(layout, "compound_head").offset_bytes = 32;
  EXPECT_TRUE(finds(layout, "compound_head", "lies in word 1"));
  layout = good();
  field(layout, "zone_device_data").offset_bytes = 8;
  field(layout, "zone_device_data").kind = FieldKind::kCount;
  EXPECT_TRUE(finds(layout, "zone_device_data", "bit 0 of word 1"));
}

TEST(LayoutCheck, PincountLiesInItsTail) {
  Layout layout = good();
  layout.pincount.offset_bytes = 36;
  EXPECT_TRUE(finds(layout, "pincount", "names no field"));
  layout.pincount = {.tail = 1024, .offset_bytes = 28, .min_order = 10};
  EXPECT_TRUE(finds(layout, "pincount", "allowed: 0 to 1023"));
  layout.pincount = {.tail = 2, .offset_bytes = 28, .min_order = 1};
  EXPECT_TRUE(finds(layout, "pincount", "has no page[2]"));
}

TEST(LayoutCheck, MalformedFields) {
  Layout layout = good();
  field(layout, "index").name = "";
  EXPECT_TRUE(finds(layout, "", "no name"));
  layout = good();
  field(layout, "index").bits = 0;
  EXPECT_TRUE(finds(layout, "index", "no bits"));
  layout = good();
  field(layout, "inuse").shift = 56;
  EXPECT_TRUE(finds(layout, "inuse", "crosses"));
  layout = good();
  field(layout, "mapping").bits = 32;
  EXPECT_TRUE(finds(layout, "mapping", "fills an aligned word"));
  layout = good();
  field(layout, "_pincount").offset_bytes = 30;
  EXPECT_TRUE(finds(layout, "_pincount", "crosses"));
  layout = good();
  layout.order_offset = 40;
  EXPECT_TRUE(finds(layout, "order_offset", "first tail"));
}

TEST(LayoutCheck, EmptyLayoutDoesNotCrash) { EXPECT_FALSE(check_layout(Layout{}).empty()); }

}  // namespace
}  // namespace pagebox
