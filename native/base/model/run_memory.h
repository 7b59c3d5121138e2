// Where a machine lives on which many schedules run: what they changed is copied back
// instead of the machine being made anew. While a RunMemory is in use on an OS thread, all
// that the model's half allocates there comes from it (wrap_new.cpp): containers, objects,
// Mappings. So nothing can be forgotten by who writes the core, and what abandoned fibers
// held is gone with the rest.
//
//   make the machine in use of it; keep(); { run; … ; restore() } again and again
//
// Every schedule begins with the same bytes at the same addresses. What outlives a
// schedule must not be allocated in use of it: see OutsideRunMemory.
//
// How it is known what has changed. Of the blocks that were kept: by comparison, since containers
// write where nobody is told. Blocks that a schedule asks for lie behind those. Of Mappings
// (descriptors, tables, frames): who writes says which bytes, wrote(). Base/'s own stores do; the
// core has to where it uses none of them (base/memory_changes.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/env.h"
#include "base/model/run_memory_parts.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What differs from what was kept, as a number: equal states have equal digests. Which blocks
/// are free is no part of it.
struct StateDigest {
  std::uint64_t low = 0, high = 0;
  auto operator<=>(const StateDigest&) const = default;
};

class RunMemory {
 public:
  /// Null: this build or this system has none (sanitizers look after each object by itself;
  /// `new` is not led here; the addresses are taken). Then machines are made anew.
  static std::unique_ptr<RunMemory> create();
  ~RunMemory();
  RunMemory(const RunMemory&) = delete;
  RunMemory& operator=(const RunMemory&) = delete;

  /// What is allocated from now on until keep(), if at all, nobody changes after that: it is not
  /// looked at. See base/constant_memory.h.
  bool set_constant(bool is_constant) { return std::exchange(is_constant_, is_constant); }
  /// What is here now is what restore() brings back. Called once. False: too much to be copied.
  /// Small blocks that are free now are never handed out again: nobody has to look at them.
  bool keep();
  StateDigest digest();
  /// Copies back what has changed. No object made since keep() is destroyed, it is gone.
  void restore();
  /// The same, where nobody has written since digest(), which has found all that differs.
  void restore_digested();
  /// Every byte is as kept, marked or not; slow, for tests.
  bool is_as_kept() const;

  std::size_t kept_bytes() const { return kept_.size(); }

  // For wrap_new.cpp and Mapping.
  static bool owns(const void* at) {
    return reinterpret_cast<std::uintptr_t>(at) >> kWindowShift == kWindow;
  }
  /// A number for an address that does not depend on the slot; 0: not in such memory.
  static std::uint64_t place_of(const void* at) {
    return owns(at) ? reinterpret_cast<std::uintptr_t>(at) & (kSlotBytes - 1) : 0;
  }
  /// Null: full.
  void* allocate(std::size_t size_bytes, std::size_t alignment_bytes);
  static void release(void* at);
  /// In what this schedule has freed, where checked fields were (base/plain.h): of so much that is
  /// not used again in it, so that who still goes there is found.
  static bool was_freed(const void* at) {
    const std::uint64_t place = place_of(at);
    if (!owns(at) || place >= kHeapBytes) return false;
    const std::byte* const slot = static_cast<const std::byte*>(at) - place;
    return has_bit(reinterpret_cast<const std::uint64_t*>(slot + kFreedBits), place / 16);
  }
  /// A checked field is made there.
  static void holds_field(const void* at) {
    const std::uint64_t place = place_of(at);
    if (owns(at) && place < kHeapBytes)
      set_bits(owner_of(at)->bits(kCheckedBits), place / 16, 1, true);
  }
  /// Whole zero pages. Who changes them says so: wrote(). Null: full.
  std::byte* map(std::size_t size_bytes, std::size_t alignment_bytes);
  /// These bytes of a mapping change in this step, or just did; any others: nothing to be said.
  static void wrote(const void* at, std::size_t bytes) {
    if (!owns(at)) return;
    const std::uint64_t place = place_of(at);
    if (place >= kHeapBytes) owner_of(at)->note(place - kHeapBytes, bytes);
  }

 private:
  // Memory of its own kind is known by its address, so that it can be given back
  // anywhere: 16 TiB far from where systems map, a slot of 64 GiB each.
  static constexpr unsigned kWindowShift = 44, kSlotShift = 36;
  static constexpr std::uintptr_t kWindow = 2, kSlots = std::uintptr_t{1} << (44 - kSlotShift);
  static constexpr std::size_t kSlotBytes = std::size_t{1} << kSlotShift;
  static constexpr std::size_t kPageBytes = 4096, kLineBytes = 64,
                               kPageLines = kPageBytes / kLineBytes;
  struct Head {  // the first bytes of a slot
    RunMemory* owner = nullptr;
  };
  /// Free blocks of a class, the last first: where they begin, in 16 bytes.
  using FreeList = std::vector<std::uint32_t>;

