#include "addon/bound.h"
#include "addon/by_name.h"
#include "addon/layout_value.h"
#include "addon/names.h"
#include "addon/status.h"
#include "addon/tables.h"
#include "pins/registry.h"

namespace pagebox::addon {

namespace {

napi_value flag_value(const JsValues& js, const FlagPlace& flag) {
  return JsObject(js)
      .number("word", int{flag.word})
      .number("bit", int{flag.bit})
      .text("field", flag.field)
      .value();
}

FlagPlace read_place(JsRead& from) {
  return {static_cast<std::int16_t>(from.signed_integer("word", FlagPlace::kNone, 5)),
          static_cast<std::int16_t>(from.signed_integer("bit", FlagPlace::kLowestFree, 63)),
          from.text("field")};
}

FlagPlace read_flag(JsRead& from, const char* key) {
  FlagPlace flag;
  from.object(key, [&](JsRead& place) { flag = read_place(place); });
  return flag;
}

PinEventSet read_events(JsRead& from, const char* key) {
  PinEventSet set;
  from.texts(key, [&](const std::string& name) {
    const int event = index_of(kPinEventNames, name);
    if (event < 0) return from.fail();
    set.bits |= 1U << static_cast<unsigned>(event);
  });
  return set;
}

napi_value state_value(const JsValues& js, const StateBit& state) {
  return JsObject(js)
      .text("name", state.name)
      .number("word", int{state.place.word})
      .number("bit", int{state.place.bit})
      .text("field", state.place.field)
      .set("set", js.names_of(kPinEventNames, state.sets.bits))
      .set("clear", js.names_of(kPinEventNames, state.clears.bits))
      .value();
}

StateBit read_state(JsRead& from) {
  StateBit state;
  state.name = from.text("name");
  state.place = read_place(from);
  state.sets = read_events(from, "set");
  state.clears = read_events(from, "clear");
  return state;
}

PinEffectSet read_effects(JsRead& from, const char* key) {
  PinEffectSet set;
  from.texts(key, [&](const std::string& name) {
    const int effect = index_of(kPinEffectNames, name);
    if (effect < 0) return from.fail();
    set.bits |= 1U << static_cast<unsigned>(effect);
  });
  return set;
}

napi_value quirk_names(const JsValues& js, QuirkSet quirks) {
  std::vector<std::string_view> names;
  for (const QuirkInfo& row : quirk_table())
    if (quirks.has(row.quirk)) names.push_back(row.name);
  return js.texts(names);
}

}  // namespace

napi_value scheme_value(const JsValues& js, const SchemeSpec& scheme) {
  return JsObject(js)
      .text("name", scheme.name)
      .text("summary", scheme.summary)
      .text("source", scheme.source)
      .text("protocol", kProtocolNames[static_cast<unsigned>(scheme.protocol)])
      .text("place", kCountPlaceNames[static_cast<unsigned>(scheme.place)])
      .number("countWord", unsigned{scheme.count_word})
      .text("countField", scheme.count_field)
      .number("countShift",
              scheme.count_in_free_bits ? int{FlagPlace::kLowestFree} : int{scheme.count_shift})
      .number("countBits", unsigned{scheme.count_bits})
      .number("packedBits", unsigned{scheme.packed_bits})
      .set("pinned", flag_value(js, scheme.pinned))
      .set("wasLru", flag_value(js, scheme.was_lru))
      .text("atLimit", kAtLimitNames[static_cast<unsigned>(scheme.at_limit)])
      .set("states",
           js.list(scheme.states, [&](const StateBit& state) { return state_value(js, state); }))
      .number("refsPerPin", scheme.refs_per_pin)
      .big("maxPins", scheme.max_pins)
      .text("answer", kPinAnswerNames[static_cast<unsigned>(scheme.answer)])
      .text("falsePositives", scheme.false_positives)
      .text("locks", scheme.locks)
      .set("types", page_types(js, scheme.types))
      .set("effects", js.names_of(kPinEffectNames, scheme.effects.bits))
      .set("quirks", quirk_names(js, scheme.quirks))
      .value();
}

SchemeSpec read_scheme(JsRead& from) {
  SchemeSpec scheme;
  scheme.name = from.text("name");
  scheme.summary = from.text("summary");
  scheme.source = from.text("source");
  const int protocol = index_of(kProtocolNames, from.text("protocol"));
  const int place = index_of(kCountPlaceNames, from.text("place"));
  const int at_limit = index_of(kAtLimitNames, from.text("atLimit"));
  if (protocol < 0 || place < 0 || at_limit < 0) {
    from.fail();
    return scheme;
  }
  scheme.protocol = static_cast<Protocol>(protocol);
  scheme.place = static_cast<CountPlace>(place);
  scheme.at_limit = static_cast<AtLimit>(at_limit);
  scheme.count_word = static_cast<std::uint8_t>(from.integer("countWord", 5));
  scheme.count_field = from.text("countField");
  const std::int64_t shift = from.signed_integer("countShift", FlagPlace::kLowestFree, 63);
  scheme.count_in_free_bits = shift == FlagPlace::kLowestFree;
  if (shift == FlagPlace::kNone) from.fail();
  scheme.count_shift = static_cast<std::uint8_t>(shift < 0 ? 0 : shift);
  scheme.count_bits = static_cast<std::uint8_t>(from.integer("countBits", 64));
  scheme.packed_bits = static_cast<std::uint8_t>(from.integer("packedBits", 64));
  scheme.pinned = read_flag(from, "pinned");
  scheme.was_lru = read_flag(from, "wasLru");
  from.objects("states", [&](JsRead& state) { scheme.states.push_back(read_state(state)); });
  scheme.refs_per_pin = static_cast<std::uint32_t>(from.integer("refsPerPin", kRefcountMax));
  scheme.types = read_page_types(from, "types");
  if (scheme.refs_per_pin == 0) from.fail();
  if (from.ok()) complete_scheme(scheme);
  if (const std::string said = from.text("falsePositives"); !said.empty())
    scheme.false_positives = said;
  // What the declaration itself says goes before what follows from the rest.
  if (from.has("effects")) scheme.effects = read_effects(from, "effects");
  return scheme;
}

napi_value placed_scheme(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<2>(env, info);
    SchemeSpec scheme;
    Layout layout;
    if (!read_scheme_ref(env, args[0], scheme) || !read_layout_ref(env, args[1], layout))
      return failure(env, Errc::kInval, "a scheme and a layout");
    return scheme_value(JsValues(env), placed(scheme, layout));
  });
}

bool read_scheme_ref(napi_env env, napi_value value, SchemeSpec& out) {
  return read_named(env, value, out, find_scheme, read_scheme,
                    [](const SchemeSpec& scheme) { return check_scheme(scheme); });
}

SchemeSpec read_scheme_ref(JsRead& from, const char* key) {
  SchemeSpec scheme;
  if (!read_scheme_ref(from.env(), from.property(key), scheme)) from.fail();
  return scheme;
}

}  // namespace pagebox::addon
