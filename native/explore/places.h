// Names of places for people and reports: `page 42 word 6 _refcount`, `pte p:a+3`,
// `mmap_lock p`, `lru_lock`. The machine says what lies where, and only when asked; a
// schedule pays nothing for it. No name holds an address.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/box/sandbox.h"

namespace pagebox::inline PAGEBOX_ENV {

class Places {
 public:
  explicit Places(Sandbox& sandbox)
      : sandbox_(sandbox),
        memmap_(sandbox.box().memmap()),
        machine_(sandbox.has_machine() ? &sandbox.machine() : nullptr) {}

  /// As things are now: a page table entry is named by what its table maps. Takes no
  /// lock and changes nothing; not from within a run.
  std::string name(const void* at) const;
  /// Pages that were set up by hand, by their numbers, then what processes map, `p:a+3`: a
  /// page as often as it is mapped. Entries of pages in a device and of migration count.
  void for_each_page(const std::function<void(std::string, Pfn)>& fn) const;
  /// What a page is used as.
  PageType type_of(Pfn pfn) const;

 private:
  std::optional<std::string> of_page(const std::byte* at) const;
  std::optional<std::string> of_box(const std::byte* at) const;
  std::optional<std::string> of_table(const std::byte* at) const;
  std::optional<std::string> of_process(const std::byte* at) const;
  std::optional<std::string> of_machine(const std::byte* at) const;

  Sandbox& sandbox_;
  const Memmap& memmap_;
  Machine* const machine_;  // null: there are only descriptors
};

/// "load", "store", "add" …: what a step does.
std::string_view access_name(Access access);

}  // namespace pagebox::inline PAGEBOX_ENV
