// Names of processes: a thread finds the process that it calls so, whoever has forked and
// whoever has exited since it last looked.
#include <gtest/gtest.h>

#include "engine/box/sandbox.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Named {
  Named() {
    SandboxSettings settings;
    settings.layout = *find_layout("linux-6.12");
    settings.scheme = *find_scheme("refcount-bias");
    settings.threads = 2;
    EXPECT_EQ(Sandbox::create(settings, sandbox), Errc::kOk);
    Op map;
    map.code = OpCode::kMmap;
    map.pages = 1;
    map.prot = kProtRead | kProtWrite;
    EXPECT_EQ(run(0, map), Errc::kOk);
  }
  Errc run(unsigned thread, const Op& op) { return sandbox->interpreter(thread).run(op).ret; }
  Errc run(unsigned thread, OpCode code, std::uint32_t proc, std::uint32_t child = 0) {
    Op op;
    op.code = code;
    op.proc = proc;
    op.child = child;
    return run(thread, op);
  }
  Errc store(unsigned thread, std::uint32_t proc, std::uint64_t value) {
    Op op;
    op.code = OpCode::kStore;
    op.proc = proc;
    op.value = value;
    return run(thread, op);
  }
  /// 0: there is no such process.
  std::uint64_t load(unsigned thread, std::uint32_t proc) {
    Op op;
    op.code = OpCode::kLoad;
    op.proc = proc;
    const OpRecord record = sandbox->interpreter(thread).run(op);
    return record.v.empty() ? 0 : record.v[0];
  }
  std::unique_ptr<Sandbox> sandbox;
};

class Names : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Names, OfEverybodyGoWithTheirProcess) {
  Named at;
  const std::uint32_t name = GetParam();
  EXPECT_EQ(at.store(0, 0, 1), Errc::kOk);
  EXPECT_EQ(at.run(0, OpCode::kFork, 0, name), Errc::kOk);
  EXPECT_EQ(at.store(1, name, 2), Errc::kOk);
  EXPECT_EQ(at.load(2, name), 2U);
  EXPECT_EQ(at.load(1, 0), 1U);
  EXPECT_EQ(at.run(1, OpCode::kFork, 0, name), Errc::kExist);
  EXPECT_EQ(at.run(2, OpCode::kExit, name), Errc::kOk);
  EXPECT_EQ(at.store(1, name, 3), Errc::kInval);
  EXPECT_EQ(at.run(1, OpCode::kExit, name), Errc::kInval);
  // A thread's own one is nobody else's, and everybody's comes again under the old name.
  EXPECT_EQ(at.run(1, OpCode::kFork, 0, name), Errc::kOk);
  EXPECT_EQ(at.store(1, name, 4), Errc::kOk);
  EXPECT_EQ(at.store(2, name, 5), Errc::kInval);
  EXPECT_EQ(at.run(0, OpCode::kFork, 0, name), Errc::kOk);
  EXPECT_EQ(at.load(2, name), 1U);
  EXPECT_EQ(at.load(1, name), 4U);
  EXPECT_EQ(at.run(1, OpCode::kExit, name), Errc::kOk);
  EXPECT_EQ(at.load(1, name), 1U);
}

TEST_P(Names, OfThreadsBecomeEverybodys) {
  Named at;
  const std::uint32_t name = GetParam();
  EXPECT_EQ(at.store(0, 0, 1), Errc::kOk);
  EXPECT_EQ(at.run(2, OpCode::kFork, 0, name), Errc::kOk);
  EXPECT_EQ(at.store(2, name, 7), Errc::kOk);
  EXPECT_EQ(at.load(0, name), 0U);
  at.sandbox->processes().join_names();
  EXPECT_EQ(at.load(0, name), 7U);
  EXPECT_EQ(at.load(2, name), 7U);
}

/// Of pins too: a thread's own, and else the setup's.
TEST(NamesOfPins, AreAThreadsOwnAndElseTheSetups) {
  Named at;
  EXPECT_EQ(at.store(0, 0, 7), Errc::kOk);
  const auto of = [&](unsigned thread, OpCode code, std::int64_t id) {
    Op op;
    op.code = code;
    op.id = id;
    op.via = PinVia::kUring;
    return at.run(thread, op);
  };
  EXPECT_EQ(of(0, OpCode::kPin, 1), Errc::kOk);
  EXPECT_EQ(of(1, OpCode::kPin, 2), Errc::kOk);
  EXPECT_EQ(of(1, OpCode::kPinRead, 1), Errc::kOk);
  EXPECT_EQ(of(1, OpCode::kPinRead, 2), Errc::kOk);
  EXPECT_EQ(of(2, OpCode::kPinRead, 2), Errc::kInval);
  EXPECT_EQ(of(0, OpCode::kPinRead, 2), Errc::kInval);
  EXPECT_EQ(of(1, OpCode::kUnpin, 2), Errc::kOk);
  EXPECT_EQ(of(0, OpCode::kUnpin, 1), Errc::kOk);
}

// From the first numbers on, and beyond those that have a slot.
INSTANTIATE_TEST_SUITE_P(Numbers, Names,
                         ::testing::Values(1U, 9U, 102U, 1023U, 1024U, 4294967295U));

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
