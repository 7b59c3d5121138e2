#include "engine/scenario/op_mix.h"

#include <bit>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Part {
  std::string_view name;
  std::uint32_t weight;
};

constexpr Part kMm[] = {
    {"load", 6},       {"store", 10},
    {"mmap", 5},       {"munmap", 2},
    {"mprotect", 3},   {"mlock", 2},
    {"munlock", 2},    {"mremap", 2},
    {"gup", 4},        {"pin", 6},
    {"unpin", 6},      {"pin_read", 1},
    {"pin_write", 1},  {"dio_write", 2},
    {"dio_read", 2},   {"bio_write", 1},
    {"bio_read", 1},   {"file_read", 1},
    {"fd_read", 1},    {"fd_write", 2},
    {"file", 1},       {"clear_refs", 1},
    {"pagemap", 1},    {"fork", 3},
    {"exit", 3},       {"dontneed", 2},
    {"pageout", 3},    {"cold", 1},
    {"free", 2},       {"willneed", 1},
    {"remove", 1},     {"populate_read", 1},
    {"dontfork", 1},   {"populate_write", 1},
    {"dofork", 1},     {"wipeonfork", 1},
    {"keeponfork", 1},
};
constexpr Part kDevice[] = {
    {"dev_read", 3},  {"dev_write", 4}, {"migrate_to_dev", 10}, {"migrate_to_sys", 4},
    {"snapshot", 1},  {"exclusive", 4}, {"check_exclusive", 1}, {"release", 2},
    {"close_dev", 1}, {"open_dev", 1},
};
constexpr Part kTouch[] = {
    {"load", 4},     {"store", 6},     {"pin", 4},      {"unpin", 4},  {"gup", 3},
    {"fork", 2},     {"exit", 2},      {"mmap", 3},     {"munmap", 1}, {"mprotect", 1},
    {"dontneed", 1}, {"dio_write", 1}, {"dio_read", 1}, {"mremap", 1},
};
constexpr Part kChaos[] = {
    {"pageout", 6}, {"compact", 4}, {"writeback", 3}, {"fork", 3}, {"exit", 3}, {"yield", 1},
};

constexpr Part kPages[] = {
    {"pin_page", 6},     {"unpin_page", 6},   {"get_page", 3},     {"put_page", 3},
    {"isolate_page", 2}, {"putback_page", 2}, {"maybe_pinned", 2}, {"pins_of", 1},
    {"release_page", 1}, {"set_up_page", 1},
};
constexpr Part kPins[] = {
    {"pin_page", 3},     {"unpin_page", 1},   {"get_page", 2},     {"put_page", 1},
    {"isolate_page", 1}, {"maybe_pinned", 1}, {"release_page", 1},
};

bool is_drawn(OpCode code) {
  return code != OpCode::kBarrier && code != OpCode::kRepeat && code != OpCode::kOffline &&
         code != OpCode::kResume;
}

template <std::size_t N>
void add_parts(OpMix& mix, const Part (&parts)[N], std::uint32_t weight) {
  for (const Part& part : parts) (void)mix.add(part.name, part.weight * weight);
}

}  // namespace

std::string_view mix_name(unsigned slot) {
  return slot < kOpCodes ? kOpTable[slot].name : kAdviceNames[slot - kOpCodes];
}

std::uint64_t OpMix::sum() const {
  std::uint64_t sum = 0;
  for (const std::uint32_t weight : weights) sum += weight;
  return sum;
}

bool OpMix::add(std::string_view name, std::uint32_t weight) {
  for (unsigned slot = 0; slot < kMixSlots; ++slot) {
    if (mix_name(slot) != name) continue;
    if (slot < kOpCodes && !is_drawn(static_cast<OpCode>(slot))) return false;
    weights[slot] += weight;
    return true;
  }
  if (name == "mm")
    add_parts(*this, kMm, weight);
  else if (name == "device")
    add_parts(*this, kDevice, weight);
  else if (name == "touch")
    add_parts(*this, kTouch, weight);
  else if (name == "chaos")
    add_parts(*this, kChaos, weight);
  else if (name == "pages")
    add_parts(*this, kPages, weight);
  else if (name == "pins")
    add_parts(*this, kPins, weight);
  else
    return false;
  return true;
}

MixTable::MixTable(const OpMix& mix)
    : mix_(mix),
      sum_(mix.sum()),
      guide_shift_(static_cast<unsigned>(std::bit_width((sum_ - 1) / kGuides))) {
  Guide at;
  for (std::uint64_t i = 0; i < kGuides && i << guide_shift_ < sum_; ++i) {
    while ((i << guide_shift_) - at.before >= mix_.weights[at.slot])
      at.before += mix_.weights[at.slot++];
    guide_[i] = at;
  }
}

unsigned MixTable::draw(Rng& rng) const {
  std::uint64_t at = rng.below(sum_);
  auto [slot, before] = guide_[at >> guide_shift_];
  for (at -= before; at >= mix_.weights[slot];) at -= mix_.weights[slot++];
  return slot;
}

}  // namespace pagebox::inline PAGEBOX_ENV
