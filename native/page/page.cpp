#include "page/page.h"

#include "base/fault.h"

namespace pagebox::inline PAGEBOX_ENV {

bool Page::try_ref_add_unless_zero(std::int32_t n) const {
  std::uint32_t* const at = u32(shape_->refcount);
  std::uint32_t found = atomics::load(at);
  while (static_cast<std::int32_t>(found) > 0 || planted(Mistake::kGetFromZero)) {  // rule 1
    if (atomics::compare_exchange(at, found, found + static_cast<std::uint32_t>(n))) return true;
  }
  return false;
}

bool Page::try_ref_add_up_to(std::uint32_t n, std::uint32_t most) const {
  std::uint32_t* const at = u32(shape_->refcount);
  std::uint32_t found = atomics::load(at);
  while (static_cast<std::int32_t>(found) > 0 && std::uint64_t{found} + n <= most) {
    if (atomics::compare_exchange(at, found, found + n)) return true;
  }
  return false;
}

void Page::change_bits(std::uint64_t cleared, std::uint64_t set) const {
  const auto change = [&]<class Word>(Word* at) {
    Word found = atomics::load(at);
    while (!atomics::compare_exchange(at, found, static_cast<Word>((found & ~cleared) | set))) {}
  };
  if (shape_->word_bytes == 8)
    change(u64(0));
  else
    change(u32(0));
}

}  // namespace pagebox::inline PAGEBOX_ENV
