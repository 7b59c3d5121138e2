// Mixes of random operations as a command line or a table has them:
// NAME=WEIGHT,...[/NAME=WEIGHT,...], a thread's mix behind each slash.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/scenario/op_mix.h"

namespace pagebox::testing {

/// `unknown`: the part that names no operation and no group of them.
inline std::vector<OpMix> read_mixes(const std::string& text, std::string& unknown) {
  std::vector<OpMix> mixes(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(",/", at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    const auto weight =
        equals == std::string::npos ? 1 : std::strtoul(part.c_str() + equals + 1, nullptr, 10);
    if (!mixes.back().add(part.substr(0, equals), static_cast<std::uint32_t>(weight)))
      unknown = part;
    if (end < text.size() && text[end] == '/') mixes.emplace_back();
    at = end + 1;
  }
  return mixes;
}

}  // namespace pagebox::testing
