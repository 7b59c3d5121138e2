#include "explore/page_fields.h"

#include <cstring>

#include "explore/places.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Counts are signed: no mapping is -1.
bool is_signed(FieldKind kind) {
  return kind == FieldKind::kMapcount || kind == FieldKind::kRefcount ||
         kind == FieldKind::kPincount;
}

PageFields::Value value_of(const Layout& layout, Page page, PageType type,
                           const std::string& name) {
  for (const Field& field : layout.fields) {
    if (field.name != name || !field.types.has(type)) continue;
    std::uint64_t word = 0;
    const unsigned bytes = (field.shift + field.bits + 7U) / 8U;
    std::memcpy(&word, page.at() + field.offset_bytes, bytes < 8 ? bytes : 8);
    word >>= field.shift;
    PageFields::Value value{.is_there = true, .is_signed = is_signed(field.kind), .value = word};
    if (field.bits < 64) {
      const std::uint64_t sign = std::uint64_t{1} << (field.bits - 1U);
      value.value &= (sign << 1U) - 1;
      if (value.is_signed && (value.value & sign) != 0) value.value |= ~((sign << 1U) - 1);
    }
    return value;
  }
  return {};
}

}  // namespace

std::vector<PageFields> fields_of(Sandbox& sandbox, std::span<const std::string> names) {
  const Memmap& memmap = sandbox.box().memmap();
  const Places places(sandbox);
  std::vector<PageFields> all;
  places.for_each_page([&](std::string place, Pfn pfn) {
    PageFields& found = all.emplace_back();
    found.place = std::move(place);
    const Page page = memmap.page(pfn);
    for (const std::string& name : names)
      found.values.push_back(value_of(memmap.layout(), page, places.type_of(pfn), name));
  });
  return all;
}

}  // namespace pagebox::inline PAGEBOX_ENV
