#include "mm/swap/swap_writes.h"

#include <utility>

#include "mm/folio_state.h"
#include "mm/machine.h"
#include "mm/swap/swap.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

bool SwapWrites::add(Page folio) {
  const auto first = folio_true_swap_slot(cpu_.machine, folio);
  if (first) add(folio, first.value);
  return static_cast<bool>(first);
}

void SwapWrites::add(Page folio, std::uint64_t first_slot) {
  folio.change_bits(folio.mask_of(Flag::kDirty), folio.mask_of(Flag::kWriteback));
  folios_[count_] = cpu_.machine.pfn_of(folio);
  slots_[count_] = first_slot;
  ++count_;
  pages_ += folio_nr_pages(folio);
}

std::span<const Pfn> SwapWrites::submit() {
  const std::span<const Pfn> folios = folios_.first(std::exchange(count_, 0));
  if (folios.empty()) return folios;
  pages_ = 0;
  Machine& machine = cpu_.machine;
  cpu_.pass(StopPoint::kPageoutWriting);
  UninitArray<FrameRead, kMost> reads;
  std::size_t ready = 0;
  const auto move = [&] { machine.frames.read_each(reads.first(std::exchange(ready, 0))); };
  for (std::size_t nth = 0; nth < folios.size(); ++nth) {
    const std::uint64_t pages = folio_nr_pages(machine.page(folios[nth]));
    for (std::uint64_t i = 0; i < pages; ++i) {
      reads[ready++] = {folios[nth] + i, machine.swap.bytes(slots_[nth] + i)};
      if (ready == kMost) move();
    }
  }
  move();
  for (const Pfn pfn : folios) machine.page(pfn).clear(Flag::kWriteback);
  return folios;
}

}  // namespace pagebox::inline PAGEBOX_ENV
