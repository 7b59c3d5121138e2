// The kernels that the protocol files compile, one a place of the count and a
// word width (8 or 4 bytes).
#pragma once

#include "pins/kernel.h"
#include "pins/scheme.h"
#include "pins/streams.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Of one protocol: for single pages and batches, and for streams.
struct PinKernels {
  const PinKernel& batches;
  const PinStreamKernel& streams;
};

PinKernels add_kernel(CountPlace place, unsigned word_bytes);
PinKernels flag_and_word_kernel(unsigned word_bytes);
PinKernels packed_word_kernel(unsigned packed_bits, unsigned word_bytes);
PinKernels state_word_kernel(unsigned packed_bits, unsigned word_bytes);
PinKernels narrow_tail_kernel(unsigned word_bytes);
PinKernels narrow_table_kernel(unsigned word_bytes);
/// Of kFlagAndWord and kListOverlay.
PinKernels narrow_flag_kernel(Protocol protocol, unsigned word_bytes);
PinKernels list_overlay_kernel(unsigned word_bytes);
PinKernels external_kernel(CountPlace place, unsigned word_bytes);

/// Those that run `scheme`.
PinKernels kernels_of(const SchemeSpec& scheme, unsigned word_bytes);

}  // namespace pagebox::inline PAGEBOX_ENV
