#include "tests/planted/written.h"

#include <cstdlib>
#include <iostream>

#include "mm/pte.h"
#include "tests/tools/op_of.h"

namespace pagebox::testing {
namespace {

Op mmap(std::uint64_t pages) {
  Op op = op_of(OpCode::kMmap);
  op.pages = pages;
  op.prot = kProtRead | kProtWrite;
  return op;
}

/// Of one page.
Op on_page(OpCode code, std::uint64_t page, std::uint64_t value = 0) {
  Op op = op_of(code, value);
  op.page = page;
  op.n = 1;
  op.has_page = op.has_n = true;
  return op;
}

Op placed(OpCode code) {
  Op op = op_of(code);
  op.has_pfn = true;
  return op;
}

/// On no list, so its last unpin takes no lock, while a first pin has one.
Written isolated_page() {
  const Op pin = placed(OpCode::kPinPage), unpin = placed(OpCode::kUnpinPage);
  return {{{placed(OpCode::kSetUpPage), placed(OpCode::kIsolatePage)}, {{pin}, {pin, unpin}}, {}}};
}

/// Both see the device's entry, and one is through before the other goes on.
Written two_device_faults() {
  return {{{mmap(1), on_page(OpCode::kStore, 0, 7), on_page(OpCode::kMigrateToDev, 0)},
           {{on_page(OpCode::kLoad, 0)}, {on_page(OpCode::kLoad, 0)}},
           {}}};
}

/// A device that reads by its pin sees what is stored.
Written pinned_collapse() {
  Op pin = on_page(OpCode::kPin, 3), read = op_of(OpCode::kPinRead);
  pin.write = true;
  read.has_expect = true;
  read.expect = 8;
  Op collapse = op_of(OpCode::kMadvise);
  collapse.advice = Advice::kCollapse;
  Written written{{{mmap(kPagesPerPmd), on_page(OpCode::kStore, 3, 7), pin},
                   {{collapse, on_page(OpCode::kStore, 3, 8), read}},
                   {}}};
  written.pages = 4 * kPagesPerPmd;
  written.huge_pages = true;
  return written;
}

/// What a device has read of a page goes while it opens, by a call and by the page.
Written opened_device() {
  Op drop = on_page(OpCode::kMadvise, 0);
  drop.advice = Advice::kDontneed;
  return {{{mmap(1), on_page(OpCode::kStore, 0, 7)},
           {{op_of(OpCode::kOpenDev), on_page(OpCode::kDevRead, 0)}, {drop}},
           {}}};
}

/// A device closes while it is told of a change.
Written closed_device() {
  Op drop = on_page(OpCode::kMadvise, 0);
  drop.advice = Advice::kDontneed;
  return {{{mmap(1), on_page(OpCode::kStore, 0, 7), op_of(OpCode::kOpenDev)},
           {{op_of(OpCode::kCloseDev)}, {drop}},
           {}}};
}

/// A mapping goes while somebody faults in it.
Written unmapped_fault() {
  return {{{mmap(1)}, {{on_page(OpCode::kStore, 0, 7)}, {op_of(OpCode::kMunmap)}}, {}}};
}

}  // namespace

Written written_scenario(std::string_view name) {
  if (name == "isolated page") return isolated_page();
  if (name == "two device faults") return two_device_faults();
  if (name == "pinned collapse") return pinned_collapse();
  if (name == "opened device") return opened_device();
  if (name == "closed device") return closed_device();
  if (name == "unmapped fault") return unmapped_fault();
  std::cerr << "no scenario " << name << "\n";
  std::exit(2);
}

}  // namespace pagebox::testing
