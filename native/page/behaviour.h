// How a machine behaves beside what its layout and its scheme say.
#pragma once

#include <optional>

#include "base/env.h"
#include "page/options.h"
#include "page/quirks.h"
#include "page/rules.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Behaviour {
  std::optional<KernelRules> rules;  // none: the layout's
  QuirkSet quirks;
  OptionSet options = default_options();
};

}  // namespace pagebox::inline PAGEBOX_ENV
