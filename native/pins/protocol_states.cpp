// The loops of counts that swap their word; see state_word.h.
#include "pins/protocol.h"
#include "pins/state_word.h"

namespace pagebox::inline PAGEBOX_ENV {

PinKernels state_word_kernel(unsigned packed_bits, unsigned word_bytes) {
  if (word_bytes == 4) return PinLoops<StateWord<std::uint32_t, std::uint32_t>>::kernels();
  return packed_bits == 32 ? PinLoops<StateWord<std::uint64_t, std::uint32_t>>::kernels()
                           : PinLoops<StateWord<std::uint64_t, std::uint64_t>>::kernels();
}

}  // namespace pagebox::inline PAGEBOX_ENV
