// Who frees or freezes a page while somebody's pin is complete, told by what all threads hold.
#include "engine/scenario/pin_witness.h"

#include <gtest/gtest.h>

#include "engine/scenario/page_thread.h"
#include "tests/both/engine_fixture.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct PinWitnesses : ::testing::Test {
  std::shared_ptr<Box> box = TestBox{.ledger = false}.make();
  PinWitness witness;
  PageThread thread{*box, 0, true, Pages::kComeAndGo, 1};

  void SetUp() override {
    ASSERT_EQ(PinWitness::create(box->memmap().pages(), witness), Errc::kOk);
    thread.set_witness(&witness);
    for (const std::uint64_t pfn : {3U, 4U, 5U}) ASSERT_EQ(box->setup(Pfn{pfn}, {}), Errc::kOk);
  }
  /// What the thread has to tell, in words.
  std::string told() const {
    AuditReport report;
    AuditSink sink(report, 8);
    thread.tell_broken(sink);
    return text_of(report);
  }
};

TEST_F(PinWitnesses, APageThatIsFrozenBesideAPinOfAnother) {
  ASSERT_EQ(thread.freeze(Pfn{3}), Errc::kOk);
  EXPECT_EQ(told(), "");
  // One that took no reference, as a broken scheme's.
  witness.taken(Pfn{3}, 1);
  ASSERT_EQ(thread.freeze(Pfn{3}), Errc::kOk);
  EXPECT_EQ(told(),
            "pinned-stays at page 3 _refcount: expected 1, found 0 (frozen for migration while a "
            "pin was held)\n");
}

TEST_F(PinWitnesses, APageThatIsFreedBesideAPinOfAnother) {
  witness.taken(Pfn{4}, 1);
  witness.returning(Pfn{4}, 1);
  ASSERT_EQ(thread.release(Pfn{4}), Errc::kOk);
  EXPECT_EQ(told(), "");
  witness.taken(Pfn{5}, 1);
  ASSERT_EQ(thread.release(Pfn{5}), Errc::kOk);
  EXPECT_EQ(told(),
            "pinned-stays at page 5 _refcount: expected 1, found 0 (freed while a pin was held)\n");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
