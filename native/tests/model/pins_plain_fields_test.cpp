// The ledger of pins is checked: a stripe that is looked at without its lock, while somebody pins
// what lies there, is a data race in every schedule.
#include "pins/ledger.h"
#include "plain_fields.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 256, kOfAStripe = 64;
constexpr Pfn kHead{5};

/// A look without the lock, which nothing outside the ledger can take: an explicit
/// instantiation may name what is private.
bool has_bare(const Ledger& ledger, Pfn head);
template <auto kStripe, auto kHas>
struct Bare {
  friend bool has_bare(const Ledger& ledger, Pfn head) {
    return kHas((ledger.*kStripe)(head), head, 0);
  }
};
template struct Bare<&Ledger::stripe, &Ledger::has>;

std::unique_ptr<Ledger> make_ledger() {
  auto ledger = std::make_unique<Ledger>();
  EXPECT_EQ(ledger->reserve(kPages), Errc::kOk);
  return ledger;
}
std::unique_ptr<Ledger> make_without_table() { return std::make_unique<Ledger>(); }

void pin(Ledger& ledger) { (void)ledger.add(1, kHead, 1); }
void look_bare(Ledger& ledger) { (void)has_bare(ledger, kHead); }

TEST(PinsPlainFields, ThePinsOfAHeadInTheTable) {
  expect_checked(make_ledger, pin, [](Ledger& ledger) { (void)ledger.pins(kHead); }, look_bare);
}

TEST(PinsPlainFields, ThePinsOfAHeadBesideTheTable) {
  expect_checked(
      make_without_table, pin, [](Ledger& ledger) { (void)ledger.pins_of(1, kHead); }, look_bare);
}

TEST(PinsPlainFields, ManyPinsAtOnce) {
  const auto pin_many = [](Ledger& ledger) {
    const std::uint32_t heads[] = {5, 6, 200};
    Errc error = Errc::kOk;
    (void)ledger.add_many(1, heads, error);
    (void)ledger.remove_many(1, heads, error);
  };
  expect_checked(make_ledger, pin_many, pin_many, look_bare);
}

TEST(PinsPlainFields, AllEntries) {
  expect_checked(
      make_ledger, [](Ledger& ledger) { ledger.clear(); },
      [](Ledger& ledger) { (void)ledger.entries(); }, look_bare);
}

TEST(PinsPlainFields, AStripeIsNoOthers) {
  const Ends ends = meet(
      make_ledger, pin, [](Ledger& ledger) { (void)has_bare(ledger, {kHead.value + kOfAStripe}); });
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
}

}  // namespace
}  // namespace pagebox::testing
