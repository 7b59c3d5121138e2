// The loops of counts that swap their word; see state_word.h.
#include "pins/protocol.h"
#include "pins/state_word.h"

namespace pagebox::inline PAGEBOX_ENV {

const PinKernel& state_word_kernel(unsigned packed_bits, unsigned word_bytes) {
  if (word_bytes == 4) return PinLoops<StateWord<std::uint32_t, std::uint32_t>>::kKernel;
  return packed_bits == 32 ? PinLoops<StateWord<std::uint64_t, std::uint32_t>>::kKernel
                           : PinLoops<StateWord<std::uint64_t, std::uint64_t>>::kKernel;
}

}  // namespace pagebox::inline PAGEBOX_ENV
