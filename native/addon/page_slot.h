// How a call on a single page gets its arguments: memory that JavaScript and native
// code share, since to take a number from a call costs half as much as the call itself.
// The functions are those of the environment and not of a box: V8 calls a native function
// directly, in half the time, only where one place always calls the same one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "page/pfn.h"

namespace pagebox::addon {

class BoxObject;

/// Of one environment, and used by its thread only.
class PageSlot {
 public:
  /// The pfn, of which a box has 2^32 at most; the number of the box.
  static constexpr std::size_t kWords = 2;

  /// `words` outlives the functions that read them.
  void set_words(const std::uint32_t* words) { words_ = words; }

  /// The box's number, while it lives: the lowest that is free. What calls with it keeps it alive.
  unsigned add(BoxObject* box);
  void remove(unsigned number) { boxes_[number] = nullptr; }

  Pfn page() const { return Pfn{words_[0]}; }
  /// Null: no box has the number. Nothing in the slot is trusted.
  BoxObject* box() const {
    const std::uint32_t number = words_[1];
    return number < known_.size() ? known_[number] : nullptr;
  }

 private:
  const std::uint32_t* words_ = nullptr;
  std::vector<BoxObject*> boxes_;
  std::span<BoxObject*> known_;  // the same: its size is a load, a vector's a subtraction
};

}  // namespace pagebox::addon
