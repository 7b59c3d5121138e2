// Whether somebody held a pin of a page all the while: what an answer of `maybe_pinned`, and who
// freezes or frees a page, are judged by. For one scheduler that owns every access; on real
// threads these counts would make those meet that do not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/atomic.h"
#include "base/env.h"
#include "base/errc.h"
#include "base/mapping.h"
#include "base/tally.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class PinWitness {
 public:
  /// For pages below `capacity`.
  static Errc create(std::uint64_t capacity, PinWitness& out) {
    auto mapping = Mapping::reserve(capacity * sizeof(Counts));
    if (!mapping) return mapping.error;
    out.mapping_ = std::move(mapping.value);
    return Errc::kOk;
  }
  /// Whether begin() and was_held() are called. Only then are pins steps of their own: when one
  /// is complete decides what an answer has to be, and so its order against the answer matters.
  void set_asked(bool asked) { asked_ = asked; }

  /// A pin is complete.
  void taken(Pfn head, std::uint32_t n) { add(of(head).taken, n); }
  /// It is about to be given back.
  void returning(Pfn head, std::uint32_t n) { add(of(head).returned, n); }

  std::uint64_t begin(Pfn head) const { return asked_ ? atomics::load(&of(head).taken) : 0; }
  /// Some pin was held from begin() on until now: more were complete then than have begun to
  /// be given back by now.
  bool was_held(Pfn head, std::uint64_t begun) const {
    return asked_ && atomics::load(&of(head).returned) < begun;
  }
  /// Now, without a step.
  bool is_held(Pfn head) const {
    return tally::load(of(head).taken) > tally::load(of(head).returned);
  }

  /// For names of places.
  std::optional<Pfn> page_at(const std::byte* at) const {
    if (at < mapping_.data() || at >= mapping_.data() + mapping_.size_bytes()) return std::nullopt;
    return Pfn{static_cast<std::uint64_t>(at - mapping_.data()) / sizeof(Counts)};
  }

 private:
  struct Counts {
    std::uint64_t taken, returned;
  };

  Counts& of(Pfn head) const { return reinterpret_cast<Counts*>(mapping_.data())[head.value]; }
  void add(std::uint64_t& count, std::uint32_t n) const {
    if (asked_)
      atomics::add(&count, std::uint64_t{n});
    else
      (void)tally::add(count, std::uint64_t{n});
  }

  Mapping mapping_;
  bool asked_ = true;
};

}  // namespace pagebox::inline PAGEBOX_ENV
