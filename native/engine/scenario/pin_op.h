// What a thread of a race, or a cost measurement, does to the page that it
// has chosen. The names are those of the mix in TypeScript and on the command
// line.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class PinOp : std::uint8_t {
  kPinUnpin,  // the pair, as a batch kernel does it
  kPin,       // kept, until an unpin of the same thread
  kUnpin,     // of a page that this thread has pinned
  kGetPut,
  kGet,
  kPut,
  kMaybePinned,
  kSpeculativeUnpin,  // try_pin_speculative, unpin
  kReferencedUnpin,   // get, pin_referenced, unpin, put
  kIsolatePutback,    // off the LRU list and back
};
inline constexpr unsigned kPinOps = 10;

inline constexpr std::array<std::string_view, kPinOps> kPinOpNames = {"pin+unpin",
                                                                      "pin",
                                                                      "unpin",
                                                                      "get+put",
                                                                      "get",
                                                                      "put",
                                                                      "maybe_pinned",
                                                                      "try_pin_speculative+unpin",
                                                                      "pin_referenced+unpin",
                                                                      "isolate+putback"};

constexpr std::optional<PinOp> find_pin_op(std::string_view name) {
  for (unsigned i = 0; i < kPinOps; ++i)
    if (kPinOpNames[i] == name) return static_cast<PinOp>(i);
  return std::nullopt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
