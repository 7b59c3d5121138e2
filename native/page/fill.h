// Two legal fills of a page: every live field holds a legal value, and the two
// differ in as many bits as its kind allows. Whoever writes over a live bit is
// seen in at least one of them: a constant differs from one of two complements,
// and a bit that both fills hold equal has one legal value only.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "page/setup.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class FillSide : std::uint8_t { kFirst, kSecond };

/// Where a fill happens: the page, and those that become its neighbours on a
/// list, two for each side (next, prev), with complementary pfns.
struct FillSite {
  Pfn pfn{0x400};
  std::array<Pfn, 4> neighbours{Pfn{0x155}, Pfn{0x2cc}, Pfn{0xeaa}, Pfn{0xd33}};

  /// A memmap of this many pages holds the site above for every order.
  static constexpr std::uint64_t kPages = 0x1000;
};

struct FillRequest {
  PageSetup setup;
  /// `_mapcount` and the folio's mapcounts stay as setup_page() leaves them, for
  /// what counts in them.
  bool keep_mapcount = false;
};

/// Sets up the page (setup_page's errors) and fills it. Left as setup_page()
/// leaves them: references, pin counts, and what has one legal value. A page
/// that is to be on an LRU list is linked between the side's two neighbours.
Errc fill_page(Memmap& memmap, Zone& zone, const FillSite& site, const FillRequest& request,
               FillSide side);

/// The type whose fields are live in page `tail` of the folio (0: the head). page[3] and those
/// behind it are second tails of which is_live_in_tail() leaves what all tails share.
PageType filled_type(const PageSetup& setup, unsigned tail);
bool is_live_in_tail(const Layout& layout, const Field& field, unsigned tail, PageType type);

/// Pages of such a folio that differ from all others: the head (0), page[1], page[2], and where
/// the layout has its pin count behind these, that one.
std::vector<unsigned> tails_of_interest(const Layout& layout, unsigned order);

/// Whether the field says something on such a page now. List words are live on a
/// list only, and a contested field has no room.
bool is_live(const Field& field, PageType type, bool on_lru);

/// The bits of page->flags that are named in this layout, and those of them that
/// may have either value on such a page.
struct FlagBits {
  std::uint64_t live = 0, variable = 0;
};
FlagBits flag_bits(const Layout& layout, PageType type);

}  // namespace pagebox::inline PAGEBOX_ENV
