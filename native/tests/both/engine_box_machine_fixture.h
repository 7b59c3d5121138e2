// A box with a machine and an address space, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/audit/audit.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "mm/fault/user_access.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {

struct MachineBox {
  std::shared_ptr<Box> box;
  BoxMachine* machine = nullptr;
  ObjectId id = 0;
  BoxMm* mm = nullptr;

  explicit MachineBox(std::uint64_t device_pages = 64) {
    BoxSettings settings;
    settings.layout = *find_layout("linux-6.12");
    settings.scheme = *find_scheme("refcount-bias");
    settings.pages = 1024;
    settings.device_pages = device_pages;
    settings.address_spaces = true;
    EXPECT_EQ(Box::create(settings, box), Errc::kOk);
    EXPECT_EQ(box->ensure_machine(), Errc::kOk);
    machine = box->machine();
    const auto made = machine->create_mm(0);
    EXPECT_TRUE(made);
    id = made.value;
    mm = machine->mm(id);
  }

  std::uint64_t map(std::uint64_t pages) {
    MmapRequest request;
    request.address = BoxMachine::find_gap(*mm->mm, pages).value;
    request.pages = pages;
    request.prot = kVmRead | kVmWrite;
    EXPECT_EQ(do_mmap(machine->cpu(0), *mm->mm, request), Errc::kOk);
    for (std::uint64_t i = 0; i < pages; ++i)
      EXPECT_EQ(store_word(machine->cpu(0), *mm->mm, request.address + i * kPageBytes, i + 1),
                FaultResult::kOk);
    return request.address;
  }

  std::string audit() {
    AuditReport report;
    EXPECT_EQ(::pagebox::audit(*box, report), Errc::kOk);
    std::string text;
    for (const AuditRow& row : report.rows)
      text += std::string(invariant_name(row.invariant)) + " " + row.field + " " +
              std::to_string(row.place.at) + " " + std::to_string(row.expected) + "/" +
              std::to_string(row.found) + " " + row.explanation + "\n";
    return text;
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
