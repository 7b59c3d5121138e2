// The kernels that the protocol files compile, one a place of the count and a
// word width (8 or 4 bytes).
#pragma once

#include "pins/kernel.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

const PinKernel& add_kernel(CountPlace place, unsigned word_bytes);
const PinKernel& flag_and_word_kernel(unsigned word_bytes);
const PinKernel& packed_word_kernel(unsigned packed_bits, unsigned word_bytes);
const PinKernel& state_word_kernel(unsigned packed_bits, unsigned word_bytes);
const PinKernel& narrow_tail_kernel(unsigned word_bytes);
const PinKernel& narrow_table_kernel(unsigned word_bytes);
/// Of kFlagAndWord and kListOverlay.
const PinKernel& narrow_flag_kernel(Protocol protocol, unsigned word_bytes);
const PinKernel& list_overlay_kernel(unsigned word_bytes);
const PinKernel& external_kernel(CountPlace place, unsigned word_bytes);

/// The one that runs `scheme`.
const PinKernel& kernel_of(const SchemeSpec& scheme, unsigned word_bytes);

}  // namespace pagebox::inline PAGEBOX_ENV
