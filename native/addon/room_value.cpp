#include "addon/room_value.h"

#include <bit>

#include "addon/bound.h"
#include "addon/layout_value.h"
#include "addon/names.h"
#include "addon/status.h"
#include "page/allocator.h"
#include "pins/probe.h"
#include "pins/room.h"

namespace pagebox::addon {

namespace {

JsObject& add_bits(JsObject& object, const BitRange& range, unsigned from, unsigned bits) {
  return object.number("tail", unsigned{range.tail})
      .number("offsetBytes", range.first_bit / 8U)
      .number("shift", range.first_bit % 8U + from)
      .number("bits", bits);
}

/// A mask may have holes: one element for each run of bits.
napi_value collisions_value(const JsValues& js, const std::vector<Collision>& collisions) {
  napi_value list = js.array();
  std::size_t n = 0;
  for (const Collision& collision : collisions) {
    for (unsigned at = 0; at < 64 && collision.mask >> at != 0;) {
      const std::uint64_t rest = collision.mask >> at;
      at += static_cast<unsigned>(std::countr_zero(rest));
      const auto bits = static_cast<unsigned>(std::countr_one(collision.mask >> at));
      JsObject object(js);
      object.text("field", collision.field);
      js.set(list, n++, add_bits(object, collision.range, at, bits).value());
      at += bits;
    }
  }
  return list;
}

napi_value claims_value(const JsValues& js, const std::vector<Claim>& claims) {
  return js.list(claims, [&](const Claim& claim) {
    JsObject object(js);
    object.text("field", claim.name);
    return add_bits(object, claim.range, 0, claim.range.bits)
        .boolean("byRight", claim.by_right)
        .value();
  });
}

using Analysis = Result<RoomCell> (*)(const SchemeSpec&, const Layout&, PageType, unsigned);

napi_value analyse(napi_env env, napi_callback_info info, Analysis analysis,
                   const char* collisions) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<4>(env, info);
    SchemeSpec scheme;
    Layout layout;
    char name[64];
    std::size_t length = 0;
    double order = -1;
    napi_get_value_string_utf8(env, args[2], name, sizeof name, &length);
    napi_get_value_double(env, args[3], &order);
    const int type = index_of(kPageTypeNames, {name, length});
    if (!read_scheme_ref(env, args[0], scheme) || !read_layout_ref(env, args[1], layout) ||
        type < 0 || !(order >= 0 && order <= kMaxOrder))
      return failure(env, Errc::kInval, "a scheme, a layout, a page type and an order");
    const Result<RoomCell> cell =
        analysis(scheme, layout, static_cast<PageType>(type), static_cast<unsigned>(order));
    if (!cell) return failure(env, cell.error, errc_name(cell.error));
    const JsValues js(env);
    JsObject object(js);
    object.text("cell", kCellKindNames[static_cast<unsigned>(cell.value.kind)])
        .text("reason", cell.value.reason)
        .set(collisions, collisions_value(js, cell.value.collisions));
    if (analysis != &room) return object.value();
    return object.set("claims", claims_value(js, cell.value.claims))
        .set("contested", js.texts(cell.value.contested))
        .number("claimedBits", cell.value.claimed_bits)
        .number("liveBits", cell.value.live_bits)
        .number("freeBits", cell.value.free_bits)
        .value();
  });
}

}  // namespace

napi_value room_value(napi_env env, napi_callback_info info) {
  return analyse(env, info, &room, "collisions");
}

napi_value probe_value(napi_env env, napi_callback_info info) {
  return analyse(env, info, &probe, "damaged");
}

}  // namespace pagebox::addon
