// What a box shows of its pages, and how they are set up.
#include <algorithm>

#include "addon/audit_value.h"
#include "addon/box_object.h"
#include "addon/names.h"
#include "engine/audit/audit.h"

namespace pagebox::addon {

namespace {

std::string text_of(napi_env env, napi_value value) {
  char text[64];
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env, value, text, sizeof text, &length) != napi_ok) return {};
  return {text, length};
}

/// Calls look(box, pfn) on an open box. Reads are atomic, so a race may go on meanwhile.
template <class Look>
napi_value look_at(napi_env env, const BoxObject& object, napi_value page, Look look) {
  std::uint64_t pfn = 0;
  if (!object.read_pfn(env, page, pfn)) return status(env, kBadFirst);
  if (!object.open()) return status(env, kClosedBox);
  return look(object.box(), Pfn{pfn});
}

napi_value page_words(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 2> call(env, info);
  return look_at(env, *call.object, call.args[0], [&](const Box& box, Pfn pfn) -> napi_value {
    napi_typedarray_type kind = napi_int8_array;
    std::size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env, call.args[1], &kind, &length, &data, nullptr, nullptr) !=
            napi_ok ||
        kind != napi_biguint64_array)
      return status(env, kBadSecond);
    const auto found = box.words(pfn);
    if (!found) return status(env, found.error);
    if (data == nullptr || length < found.value.count) return status(env, kBadSecond);
    std::copy_n(found.value.words.begin(), found.value.count, static_cast<std::uint64_t*>(data));
    return nullptr;
  });
}

napi_value pfn_limit(napi_env env, napi_callback_info info) {
  const auto limit = bound_object<BoxObject>(env, info).pfn_limit();
  return JsValues(env).number(static_cast<double>(limit));
}

napi_value type_of(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 1> call(env, info);
  return look_at(env, *call.object, call.args[0], [&](const Box& box, Pfn pfn) {
    const auto type = box.type_of(pfn);
    if (!type) return status(env, type.error);
    return JsValues(env).text(kPageTypeNames[static_cast<unsigned>(type.value)]);
  });
}

/// The pfn of the head; -1 is a bad argument, and -4097 a tail that names no head.
napi_value head_of(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 1> call(env, info);
  return look_at(env, *call.object, call.args[0], [&](const Box& box, Pfn pfn) {
    const auto head = box.head_of(pfn);
    return head ? JsValues(env).number(head.value.value)
                : status(env, -static_cast<int>(head.error));
  });
}

napi_value setup(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 5> call(env, info);
    std::uint64_t pfn = 0;
    if (!call.object->read_pfn(env, call.args[0], pfn)) return status(env, kBadFirst);
    const int type = index_of(kPageTypeNames, text_of(env, call.args[1]));
    double order = -1, mapcount = -1;
    bool on_lru = false;
    napi_get_value_double(env, call.args[2], &order);
    napi_get_value_double(env, call.args[3], &mapcount);
    napi_get_value_bool(env, call.args[4], &on_lru);
    if (type < 0 || !(order >= 0 && order <= kMaxOrder) || !(mapcount >= 0 && mapcount <= 1 << 30))
      return status(env, kBadSecond);
    const PageSetup setup = {.type = static_cast<PageType>(type),
                             .order = static_cast<unsigned>(order),
                             .mapcount = static_cast<std::uint32_t>(mapcount),
                             .on_lru = on_lru};
    Errc error = Errc::kOk;
    const int why = call.object->during_call([&](Box& box) { error = box.setup(Pfn{pfn}, setup); });
    return why != 0 ? status(env, why) : status(env, error);
  });
}

napi_value isolate(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 1> call(env, info);
  std::uint64_t pfn = 0;
  if (!call.object->read_pfn(env, call.args[0], pfn)) return status(env, kBadFirst);
  Result<bool> taken = false;
  if (const int why = call.object->during_call([&](Box& box) { taken = box.isolate(Pfn{pfn}); }))
    return status(env, why);
  return taken ? JsValues(env).boolean(taken.value) : status(env, taken.error);
}

