#include "page/page.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {
/// Whether the bit was set before.
template <class Word>
bool change_bit(Word* word, unsigned bit, bool to) {
  const auto mask = static_cast<Word>(Word{1} << bit);
  const Word before =
      to ? atomics::fetch_or(word, mask) : atomics::fetch_and(word, static_cast<Word>(~mask));
  return (before & mask) != 0;
}
}  // namespace

bool Page::change(Flag flag, bool to) const {
  const int bit = bit_of(flag);
  if (bit < 0) return false;
  return shape_->word_bytes == 8 ? change_bit(u64(0), static_cast<unsigned>(bit), to)
                                 : change_bit(u32(0), static_cast<unsigned>(bit), to);
}

bool Page::try_ref_add_unless_zero(std::int32_t n) const {
  std::uint32_t* const at = u32(shape_->refcount);
  std::uint32_t found = atomics::load(at);
  while (static_cast<std::int32_t>(found) > 0) {  // rule 1
    if (atomics::compare_exchange(at, found, found + static_cast<std::uint32_t>(n))) return true;
  }
  return false;
}

}  // namespace pagebox::inline PAGEBOX_ENV
