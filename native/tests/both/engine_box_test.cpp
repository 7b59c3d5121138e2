#include "tests/both/engine_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

TEST(Box, PopulatesAPageAtItsFirstPin) {
  auto box = TestBox{}.make();
  EXPECT_EQ(box->accounts().state(Pfn{5}), PageState::kNever);
  ASSERT_EQ(box->pin(Pfn{5}), Errc::kOk);
  EXPECT_EQ(box->accounts().state(Pfn{5}), PageState::kInUse);
  EXPECT_EQ(box->type_of(Pfn{5}).value, PageType::kAnon);
  EXPECT_EQ(box->accounts().state(Pfn{6}), PageState::kNever);
  EXPECT_CLEAN(*box);
}

TEST(Box, WithoutPopulateANewPageIsFree) {
  auto box = TestBox{.populate = false}.make();
  EXPECT_EQ(box->pin(Pfn{0}), Errc::kAgain);
  EXPECT_EQ(box->get(Pfn{0}), Errc::kAgain);
  ASSERT_EQ(box->setup(Pfn{0}, {.type = PageType::kFile}), Errc::kOk);
  EXPECT_EQ(box->pin(Pfn{0}), Errc::kOk);
  EXPECT_CLEAN(*box);
}

TEST(Box, RefusesWhatLiesOutside) {
  auto box = TestBox{.pages = 8}.make();
  for (const std::uint64_t pfn : {std::uint64_t{8}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    EXPECT_EQ(box->pin(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->pin_referenced(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->unpin(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->get(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->put(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->isolate(Pfn{pfn}).error, Errc::kRange);
    EXPECT_EQ(box->putback(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->release(Pfn{pfn}), Errc::kRange);
    EXPECT_EQ(box->setup(Pfn{pfn}, {}), Errc::kRange);
    EXPECT_EQ(box->maybe_pinned(Pfn{pfn}).error, Errc::kRange);
    EXPECT_EQ(box->pins(Pfn{pfn}).error, Errc::kRange);
    EXPECT_EQ(box->words(Pfn{pfn}).error, Errc::kRange);
    EXPECT_EQ(box->type_of(Pfn{pfn}).error, Errc::kRange);
    EXPECT_EQ(box->head_of(Pfn{pfn}).error, Errc::kRange);
  }
  EXPECT_EQ(box->pin(Pfn{7}, 0), Errc::kInval);
  EXPECT_EQ(box->get(Pfn{7}, 0x80000000U), Errc::kInval);
  EXPECT_EQ(audit_of(*box).pages, 0U) << "a refusal touches nothing";
}

TEST(Box, TheLedgerRefusesAWrongUnpinBeforeTheDescriptorIsTouched) {
  auto box = TestBox{}.make();
  ASSERT_EQ(box->pin(Pfn{1}, 2), Errc::kOk);
  const auto before = box->words(Pfn{1}).value.words;
  EXPECT_EQ(box->unpin(Pfn{1}, 3), Errc::kNotPinned);
  EXPECT_EQ(box->put(Pfn{1}), Errc::kNotReferenced);
  EXPECT_EQ(box->unpin(Pfn{2}), Errc::kNotPinned);
  EXPECT_EQ(box->words(Pfn{1}).value.words, before);
  EXPECT_EQ(box->unpin(Pfn{1}, 2), Errc::kOk);
  EXPECT_EQ(box->unpin(Pfn{1}), Errc::kNotPinned);
  EXPECT_CLEAN(*box);
}

TEST(Box, ReleasedPageLivesUntilTheLastPinGoes) {
  auto box = TestBox{}.make();
  ASSERT_EQ(box->pin(Pfn{3}), Errc::kOk);
  ASSERT_EQ(box->get(Pfn{3}), Errc::kOk);
  ASSERT_EQ(box->release(Pfn{3}), Errc::kOk);
  EXPECT_EQ(box->release(Pfn{3}), Errc::kAgain);
  EXPECT_EQ(box->accounts().state(Pfn{3}), PageState::kReleased);
  EXPECT_CLEAN(*box);
  ASSERT_EQ(box->put(Pfn{3}), Errc::kOk);
  EXPECT_EQ(box->setup(Pfn{3}, {}), Errc::kBusy);
  ASSERT_EQ(box->unpin(Pfn{3}), Errc::kOk);
  EXPECT_EQ(box->accounts().state(Pfn{3}), PageState::kFree);
  EXPECT_EQ(box->pin(Pfn{3}), Errc::kAgain);
  EXPECT_CLEAN(*box);
  EXPECT_EQ(box->setup(Pfn{3}, {.type = PageType::kFile}), Errc::kOk);
  EXPECT_EQ(box->pin(Pfn{3}), Errc::kOk);
  EXPECT_CLEAN(*box);
}

TEST(Box, SetupOfAHeldPageChangesNothing) {
  auto box = TestBox{}.make();
  ASSERT_EQ(box->setup(Pfn{8}, {.type = PageType::kAnon, .order = 2}), Errc::kOk);
  ASSERT_EQ(box->pin(Pfn{11}), Errc::kOk);  // a tail: the pin goes to the head
  ASSERT_EQ(box->pin(Pfn{13}), Errc::kOk);
  const auto head = box->words(Pfn{8}).value.words;
  EXPECT_EQ(box->setup(Pfn{8}, {}), Errc::kBusy);
  EXPECT_EQ(box->setup(Pfn{9}, {}), Errc::kBusy) << "its folio reaches out of the range";
  EXPECT_EQ(box->setup(Pfn{8}, {.order = 3}), Errc::kBusy);
  EXPECT_EQ(box->words(Pfn{8}).value.words, head);
  EXPECT_CLEAN(*box);
  ASSERT_EQ(box->unpin(Pfn{8}), Errc::kOk);
  ASSERT_EQ(box->unpin(Pfn{13}), Errc::kOk);
  EXPECT_EQ(box->setup(Pfn{8}, {.order = 3}), Errc::kOk);
  EXPECT_EQ(box->head_of(Pfn{15}).value, Pfn{8});
  EXPECT_CLEAN(*box);
}

TEST(Box, SetupNamesWhatIsWrong) {
  auto box = TestBox{}.make();
  EXPECT_EQ(box->setup(Pfn{1}, {.order = 1}), Errc::kInval);
  EXPECT_EQ(box->setup(Pfn{0}, {.type = PageType::kTail}), Errc::kInval);
  EXPECT_EQ(box->setup(Pfn{0}, {.order = 40}), Errc::kInval);
  EXPECT_EQ(box->setup(Pfn{0}, {.type = PageType::kDevicePublicAnon}), Errc::kRefused);
  EXPECT_EQ(box->setup_range(Pfn{0}, 65, {}), Errc::kRange);
  EXPECT_EQ(box->setup_range(Pfn{0}, 3, {.order = 1}), Errc::kInval);
  EXPECT_CLEAN(*box);
}

TEST(Box, IsolatedPageIsOffItsListUntilPutBack) {
  auto box = TestBox{}.make();
  ASSERT_EQ(box->setup(Pfn{0}, {}), Errc::kOk);
  EXPECT_EQ(box->putback(Pfn{0}), Errc::kInval);
  EXPECT_TRUE(box->isolate(Pfn{0}).value);
  EXPECT_FALSE(box->isolate(Pfn{0}).value);
  EXPECT_FALSE(box->memmap().page(Pfn{0}).test(Flag::kLru));
  EXPECT_CLEAN(*box);
  EXPECT_EQ(box->setup(Pfn{0}, {}), Errc::kBusy);
  EXPECT_EQ(box->putback(Pfn{0}), Errc::kOk);
  EXPECT_EQ(box->putback(Pfn{0}), Errc::kInval);
  EXPECT_TRUE(box->memmap().page(Pfn{0}).test(Flag::kLru));
  EXPECT_CLEAN(*box);
}

TEST(Box, ResetIsANewBox) {
  auto box = TestBox{.scheme = "side-table"}.make();
  ASSERT_EQ(box->pin(Pfn{9}, 5), Errc::kOk);
  ASSERT_EQ(box->get(Pfn{10}), Errc::kOk);
  EXPECT_EQ(box->reset(), Errc::kOk);
  EXPECT_EQ(audit_of(*box).pages, 0U);
  EXPECT_EQ(box->unpin(Pfn{9}), Errc::kNotPinned);
  EXPECT_EQ(box->pin(Pfn{9}), Errc::kOk);
  EXPECT_EQ(box->pins(Pfn{9}).value.pins, 1U);
  EXPECT_CLEAN(*box);
}

TEST(Box, SettingsOutOfRangeAreNamed) {
  BoxSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount");
  std::shared_ptr<Box> box;
  std::string reason;
  EXPECT_EQ(Box::create(settings, box, &reason), Errc::kInval);
  EXPECT_NE(reason.find("pages"), std::string::npos);
  settings.pages = (std::uint64_t{1} << 32) + 1;
  EXPECT_EQ(Box::create(settings, box, &reason), Errc::kInval);
  settings.pages = 1;
  settings.shards = 0;
  EXPECT_EQ(Box::create(settings, box, &reason), Errc::kInval);
  EXPECT_NE(reason.find("shards"), std::string::npos);
  settings.shards = 1;
  settings.layout = *find_layout("linux-6.12-32");
  settings.scheme = *find_scheme("packed-64");
  EXPECT_EQ(Box::create(settings, box, &reason), Errc::kRefused);
  EXPECT_FALSE(reason.empty());
  EXPECT_EQ(box, nullptr);
}

class EveryScheme : public ::testing::TestWithParam<SchemeSpec> {};

TEST_P(EveryScheme, PinsAndUnpinsEveryTypeThatFitsAndStaysClean) {
  auto box = TestBox{.scheme = GetParam().name, .pages = 32}.make();
  for (const PageSetup& setup :
       {PageSetup{.type = PageType::kAnon}, PageSetup{.type = PageType::kFile},
        PageSetup{.type = PageType::kAnon, .order = 2},
        PageSetup{.type = PageType::kAnon, .mapcount = 3, .on_lru = false}}) {
    EXPECT_EQ(box->reset(), Errc::kOk);
    ASSERT_EQ(box->setup_range(Pfn{0}, 32, setup), Errc::kOk);
    EXPECT_CLEAN(*box);
    for (std::uint64_t pfn = 0; pfn < 32; ++pfn) ASSERT_EQ(box->pin(Pfn{pfn}), Errc::kOk);
    ASSERT_EQ(box->pin(Pfn{0}, 3), Errc::kOk);
    EXPECT_TRUE(box->maybe_pinned(Pfn{0}).value);
    EXPECT_CLEAN(*box);
    for (std::uint64_t pfn = 0; pfn < 32; ++pfn) ASSERT_EQ(box->unpin(Pfn{pfn}), Errc::kOk);
    ASSERT_EQ(box->unpin(Pfn{0}, 3), Errc::kOk);
    EXPECT_EQ(box->unpin(Pfn{0}), Errc::kNotPinned);
    EXPECT_CLEAN(*box);
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, EveryScheme, ::testing::ValuesIn(builtin_schemes()),
                         parameter_name);

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
