// What the loops over many pages are made of is repeated in each of them: a call costs more than
// what it does. Where nobody measures them, in the model and under sanitizers, it is a function
// like any other, and the room compiles in half the time.
#pragma once

#include "base/sanitizer.h"

#if defined(PAGEBOX_MODEL) || defined(PAGEBOX_ASAN) || defined(PAGEBOX_TSAN)
#define PAGEBOX_IN_LOOP
#else
#define PAGEBOX_IN_LOOP [[gnu::always_inline]]
#endif