  RunMemory() = default;
  static RunMemory* owner_of(const void* at) {
    const auto* byte = static_cast<const std::byte*>(at);
    const std::byte* slot = byte - (reinterpret_cast<std::uintptr_t>(byte) & (kSlotBytes - 1));
    return reinterpret_cast<const Head*>(slot)->owner;
  }
  void note(std::size_t mapped_bytes, std::size_t bytes) {
    const std::size_t first = mapped_bytes / kLineBytes;
    const std::size_t last = (mapped_bytes + bytes - 1) / kLineBytes;
    if (first != last) return note_lines(first, last);
    if ((written_[first / kPageLines].lines >> first % kPageLines & 1) == 0)
      note_lines(first, last);
  }
  void note_lines(std::size_t first, std::size_t last);
  void add(std::uint32_t page);
  std::uint64_t kept_lines(std::uint32_t page) const;
  void mark(const std::byte* at) {
    const auto page = static_cast<std::uint32_t>((at - base_) / kPageBytes);
    if ((marked_[page / 64] >> page % 64 & 1) == 0) [[unlikely]]
      add(page);
  }
  void mark_block(const std::byte* begin, const std::byte* last);
  void* allocate_constant(std::size_t size_bytes, std::size_t alignment_bytes);
  StateDigest digest_of_constants() const;
  void push_free(unsigned of, const std::byte* begin);
  /// Of 16 bytes each.
  struct Units {
    std::size_t first = 0, count = 0;
  };
  Units units_of(const std::byte* begin, std::size_t bytes) const {
    return {static_cast<std::size_t>(begin - base_) / 16, bytes / 16};
  }
  std::uint64_t* bits(std::size_t which) { return reinterpret_cast<std::uint64_t*>(base_ + which); }
  bool hold_back(Units block);
  std::vector<std::uint64_t> dead_lines() const;
  void look_at(std::uint32_t page, std::uint64_t lines, const std::byte* kept);
  template <class Step>
  void each_fresh_line(Step step);
  // Pages of mappings are counted from the first one.
  const std::byte* mapped_page(std::uint32_t page) const {
    return base_ + kHeapBytes + page * kPageBytes;
  }
  const std::byte* kept_of(std::uint32_t page) const;
  template <class Step>
  void each_line(std::uint32_t page, std::uint64_t lines, Step step) const;
  void restore_others();
  void warm_up();
  void reset_books();

  std::byte* base_ = nullptr;
  std::size_t heap_used_ = 0, mapped_ = 0, kept_heap_used_ = 0, kept_mapped_ = 0;
  std::size_t heap_marked_ = 0;  // of the heap's begin: every page
  std::array<FreeList, kClasses> free_, kept_free_;
  std::vector<Units> held_back_;                                     // freed since keep()
  std::size_t held_back_bytes_ = 0;                                  // of what was not kept
  std::array<std::uint64_t, (kClasses + 63) / 64> changed_lists_{};  // since keep(), a bit a class

  bool is_constant_ = false;
  std::size_t constants_used_ = 0;
  StateDigest kept_constants_;

  struct Page {
    std::uint32_t number;
    const std::byte* kept;
  };
  std::vector<Page> pages_;            // of the heap, that were handed out
  std::vector<std::uint64_t> marked_;  // a bit a page of the heap
  std::vector<std::byte> kept_;        // of pages that were not all zero
  // Of the mappings.
  struct Written {
    std::uint64_t lines = 0;          // a bit each: since keep(), or since restore()
    const std::byte* kept = nullptr;  // null: zero
  };
  Written* written_ = nullptr;                // of each page of theirs; untouched ones cost nothing
  std::vector<std::uint32_t> written_pages_;  // of which a line is
  // What of the heap may differ from what was kept, in lines of 64 bytes: those that once did, and
  // the others, which most schedules leave alone and which are compared many at once.
  struct Hot {
    std::uint32_t line;
    const std::byte* kept;
  };
  struct Cold {
    std::uint32_t line, lines;
    const std::byte* kept;
  };
  std::vector<Hot> hot_;
  std::vector<Cold> cold_;
  std::vector<std::uint32_t> changed_;  // of hot_, as digest() found it
  bool has_kept_ = false;
};

/// In use on the calling OS thread; null: none.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local RunMemory* run_memory_in_use;

/// Uses `memory` (null: none) while it lives.
class [[nodiscard]] UseRunMemory {
 public:
  explicit UseRunMemory(RunMemory* memory) : outer_(run_memory_in_use) {
    run_memory_in_use = memory;
  }
  ~UseRunMemory() { run_memory_in_use = outer_; }
  UseRunMemory(const UseRunMemory&) = delete;
  UseRunMemory& operator=(const UseRunMemory&) = delete;

 private:
  RunMemory* const outer_;
};

/// For what outlives the schedule that it is allocated in.
class [[nodiscard]] OutsideRunMemory : UseRunMemory {
 public:
  OutsideRunMemory() : UseRunMemory(nullptr) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
