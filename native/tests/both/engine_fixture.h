// Boxes for the engine's tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/audit/audit.h"
#include "engine/box/box.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {

struct TestBox {
  std::string scheme = "refcount-bias", layout = "linux-6.12";
  std::uint64_t pages = 64;
  bool ledger = true;
  bool populate = true;
  AsymmetricBarrier::Payer gate_payer = AsymmetricBarrier::Payer::kRare;

  std::shared_ptr<Box> make() const {
    BoxSettings settings;
    settings.layout = *find_layout(layout);
    settings.scheme = *find_scheme(scheme);
    settings.pages = pages;
    settings.ledger = ledger;
    settings.populate_anon = populate;
    settings.gate_payer = gate_payer;
    std::shared_ptr<Box> box;
    std::string reason;
    EXPECT_EQ(Box::create(settings, box, &reason), Errc::kOk) << reason;
    return box;
  }
};

inline AuditReport audit_of(Box& box) {
  AuditReport report;
  EXPECT_EQ(audit(box, report), Errc::kOk);
  return report;
}

/// The rows in words, for a failing test's message.
inline std::string text_of(const AuditReport& report) {
  std::string text;
  for (const AuditRow& row : report.rows) text += row_text(row) + "\n";
  return text;
}

#define EXPECT_CLEAN(box)                                        \
  do {                                                           \
    const auto report_ = ::pagebox::audit_of(box);               \
    EXPECT_TRUE(report_.clean()) << ::pagebox::text_of(report_); \
  } while (false)

}  // namespace pagebox::inline PAGEBOX_ENV
