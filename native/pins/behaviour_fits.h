// Whether a machine of a layout and a scheme can behave as it is told to.
#pragma once

#include "page/behaviour.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What keeps these rules from holding: behaviours that do not exist yet, by name, or what
/// the layout lacks for them.
Fit rules_fit(KernelRules rules, const Layout& layout);
/// Why the defect cannot show there: switched on, it would change nothing, and a clean audit
/// would mean nothing.
Fit quirk_fits(Quirk quirk, const SchemeSpec& scheme, const Layout& layout, KernelRules rules);

/// The first of all that does not fit. Every way to build a machine asks this.
Fit behaviour_fits(const Behaviour& behaviour, const SchemeSpec& scheme, const Layout& layout);

}  // namespace pagebox::inline PAGEBOX_ENV
