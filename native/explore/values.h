// What words say, for people and reports: fields of a descriptor, a page table entry, who
// takes a lock. As with names of places, no text holds an address.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/model/strategy.h"
#include "engine/box/sandbox.h"

namespace pagebox::inline PAGEBOX_ENV {

struct LockChange {
  std::string lock;   // "mmap_lock p", "folio lock of page 42"; empty: none
  std::string event;  // "takes", "takes to read", "gives back", "waits for"
};

class Values {
 public:
  explicit Values(Sandbox& sandbox) : sandbox_(sandbox) {}

  /// What `value` would say at that place; empty: no more than a number does.
  std::string text(const void* at, std::uint32_t bytes, std::uint64_t value) const;
  /// Of a step with values, at the place of that name.
  LockChange lock(const Step& step, std::string_view place) const;

 private:
  std::string in_page(const std::byte* at, std::uint32_t bytes, std::uint64_t value) const;

  Sandbox& sandbox_;
};

/// "pfn 42 write dirty", "swap slot 3", "migration of pfn 7, write"; "none".
std::string pte_text(std::uint64_t value);

}  // namespace pagebox::inline PAGEBOX_ENV
