// An operation as a row of numbers, the form in which scenarios cross from
// outside: one slot a field, in the order of kOpSlots.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::array<std::string_view, 35> kOpSlots = {
    "op",    "proc",  "child",  "buf",       "to",      "page", "n",     "hasPage", "hasN",
    "pages", "kind",  "prot",   "fill",      "hasFill", "file", "dev",   "value",   "advice",
    "mode",  "via",   "id",     "fpage",     "flags",   "pick", "pfn",   "hasPfn",  "hasBuf",
    "type",  "order", "expect", "hasExpect", "site",    "nth",  "times", "stop_at"};
/// Bits of the slot `flags`, and the fields that they stand for.
inline constexpr unsigned kOpWrite = 1, kOpFast = 2, kOpLongterm = 4, kOpReferenced = 8,
                          kOpMust = 16, kOpEvict = 32, kOpKeep = 64;
inline constexpr std::array<std::string_view, 7> kOpFlagNames = {
    "write", "fast", "longterm", "referenced", "must", "evict", "keep"};

/// False: a number is no operation, name or letter. Sizes are the interpreter's
/// to judge.
bool read_op_row(std::span<const double> row, Op& op);

}  // namespace pagebox::inline PAGEBOX_ENV
