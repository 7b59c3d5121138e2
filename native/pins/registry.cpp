#include "pins/registry.h"

#include "pins/schemes/flag_and_word.h"
#include "pins/schemes/folio_pincount.h"
#include "pins/schemes/lru_overlay.h"
#include "pins/schemes/mapcount_overlay.h"
#include "pins/schemes/own_counter.h"
#include "pins/schemes/packed_32.h"
#include "pins/schemes/packed_64.h"
#include "pins/schemes/refcount.h"
#include "pins/schemes/refcount_bias.h"
#include "pins/schemes/sharded.h"
#include "pins/schemes/side_table.h"

namespace pagebox::inline PAGEBOX_ENV {

const std::vector<SchemeSpec>& builtin_schemes() {
  static const std::vector<SchemeSpec> schemes = {
      refcount_scheme(),         lru_overlay_scheme(),   packed_64_scheme(),
      packed_32_scheme(),        flag_and_word_scheme(), own_counter_scheme(),
      mapcount_overlay_scheme(), refcount_bias_scheme(), folio_pincount_scheme(),
      side_table_scheme(),       sharded_scheme()};
  return schemes;
}

const SchemeSpec* find_scheme(std::string_view name) {
  for (const SchemeSpec& scheme : builtin_schemes())
    if (scheme.name == name) return &scheme;
  return nullptr;
}

}  // namespace pagebox::inline PAGEBOX_ENV
