// Range faults and the sequence numbers that say how long they hold.
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

class Watcher final : public IntervalNotifier {
 public:
  Watcher(Mm& mm, std::uint64_t start, std::uint64_t end) : IntervalNotifier(mm, start, end) {
    insert();
  }
  ~Watcher() { remove(); }
  std::vector<NotifierRange> heard;

 private:
  void invalidate(Cpu&, const NotifierRange& range, std::uint64_t seq) override {
    EXPECT_EQ(seq % 2, 1U);
    set_seq(seq);
    heard.push_back(range);
  }
};

struct Hmm : ::testing::Test {
  DeviceBox box{DeviceMemory::kPrivate};
  std::unique_ptr<Mm> mm = box.create_mm(4);
  HmmPfn pfns[4];

  HmmRange range(const Watcher& watcher, std::uint64_t pages) {
    HmmRange out;
    out.notifier = &watcher;
    out.notifier_seq = watcher.read_begin();
    out.start = kBase;
    out.end = kBase + pages * kPageBytes;
    out.pfns = std::span(pfns).first(pages);
    return out;
  }
  Errc fault(HmmRange& range) {
    SharedGuard guard(mm->mmap_lock);
    return hmm_range_fault(box.cpu(), range);
  }
};

TEST_F(Hmm, ASnapshotFaultsNothingIn) {
  box.fill(*mm, 1, 5);
  {
    Watcher watcher(*mm, kBase, kBase + 4 * kPageBytes);
    HmmRange all = range(watcher, 4);
    ASSERT_EQ(fault(all), Errc::kOk);
    EXPECT_TRUE(pfns[0].valid() && pfns[0].write());
    EXPECT_EQ(box.machine->frames.word(pfns[0].pfn()), 5U);
    EXPECT_FALSE(pfns[1].valid() || pfns[1].error());
    EXPECT_TRUE(watcher.heard.empty());
  }
  box.exit(*mm);
}

TEST_F(Hmm, AnExitLetsGoOfWhoListens) {
  auto watcher = std::make_unique<Watcher>(*mm, kBase, kBase + 4 * kPageBytes);
  EXPECT_TRUE(watcher->watches(*mm));
  EXPECT_EQ(mm->notifiers.listeners(), 1U);
  box.exit(*mm);
  EXPECT_FALSE(watcher->watches(*mm));
  EXPECT_EQ(mm->notifiers.listeners(), 0U);
  mm.reset();
  watcher.reset();  // asks nothing of what is gone
}

TEST_F(Hmm, TheMaskLetsEachPageAskForItself) {
  {
    Watcher watcher(*mm, kBase, kBase + 4 * kPageBytes);
    HmmRange two = range(watcher, 2);
    two.pfn_flags_mask = HmmPfn::kReqFault | HmmPfn::kReqWrite;
    pfns[0].value = HmmPfn::kReqFault | HmmPfn::kReqWrite;
    pfns[1].value = 0;
    // A fault fills the rest of the vma's part too, as in the kernel.
    ASSERT_EQ(fault(two), Errc::kOk);
    EXPECT_TRUE(pfns[0].valid() && pfns[0].write());
  }
  box.exit(*mm);
}

TEST_F(Hmm, AsksInVainWhereNothingCanBe) {
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kBase, 1, kVmRead), Errc::kOk);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kBase + kPageBytes, 1, 0), Errc::kOk);
  {
    Watcher watcher(*mm, kBase, kBase + 4 * kPageBytes);
    HmmRange one = range(watcher, 1);
    one.default_flags = HmmPfn::kReqFault | HmmPfn::kReqWrite;
    EXPECT_EQ(fault(one), Errc::kPerm);
    HmmRange two = range(watcher, 2);
    two.default_flags = HmmPfn::kReqFault;
    EXPECT_EQ(fault(two), Errc::kFault);
    two.default_flags = 0;
    EXPECT_EQ(fault(two), Errc::kOk);
    EXPECT_TRUE(pfns[1].error());
  }
  box.exit(*mm);
}

TEST_F(Hmm, AChangeOfTheRangeIsHeardAndMakesTheReaderRetry) {
  box.fill(*mm, 4, 1);
  {
    Watcher watcher(*mm, kBase, kBase + 2 * kPageBytes);
    const std::uint64_t seq = watcher.read_begin();
    ASSERT_EQ(do_munmap(box.cpu(), *mm, kBase + 2 * kPageBytes, 1), Errc::kOk);
    EXPECT_FALSE(watcher.read_retry(seq));  // not its range
    ASSERT_EQ(do_munmap(box.cpu(), *mm, kBase + kPageBytes, 1), Errc::kOk);
    EXPECT_TRUE(watcher.read_retry(seq));
    ASSERT_EQ(watcher.heard.size(), 1U);
    EXPECT_EQ(watcher.heard[0].start, kBase + kPageBytes);
    const std::uint64_t again = watcher.read_begin();  // the change is over: no waiting
    EXPECT_FALSE(watcher.read_retry(again));
    HmmRange stale = range(watcher, 1);
    stale.notifier_seq = seq;
    EXPECT_EQ(fault(stale), Errc::kBusy);
  }
  box.exit(*mm);
}

TEST_F(Hmm, PrivatePagesOfTheOwnerAreReportedOthersAreFetched) {
  box.fill(*mm, 1, 9);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  {
    Watcher watcher(*mm, kBase, kBase + kPageBytes);
    HmmRange own = range(watcher, 1);
    own.default_flags = HmmPfn::kReqFault;
    own.dev_private_owner = box.device.get();
    ASSERT_EQ(fault(own), Errc::kOk);
    EXPECT_TRUE(box.machine->is_device_private(pfns[0].pfn()));
    HmmRange other = range(watcher, 1);
    other.default_flags = HmmPfn::kReqFault;
    other.dev_private_owner = mm.get();
    // Bringing the page back changes the range: start again, then it is there.
    Errc error = fault(other);
    for (; error == Errc::kBusy; error = fault(other)) other.notifier_seq = watcher.read_begin();
    ASSERT_EQ(error, Errc::kOk);
    EXPECT_FALSE(box.machine->is_zone_device(pfns[0].pfn()));
    EXPECT_EQ(box.machine->frames.word(pfns[0].pfn()), 9U);
  }
  mirror->close(box.cpu());
  box.exit(*mm);
}

}  // namespace
}  // namespace pagebox::testing