napi_value putback(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 1> call(env, info);
  std::uint64_t pfn = 0;
  if (!call.object->read_pfn(env, call.args[0], pfn)) return status(env, kBadFirst);
  Errc error = Errc::kOk;
  if (const int why = call.object->during_call([&](Box& box) { error = box.putback(Pfn{pfn}); }))
    return status(env, why);
  return status(env, error);
}

/// Pfns go into memory of JavaScript's own.
napi_value number_array(napi_env env, const std::vector<std::uint32_t>& pfns) {
  void* data = nullptr;
  napi_value buffer = nullptr, array = nullptr;
  if (napi_create_arraybuffer(env, pfns.size() * sizeof(std::uint32_t), &data, &buffer) != napi_ok)
    return nullptr;
  std::copy(pfns.begin(), pfns.end(), static_cast<std::uint32_t*>(data));
  napi_create_typedarray(env, napi_uint32_array, pfns.size(), buffer, 0, &array);
  return array;
}

napi_value lru_list(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 2> call(env, info);
    const int kind = index_of(kLruKindNames, text_of(env, call.args[0]));
    double limit = 0;
    if (kind < 0) return status(env, kBadFirst);
    if (napi_get_value_double(env, call.args[1], &limit) != napi_ok || !(limit >= 0))
      return status(env, kBadSecond);
    std::vector<std::uint32_t> pfns;
    std::uint64_t length = 0;
    Errc walked = Errc::kOk;
    const int why = call.object->during_call([&](Box& box) {
      Zone& zone = box.zone();
      const Guard guard(zone.lru_lock());
      length = zone.length(static_cast<LruKind>(kind));
      const auto most = static_cast<std::uint64_t>(std::min(limit, static_cast<double>(length)));
      pfns.reserve(most);
      walked = zone.for_each(static_cast<LruKind>(kind), [&](Page page) {
        if (pfns.size() < most)
          pfns.push_back(static_cast<std::uint32_t>(box.memmap().pfn_of(page).value));
      });
    });
    if (why != 0) return status(env, why);
    const JsValues js(env);
    return JsObject(js)
        .set("pfns", number_array(env, pfns))
        .number("length", length)
        .boolean("corrupt", walked != Errc::kOk)
        .value();
  });
}

napi_value lru_lengths(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 0> call(env, info);
    std::array<std::uint64_t, kLruKinds> lengths{};
    const int why = call.object->during_call([&](Box& box) {
      const Guard guard(box.zone().lru_lock());
      for (unsigned i = 0; i < kLruKinds; ++i)
        lengths[i] = box.zone().length(static_cast<LruKind>(i));
    });
    if (why != 0) return status(env, why);
    const JsValues js(env);
    return js.list(lengths, [&](std::uint64_t length) { return js.number(length); });
  });
}

napi_value audit_box(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 1> call(env, info);
    double rows = 0;
    if (napi_get_value_double(env, call.args[0], &rows) != napi_ok || !(rows >= 0 && rows <= 1e9))
      return status(env, kBadFirst);
    AuditReport report;
    Errc error = Errc::kOk;
    const int why = call.object->exclusively([&](Box& box) {
      error = Auditor(box).run(report, static_cast<std::size_t>(rows), stop_with(env));
    });
    if (why != 0) return status(env, why);
    if (error != Errc::kOk) return status(env, error);
    return audit_value(JsValues(env), report);
  });
}

napi_value reset(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 0> call(env, info);
    Errc error = Errc::kOk;
    const int why = call.object->exclusively([&](Box& box) { error = box.reset(); });
    return why != 0 ? status(env, why) : status(env, error);
  });
}

}  // namespace

void bind_pages(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "words", page_words, box);
  add_bound(js, to, "typeOf", type_of, box);
  add_bound(js, to, "headOf", head_of, box);
  add_bound(js, to, "pfnLimit", pfn_limit, box);
  add_bound(js, to, "setup", setup, box);
  add_bound(js, to, "isolate", isolate, box);
  add_bound(js, to, "putback", putback, box);
  add_bound(js, to, "lruList", lru_list, box);
  add_bound(js, to, "lruLengths", lru_lengths, box);
  add_bound(js, to, "audit", audit_box, box);
  add_bound(js, to, "reset", reset, box);
}

}  // namespace pagebox::addon
