// What the walk of an audit finds of each page, and what its descriptor must hold by that.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "engine/audit/audit_mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What the walk finds about one page.
struct PageAccount {
  std::uint32_t mappings = 0, leaves = 0, other_entries = 0, caches = 0, batches = 0, gets = 0,
                pins = 0, isolations = 0;
  bool table = false;

  std::string describe() const {
    std::string out = std::to_string(mappings) + " mappings";
    const auto add = [&](std::uint32_t n, const char* what) {
      if (n > 0) out += ", " + std::to_string(n) + " " + what;
    };
    add(leaves, "pmd mappings");
    add(other_entries, "entries without a mapping");
    add(caches, "caches and buffers");
    add(batches, "LRU batches");
    add(gets, "references");
    add(pins, "pins");
    add(isolations, "isolations");
    if (table) out += ", page table";
    return out;
  }
};

struct PageAccounts {
  std::map<Pfn, PageAccount> pages;       // by head
  std::map<Pfn, std::uint32_t> mappings;  // entries of this very page
  std::set<Pfn> in_add_batch;             // on the way to a list
};

/// Mapped by a driver's mmap: neither anonymous nor a file's.
inline bool is_of_driver(Page page) { return page.mapping() == 0; }

/// Every page of the machine, the queue of partially mapped ones, and GUP's statistics.
void audit_mm_pages(Machine& machine, const MmAuditInput& input, const PageAccounts& found,
                    AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
