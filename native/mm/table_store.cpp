#include "mm/table_store.h"

#include <utility>

namespace pagebox::inline PAGEBOX_ENV {

Errc TableStore::create(std::uint64_t pages) {
  auto records = Mapping::reserve(pages * sizeof(TableRecord));
  if (!records) return records.error;
  auto entries = Mapping::reserve_large(pages * kPageBytes);
  if (!entries) return entries.error;
  records_ = std::move(records.value);
  entries_ = std::move(entries.value);
  pages_ = pages;
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
