// What a step of a loop over pages did.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a step of a loop did: an Errc, or kLast. One number, since a Result would lie in memory
/// and cost nine instructions a page.
enum class Done : std::int32_t {
  kLast = -1,  ///< the last reference went
  kOk = 0,
};
constexpr Done done(Errc error) { return static_cast<Done>(error); }
constexpr Errc error_of(Done done) { return static_cast<Errc>(done); }
constexpr Done last_if(bool last) { return last ? Done::kLast : Done::kOk; }
inline Result<bool> result_of(Done done) {
  if (static_cast<std::int32_t>(done) > 0) return error_of(done);
  return done == Done::kLast;
}

}  // namespace pagebox::inline PAGEBOX_ENV
