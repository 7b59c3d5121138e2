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
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What differs from what was kept, as a number: equal states have equal digests.
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

  /// What is here now is what restore() brings back. False: too much to be copied.
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
  /// Whole zero pages. `by_page`: all accesses go through mark(); else each page may change
  /// any time. Null: full.
  std::byte* map(std::size_t size_bytes, std::size_t alignment_bytes, bool by_page);
  /// The page at `at` may be read and written from now on.
  static void mark(const std::byte* at);

 private:
  // Memory of its own kind is known by its address, so that it can be given back
  // anywhere: 16 TiB far from where systems map, a slot of 64 GiB each.
  static constexpr unsigned kWindowShift = 44, kSlotShift = 36;
  static constexpr std::uintptr_t kWindow = 2, kSlots = std::uintptr_t{1} << (44 - kSlotShift);
  static constexpr std::size_t kSlotBytes = std::size_t{1} << kSlotShift;
  static constexpr std::size_t kPageBytes = 4096;
  struct Head;  // the first bytes of a slot; kept and restored like the rest

  RunMemory() = default;
  Head& head() const;
  static RunMemory* owner_of(const void* at);
  void add(std::uint32_t page);
  const std::byte* kept_page(std::size_t index) const;
  void copy_back(std::size_t index);
  bool differs(std::size_t index) const;

  std::byte* base_ = nullptr;
  // Pages that may differ from what was kept, in the order in which they were marked;
  // those behind kept_pages_ were all zero then.
  std::vector<std::uint32_t> pages_;
  std::vector<std::uint64_t> marked_;  // a bit a page of the slot
  std::vector<std::byte> kept_;
  std::size_t kept_pages_ = 0;
  struct Changed {
    std::uint32_t index;  // of pages_
    std::uint64_t lines;  // of 64 bytes, a bit each
  };
  std::vector<Changed> changed_;  // as digest() found it
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
