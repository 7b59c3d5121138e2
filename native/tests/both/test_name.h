// Names of parametrised tests: googletest takes letters, digits and '_'.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "pins/scheme.h"

namespace pagebox {

inline std::string test_name(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}
inline std::string test_name(const SchemeSpec& scheme) { return test_name(scheme.name); }

/// The name of a parameter, for INSTANTIATE_TEST_SUITE_P.
inline constexpr auto parameter_name = [](const auto& info) { return test_name(info.param); };

}  // namespace pagebox
