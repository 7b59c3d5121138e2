// Page: a handle on one descriptor. Each word carries who may write it:
//
//   A  atomic, any time        F  owner of the folio lock
//   L  holder of the LRU lock  P  holder of the page-table lock
//   O  owner only: whoever allocated the page, before it is published
//
//   flags          A
//   lru            L         over compound_head and pgmap: O
//   mapping        F (O before the page is published)
//   index          F
//   private        F
//   _mapcount      A, raised and lowered under P; an anonymous page's first and
//                  last mapping by P's holder alone if it owns F too
//   _refcount      A
//
// Where they lie the layout says (shape.h). Two words lie where they lie in every kernel:
// flags in word 0, and in word 1 the bit that says tail.
//
// Rules:
//  1. _refcount <= 0 is free, frozen or overflowed: no one may grab it.
//  2. A speculative grab adds unless zero, then rechecks what led it here.
//  3. The words of `lru` are list links while PG_lru is set; whoever clears PG_lru
//     under the LRU lock owns them until it puts the page back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"
#include "base/fault.h"
#include "page/flag.h"
#include "page/shape.h"

namespace pagebox::inline PAGEBOX_ENV {

class Page {
 public:
  Page() = default;
  Page(std::byte* at, const Shape* shape) : at_(at), shape_(shape) {}

  std::byte* at() const { return at_; }
  const Shape& shape() const { return *shape_; }
  explicit operator bool() const { return at_ != nullptr; }
  bool operator==(const Page& other) const { return at_ == other.at_; }

  std::uint32_t* u32(std::size_t offset) const {
    return reinterpret_cast<std::uint32_t*>(at_ + offset);
  }
  std::uint64_t* u64(std::size_t offset) const {
    return reinterpret_cast<std::uint64_t*>(at_ + offset);
  }

  /// The word at a byte offset of the shape's, zero-extended where words have 4 bytes.
  [[gnu::always_inline]] std::uint64_t word_at(std::size_t offset_bytes) const {
    return shape_->word_bytes == 8 ? atomics::load(u64(offset_bytes))
                                   : atomics::load(u32(offset_bytes));
  }
  /// Whoever reads the value also sees what was written before it; it is no barrier
  /// to later reads. The same for the other plain stores below.
  [[gnu::always_inline]] void set_word_at(std::size_t offset_bytes, std::uint64_t value) const {
    if (shape_->word_bytes == 8)
      atomics::store(u64(offset_bytes), value, atomics::kRelease);
    else
      atomics::store(u32(offset_bytes), static_cast<std::uint32_t>(value), atomics::kRelease);
  }
  /// Word n, whatever lies there: for who shows or compares all of them.
  std::uint64_t word(unsigned n) const {
    return word_at(std::size_t{n} * (shape_->word_bytes == 8 ? 8U : 4U));
  }
  void set_word(unsigned n, std::uint64_t value) const {
    set_word_at(std::size_t{n} * (shape_->word_bytes == 8 ? 8U : 4U), value);
  }

  std::uint64_t flags() const { return word_at(0); }
  void set_flags(std::uint64_t value) const { set_word_at(0, value); }
  /// The low half of the flags, which sleepers wait on.
  std::uint32_t* low_flags() const { return u32(0); }
  /// Of a tail: where its head is, with bit 0 set.
  std::uint64_t compound_head_word() const { return word_at(shape_->word_bytes); }
  bool is_tail() const { return (compound_head_word() & 1) != 0; }

  // Of user pages, in layouts that have them: who runs memory management has asked
  // (needs.h), others ask the shape.
  std::uint64_t mapping() const { return word_at(shape_->mapping); }
  void set_mapping(std::uint64_t value) const { set_word_at(shape_->mapping, value); }
  std::uint64_t index() const { return word_at(shape_->index); }
  void set_index(std::uint64_t value) const { set_word_at(shape_->index, value); }
  std::uint64_t private_word() const { return word_at(shape_->private_word); }
  void set_private_word(std::uint64_t value) const { set_word_at(shape_->private_word, value); }
  std::uint64_t lru_next() const { return word_at(shape_->lru.next); }
  std::uint64_t lru_prev() const { return word_at(shape_->lru.prev); }

  // Over words 1 and 2 of what waits for RCU to free it, as the kernel's rcu_head.
  std::uint64_t rcu_next() const { return word_at(shape_->rcu_next()); }
  std::uint64_t rcu_func() const { return word_at(shape_->rcu_func()); }
  void set_rcu_head(std::uint64_t next, std::uint64_t func) const {
    set_word_at(shape_->rcu_next(), next);
    set_word_at(shape_->rcu_func(), func);
  }

