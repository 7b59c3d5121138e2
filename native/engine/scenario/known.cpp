#include "engine/scenario/known.h"

#include <algorithm>

#include "engine/scenario/random_parts.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kMaxBlocks = 64;
constexpr unsigned kTries = 8;
/// A range is at most so long, or a sixteenth of the letter: pins would hold most of it.
constexpr std::uint64_t kMostPages = 8;

constexpr BlockMask first_blocks(std::uint64_t n) {
  return n >= kMaxBlocks ? ~BlockMask{0} : (BlockMask{1} << n) - 1;
}

BlockMask fitting(const KnownLetter& letter, std::uint64_t now, const Wanted& wanted) {
  if ((wanted.kinds & kind_bit(letter.kind)) == 0) return 0;
  BlockMask mask = letter.mapped;
  if (now < letter.shy_until) mask &= ~letter.shy;
  if (wanted.writable) mask &= letter.writable;
  if (wanted.unlocked) mask &= ~letter.locked;
  if (wanted.populated) mask &= letter.populated;
  if (wanted.written) mask &= letter.written & letter.populated;
  if (wanted.off_device) mask &= ~letter.device;
  if (wanted.exclusive) mask &= letter.exclusive;
  if (wanted.not_exclusive) mask &= ~letter.exclusive;
  return mask;
}

}  // namespace

Known::Known(unsigned processes, unsigned letters, std::uint64_t pages)
    : shared_(processes),
      letters_(letters),
      pages_(pages),
      block_((pages + kMaxBlocks - 1) / kMaxBlocks) {
  if (processes == 0) return;
  processes_.reserve(processes + 2);
  processes_.resize(processes);
  for (unsigned i = 0; i < processes; ++i) processes_[i].number = processes_[i].origin = i;
}

KnownProcess* Known::find(std::uint32_t number) {
  const auto at = std::ranges::find(processes_, number, &KnownProcess::number);
  return at == processes_.end() ? nullptr : &*at;
}

KnownLetter* Known::letter(std::uint32_t process, unsigned buf) {
  if (buf >= letters_) return nullptr;
  KnownProcess* of = find(process);
  return of == nullptr ? nullptr : &of->letters[buf];
}

void Known::fork(std::uint32_t parent, std::uint32_t child, std::uint64_t now) {
  KnownProcess* from = find(parent);
  if (from == nullptr) return;
  for (KnownLetter& letter : from->letters) letter.written = 0;
  KnownProcess fresh = *from;
  fresh.number = child;
  fresh.open = fresh.not_open = 0;
  for (KnownLetter& letter : fresh.letters) {
    letter.mapped &= ~letter.not_forked;
    letter.not_forked = letter.locked = letter.exclusive = 0;
    // Whose fault it was, it is in the copy for good.
    if (is_shared_mapping(letter.kind)) letter.populated = 0;
    if (now < letter.shy_until) letter.shy_until = ~std::uint64_t{0};
  }
  processes_.push_back(fresh);
}

void Known::exit(std::uint32_t number) {
  std::erase_if(processes_, [&](const KnownProcess& each) { return each.number == number; });
}

BlockMask Known::touched(std::uint64_t page, std::uint64_t n) const {
  if (n == 0 || page >= pages_) return 0;
  const std::uint64_t end = std::min(page + n, pages_);
  return first_blocks((end + block_ - 1) / block_) & ~first_blocks(page / block_);
}

BlockMask Known::covered(std::uint64_t page, std::uint64_t n) const {
  if (n == 0 || page >= pages_) return 0;
  const std::uint64_t end = std::min(page + n, pages_);
  const std::uint64_t last = end == pages_ ? (end + block_ - 1) / block_ : end / block_;
  return first_blocks(last) & ~first_blocks((page + block_ - 1) / block_);
}

bool Known::draw_in(Rng& rng, std::uint64_t now, const Wanted& wanted, const KnownLetter& letter,
                    Place& at) const {
  BlockMask mask = fitting(letter, now, wanted);
  if (wanted.prefers != nullptr && rng.below(4) != 0) {
    const BlockMask liked = letter.*wanted.prefers;
    if (const BlockMask better = mask & (wanted.avoids ? ~liked : liked); better != 0)
      mask = better;
  }
  if (mask == 0) return false;
  BlockMask left = mask;
  for (auto skip = rng.below(static_cast<std::uint64_t>(std::popcount(mask))); skip > 0; --skip)
    left &= left - 1;
  const auto first = static_cast<unsigned>(std::countr_zero(left));
  const auto run = static_cast<unsigned>(std::countr_one(mask >> first));
  at.page = first * block_;
  const std::uint64_t end = std::min(pages_, (first + std::uint64_t{run}) * block_);
  if (block_ > 1) at.page += rng.below(std::min(block_, end - at.page));
  at.n = rng.below(wanted.few ? 4 : 2) != (wanted.few ? 3 : 1)
             ? 1
             : 1 + rng.below(std::min(end - at.page, std::max(kMostPages, pages_ / 16)));
  return true;
}

bool Known::draw(Rng& rng, std::uint64_t now, const Wanted& wanted, Place& at) const {
  const auto try_here = [&](const KnownProcess& process, unsigned buf) {
    at.proc = process.number;
    at.buf = static_cast<std::uint8_t>(buf);
    return draw_in(rng, now, wanted, process.letters[buf], at);
  };
  for (unsigned i = 0; i < kTries; ++i) {
    // Its own as often as all shared ones together, if it has both of them.
    const std::size_t own = processes_.size() - shared_;
    const std::size_t which =
        own != 0 && rng.below(3) == 0 ? shared_ + rng.below(own) : rng.below(shared_);
    if (try_here(processes_[which], static_cast<unsigned>(rng.below(letters_)))) return true;
  }
  const std::size_t all = processes_.size() * letters_, from = rng.below(all);
  for (std::size_t i = 0; i < all; ++i) {
    const std::size_t which = (from + i) % all;
    if (try_here(processes_[which / letters_], static_cast<unsigned>(which % letters_)))
      return true;
  }
  return false;
}

}  // namespace pagebox::inline PAGEBOX_ENV
