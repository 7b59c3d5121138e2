// The machine on which a subject's schedules run: made once and kept, or made anew for each.
#include <algorithm>
#include <memory>

#include "engine/scenario/in_order.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/program.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/subject.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// With huge pages: what one more of them needs, of RAM and of all devices (times four).
constexpr std::uint64_t kHugeRam = 1024, kHugeDevices = 1024;

}  // namespace

Errc Subject::prepare(std::string* reason) {
  {
    const UseRunMemory use(memory_.get());
    LivelockWatch watch;
    const PatienceScope alone(watch);
    std::unique_ptr<Sandbox> sandbox;
    std::string why;
    watch.watch(nullptr, 0);
    const Errc error = make(sandbox, &why);
    if (sandbox != nullptr) kept_ = sandbox.release();
    if (kept_ != nullptr) kept_state_ = new_state(*kept_);
    const OutsideRunMemory outside;
    if (error != Errc::kOk) {
      if (reason != nullptr) reason->assign(why.data(), why.size());
      kept_ = nullptr;
      kept_state_ = nullptr;
      return error;
    }
    for (const Livelock& found : watch.take()) {
      setup_livelock_ = livelock_text(found);
      break;
    }
  }
  if (memory_->keep()) return Errc::kOk;
  // So large that it is made anew as quickly.
  kept_ = nullptr;
  kept_state_ = nullptr;
  memory_.reset();
  return Errc::kOk;
}

Errc Subject::make(std::unique_ptr<Sandbox>& out, std::string* reason) {
  SandboxSettings of_box;
  of_box.layout = settings_.layout;
  of_box.scheme = settings_.scheme;
  of_box.behaviour = settings_.behaviour;
  of_box.placed_pages = placed_pages_;
  of_box.machine = with_machine_;
  of_box.seed = settings_.workload_seed;
  of_box.pages = settings_.pages;
  of_box.device_pages = settings_.device_pages;
  of_box.swap_pages = settings_.swap_pages;
  of_box.threads = threads_;
  of_box.witness = with_witness_;
  of_box.stops = settings_.scenario != nullptr && has_stops(*settings_.scenario);
  if (settings_.huge_pages) {
    of_box.transparent_huge_pages = true;
    of_box.pages = std::max(of_box.pages, kHugeRam);
    of_box.device_pages = std::max(of_box.device_pages, kHugeDevices);
  }
  std::unique_ptr<Sandbox> sandbox;
  if (const Errc error = Sandbox::create(of_box, sandbox, reason); error != Errc::kOk) return error;
  Program setup(setup_, sandbox->interpreter(), settings_.workload_seed);
  auto* watch = static_cast<LivelockWatch*>(active_patience);
  watch->watch(&sandbox->box().memmap(), 0);
  for (Op op; setup.next(op);) {
    if (is_stopped()) return Errc::kIntr;
    watch->begin(&op);
    (void)sandbox->interpreter().run(op);
  }
  watch->begin(nullptr);
  if (settings_.scenario != nullptr) settle_setup(*sandbox, *settings_.scenario);
  out = std::move(sandbox);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