  [[gnu::always_inline]] bool test(Flag flag) const {
    const std::uint64_t mask = mask_of(flag);
    if (mask == 0) return false;
    return shape_->word_bytes == 8
               ? atomics::load_bits(u64(0), mask) != 0
               : atomics::load_bits(u32(0), static_cast<std::uint32_t>(mask)) != 0;
  }
  /// Both at once.
  [[gnu::always_inline]] bool test_both(Flag a, Flag b) const {
    const std::uint64_t first = mask_of(a), second = mask_of(b), both = first | second;
    if (first == 0 || second == 0) return false;
    return shape_->word_bytes == 8
               ? atomics::load_bits(u64(0), both) == both
               : atomics::load_bits(u32(0), static_cast<std::uint32_t>(both)) == both;
  }
  /// Both return whether the flag was set before. A flag that the layout does
  /// not have reads as clear and cannot be set.
  [[gnu::always_inline]] bool test_and_set(Flag flag) const { return change(flag, true); }
  [[gnu::always_inline]] bool test_and_clear(Flag flag) const { return change(flag, false); }
  [[gnu::always_inline]] void set(Flag flag) const { change(flag, true); }
  [[gnu::always_inline]] void clear(Flag flag) const { change(flag, false); }
  /// Bits of the flags word at once; the word before.
  std::uint64_t clear_bits(std::uint64_t mask) const {
    return shape_->word_bytes == 8 ? atomics::fetch_and(u64(0), ~mask)
                                   : atomics::fetch_and(u32(0), static_cast<std::uint32_t>(~mask));
  }
  std::uint64_t set_bits(std::uint64_t mask) const {
    return shape_->word_bytes == 8 ? atomics::fetch_or(u64(0), mask)
                                   : atomics::fetch_or(u32(0), static_cast<std::uint32_t>(mask));
  }
  /// Some go and others come, at once.
  void change_bits(std::uint64_t cleared, std::uint64_t set) const;
  /// 0 for a flag that the layout does not have.
  std::uint64_t mask_of(Flag flag) const { return shape_->flag_mask[static_cast<unsigned>(flag)]; }

  std::int32_t refcount() const {
    return static_cast<std::int32_t>(atomics::load(u32(shape_->refcount)));
  }
  /// Whether there are n to give back: a count that has crossed into the negative is large.
  bool has_refs(std::uint32_t n) const { return atomics::load(u32(shape_->refcount)) >= n; }
  void set_refcount(std::int32_t n) const {
    atomics::store(u32(shape_->refcount), static_cast<std::uint32_t>(n), atomics::kRelease);
  }
  /// Where nobody looks at the count before.
  void ref_inc(std::int32_t n = 1) const {
    atomics::add(u32(shape_->refcount), static_cast<std::uint32_t>(n));
  }
  /// Each returns the count before.
  std::int32_t ref_add(std::int32_t n) const {
    return static_cast<std::int32_t>(
        atomics::fetch_add(u32(shape_->refcount), static_cast<std::uint32_t>(n)));
  }
  std::int32_t ref_sub(std::int32_t n) const { return ref_add(-n); }
  /// Rule 2: adds n unless the count is zero. False: nothing was added.
  bool try_ref_add_unless_zero(std::int32_t n) const;
  /// The same, and not beyond `most` either.
  bool try_ref_add_up_to(std::uint32_t n, std::uint32_t most) const;
  /// Sets the count to 0 if it is exactly `expected`.
  bool try_freeze(std::int32_t expected) const {
    auto found = static_cast<std::uint32_t>(expected);
    if (planted(Mistake::kFreezeLooksFirst))
      return refcount() == expected && (set_refcount(0), true);
    return atomics::compare_exchange(u32(shape_->refcount), found, 0U);
  }
  void unfreeze(std::int32_t n) const { set_refcount(n); }

  /// As stored: -1 means not mapped.
  std::int32_t mapcount_raw() const {
    return static_cast<std::int32_t>(atomics::load(u32(shape_->mapcount)));
  }
  void set_mapcount_raw(std::int32_t n) const {
    atomics::store(u32(shape_->mapcount), static_cast<std::uint32_t>(n), atomics::kRelease);
  }
  std::int32_t mapcount_raw_add(std::int32_t n) const {
    return static_cast<std::int32_t>(
        atomics::fetch_add(u32(shape_->mapcount), static_cast<std::uint32_t>(n)));
  }

 private:
  [[gnu::always_inline]] bool change(Flag flag, bool to) const {
    const std::uint64_t mask = mask_of(flag);
    if (mask == 0) return false;
    if (planted(Mistake::kFlagsStoredBack) && to) {
      const std::uint64_t before = flags();
      set_flags(before | mask);
      return (before & mask) != 0;
    }
    if (shape_->word_bytes == 8)
      return (to ? atomics::set_bits(u64(0), mask) : atomics::clear_bits(u64(0), mask)) != 0;
    const auto bits = static_cast<std::uint32_t>(mask);
    return (to ? atomics::set_bits(u32(0), bits) : atomics::clear_bits(u32(0), bits)) != 0;
  }

  std::byte* at_ = nullptr;
  const Shape* shape_ = nullptr;
};

}  // namespace pagebox::inline PAGEBOX_ENV
