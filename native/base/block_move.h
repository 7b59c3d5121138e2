// Moves of whole pages, as this processor is quickest with them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

// As copy_shared_words() (base/shared_bytes.h): others may write meanwhile, and no word is torn.
// `words` is a multiple of 16, all are 32-aligned.

void clear_block(std::uint64_t* at, std::size_t words);
/// For what is looked at soon.
void copy_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words);
/// Past the caches, for runs of pages that nobody looks at soon: lines that are written whole are
/// not read first, which is a third of the traffic. What is stored later may overtake it until
/// streamed().
void stream_block(std::uint64_t* to, const std::uint64_t* from, std::size_t words);
/// Whoever sees what is stored after this sees what was streamed before.
void streamed();

}  // namespace pagebox::inline PAGEBOX_ENV
