#include "engine/box/accounts.h"

#include <cstring>

#include "base/atomic.h"
#include "base/memory_changes.h"
#include "base/tally.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

void store_told(std::uint32_t& at, std::uint32_t value) {
  if (tally::load(at) != value) atomics::store(&at, value);
}

}  // namespace

Errc Accounts::create(std::uint64_t capacity, Accounts& out) {
  auto mapping = Mapping::reserve(capacity * sizeof(Entry));
  if (!mapping) return mapping.error;
  out.mapping_ = std::move(mapping.value);
  return Errc::kOk;
}

PageRecord Accounts::record(Pfn head) const {
  const Entry& e = entry(head);
  PageRecord record;
  record.state = static_cast<PageState>(tally::load(e.state));
  record.type = static_cast<PageType>(tally::load(e.type));
  record.order = tally::load(e.order);
  record.on_lru = (tally::load(e.bits) & kOnLru) != 0;
  record.populated = (tally::load(e.bits) & kPopulated) != 0;
  record.mapcount = tally::load(e.mapcount);
  record.own_refs = tally::load(e.own_refs);
  return record;
}

void Accounts::set_record(Pfn head, const PageRecord& record) {
  Entry& e = entry(head);
  tally::store(e.type, static_cast<std::uint8_t>(record.type));
  tally::store(e.order, record.order);
  store_told(e.mapcount, record.mapcount);
  store_told(e.own_refs, record.own_refs);
  const auto bits =
      static_cast<std::uint8_t>((record.on_lru ? kOnLru : 0) | (record.populated ? kPopulated : 0));
  tally::clear_bits(e.bits, static_cast<std::uint8_t>(~bits & ~kIsolated));
  tally::set_bits(e.bits, bits);
  // Last: whoever reads the state reads the rest of it.
  tally::store(e.state, static_cast<std::uint8_t>(record.state));
}

PageState Accounts::state(Pfn head) const {
  return static_cast<PageState>(tally::load(entry(head).state));
}

std::uint32_t Accounts::mapcount(Pfn head) const { return atomics::load(&entry(head).mapcount); }
std::uint32_t Accounts::own_refs(Pfn head) const { return atomics::load(&entry(head).own_refs); }

std::uint32_t Accounts::refs(Pfn head) const { return tally::load(entry(head).refs); }
bool Accounts::isolated(Pfn head) const { return (tally::load(entry(head).bits) & kIsolated) != 0; }

void Accounts::add_refs(Pfn head, std::uint32_t n) { tally::add(entry(head).refs, n); }
bool Accounts::try_sub_refs(Pfn head, std::uint32_t n) {
  return tally::try_sub(entry(head).refs, n);
}

bool Accounts::try_set_isolated(Pfn head, bool isolated) {
  std::uint8_t& bits = entry(head).bits;
  const std::uint8_t before =
      isolated ? tally::set_bits(bits, kIsolated) : tally::clear_bits(bits, kIsolated);
  return ((before & kIsolated) != 0) != isolated;
}

void Accounts::reset(Pfn first, Pfn end) {
  std::byte* const at = mapping_.data() + first.value * sizeof(Entry);
  const std::uint64_t bytes = (end - first) * sizeof(Entry);
  memory_changes(at, bytes);
  std::memset(at, 0, bytes);
}

}  // namespace pagebox::inline PAGEBOX_ENV
