#include "base/turns.h"

#include <utility>

#include "base/retry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local Turns* active_turns = nullptr;

}  // namespace

bool Turns::is_active() { return active_turns != nullptr; }

bool Turns::pass() { return active_turns != nullptr && active_turns->pass_on(); }

void Turns::progressed() {
  if (active_turns == nullptr) return;
  active_turns->rounds_ = 0;
  for (const auto& body : active_turns->bodies_) body->waits = false;
}

Errc Turns::run(std::vector<std::function<void()>> bodies, std::function<bool()> stuck) {
  stuck_ = std::move(stuck);
  for (auto& run : bodies) {
    auto body = std::make_unique<Body>();
    body->run = std::move(run);
    body->owner = this;
    if (const Errc error = body->stack.create(static_cast<unsigned>(bodies_.size()));
        error != Errc::kOk)
      return error;
    body->stack.prepare(&enter, body.get());
    bodies_.push_back(std::move(body));
  }
  main_.adopt_thread();
  Turns* const outer = std::exchange(active_turns, this);
  if (const std::size_t first = next(); first != kNobody) go(main_, first);
  active_turns = outer;
  return Errc::kOk;
}

void Turns::enter(void* arg) {
  auto& body = *static_cast<Body*>(arg);
  body.stack.context().arrived();
  body.run();
  body.ended = true;
  progressed();
  Turns& turns = *body.owner;
  const std::size_t next = turns.next();
  turns.go(body.stack.context(), next);  // not to return
}

/// Of the bodies that neither have ended nor wait.
std::size_t Turns::next() const {
  for (std::size_t i = 0; i < bodies_.size(); ++i)
    if (!bodies_[i]->ended && !bodies_[i]->waits) return i;
  return kNobody;
}

void Turns::go(FiberContext& from, std::size_t to) {
  current_ = to;
  Patience* const mine = active_patience;
  switch_fiber(from, to == kNobody ? main_ : bodies_[to]->stack.context());
  active_patience = mine;
}

bool Turns::pass_on() {
  const std::size_t me = current_;
  bodies_[me]->waits = true;
  std::size_t to = next();
  if (to == kNobody) {
    if (++rounds_ > kRounds) {
      if (!stuck_()) return false;
      progressed();
    }
    for (const auto& body : bodies_) body->waits = false;
    bodies_[me]->waits = true;
    to = next();
    if (to == kNobody) return false;  // alone
  }
  go(bodies_[me]->stack.context(), to);
  bodies_[me]->waits = false;
  return true;
}

}  // namespace pagebox::inline PAGEBOX_ENV
