// A memmap, a zone and the pins of one scheme, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/box/assembly.h"
#include "page/folio.h"
#include "page/setup.h"
#include "pins/registry.h"

namespace pagebox::testing {

struct PinBox {
  Layout layout;
  Ledger ledger;
  Assembly assembly;
  Memmap* memmap = nullptr;
  Zone* zone = nullptr;
  Pins* pins = nullptr;

  Page page(std::uint64_t pfn) const { return memmap->page(Pfn{pfn}); }

  void set_up(std::uint64_t pfn, PageType type = PageType::kAnon, unsigned order = 0,
              bool on_lru = true) {
    ASSERT_EQ(setup_page(*memmap, *zone, Pfn{pfn}, {type, order, 1, on_lru}), Errc::kOk);
    pins->record_mappings(Pfn{pfn}, static_cast<std::uint32_t>(page(pfn).mapcount_raw() + 1));
  }

  /// The pages on all lists; also that every list can be walked.
  std::uint64_t listed() const {
    std::uint64_t pages = 0;
    Guard guard(zone->lru_lock());
    for (unsigned kind = 0; kind < kLruKinds; ++kind) {
      const Errc error = zone->for_each(static_cast<LruKind>(kind), [&](Page) { ++pages; });
      EXPECT_EQ(error, Errc::kOk);
    }
    return pages;
  }
};

inline std::unique_ptr<PinBox> make_box(const SchemeSpec& scheme, const Layout& layout,
                                        PinOptions options = {}, std::uint64_t pages = 2048,
                                        bool ledger = false, unsigned shards = 4) {
  auto box = std::make_unique<PinBox>();
  box->layout = layout_for(scheme, layout);
  AssemblySettings parts;
  parts.ram.layout = layout;
  parts.ram.pages = pages;
  parts.ram.zone = 0;
  parts.scheme = scheme;
  parts.shards = shards;
  parts.pins = options;
  if (ledger) {
    EXPECT_EQ(box->ledger.reserve(pages), Errc::kOk);
    parts.pins.ledger = &box->ledger;
  }
  EXPECT_EQ(box->assembly.create(parts), Errc::kOk);
  box->memmap = &box->assembly.memmap();
  box->zone = &box->assembly.zone();
  box->pins = &box->assembly.pins();
  return box;
}

inline std::unique_ptr<PinBox> make_box(const char* scheme, const char* layout,
                                        PinOptions options = {}, bool ledger = false) {
  return make_box(*find_scheme(scheme), *find_layout(layout), options, 2048, ledger);
}

/// Calls test(scheme, layout) for each pair that exists.
template <class Test>
void for_each_fit(Test test) {
  for (const Layout& layout : builtin_layouts())
    for (const SchemeSpec& scheme : builtin_schemes()) {
      if (!scheme_fits(scheme, layout_for(scheme, layout))) continue;
      SCOPED_TRACE(scheme.name + " on " + layout.name);
      test(scheme, layout);
    }
}

}  // namespace pagebox::testing
