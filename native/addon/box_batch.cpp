// Many pins or unpins in one call.
#include <algorithm>
#include <span>

#include "addon/box_object.h"

namespace pagebox::addon {

namespace {

enum BatchOp : int { kPinMany = 0, kUnpinMany = 2 };

struct Batch {
  BatchOp op = kPinMany;
  std::span<const std::uint32_t> pfns;
  std::span<const std::uint32_t> counts;  // empty: one each
  std::span<std::int32_t> out;            // empty: all or nothing

  std::uint32_t count(std::size_t i) const { return counts.empty() ? 1 : counts[i]; }
};

struct Outcome {
  std::size_t done = 0, index = 0;
  int status = 0;
};

/// Empty, and false, for what is no typed array of that kind; a detached one is empty.
template <class Element>
bool read_array(napi_env env, napi_value value, napi_typedarray_type wanted,
                std::span<Element>& out) {
  napi_typedarray_type kind = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, value, &kind, &length, &data, nullptr, nullptr) != napi_ok ||
      kind != wanted)
    return false;
  out = {static_cast<Element*>(data), data == nullptr ? 0 : length};
  return true;
}

bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_undefined;
}

Errc step(Box& box, BatchOp op, std::uint32_t pfn, std::uint32_t n) {
  return op == kPinMany ? box.pin(Pfn{pfn}, n) : box.unpin(Pfn{pfn}, n);
}

/// Bad pfns and counts, before anything is touched.
Outcome check(const Box& box, const Batch& batch) {
  const std::uint64_t pages = box.settings().pages;
  std::uint32_t highest = 0;
  for (const std::uint32_t pfn : batch.pfns) highest = std::max(highest, pfn);
  if (highest >= pages) {
    const auto at = std::find_if(batch.pfns.begin(), batch.pfns.end(),
                                 [&](std::uint32_t pfn) { return pfn >= pages; });
    return {.index = static_cast<std::size_t>(at - batch.pfns.begin()), .status = kBadFirst};
  }
  for (std::size_t i = 0; i < batch.counts.size(); ++i)
    if (batch.counts[i] == 0 || batch.counts[i] > kRefcountMax)
      return {.index = i, .status = kBadSecond};
  return {};
}

/// Whether the ledger has all the pins that the batch gives back: a page may be in it
/// more than once.
Outcome check_ledger(const Box& box, const Batch& batch) {
  struct Need {
    std::uint64_t head, n;
    std::size_t index;
  };
  std::vector<Need> needs;
  needs.reserve(batch.pfns.size());
  for (std::size_t i = 0; i < batch.pfns.size(); ++i) {
    const auto head = box.head_of(Pfn{batch.pfns[i]});
    if (!head) return {.index = i, .status = static_cast<int>(head.error)};
    needs.push_back({head.value.value, batch.count(i), i});
  }
  std::ranges::sort(needs, [](const Need& a, const Need& b) {
    return a.head != b.head ? a.head < b.head : a.index < b.index;
  });
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    sum = i > 0 && needs[i - 1].head == needs[i].head ? sum + needs[i].n : needs[i].n;
    if (sum > box.ledger()->pins(Pfn{needs[i].head}))
      return {.index = needs[i].index, .status = static_cast<int>(Errc::kNotPinned)};
  }
  return {};
}

/// Page by page: with counts, with a status for each, or with a ledger.
Outcome run_single(Box& box, const Batch& batch) {
  Outcome outcome;
  for (std::size_t i = 0; i < batch.pfns.size(); ++i) {
    const Errc error = step(box, batch.op, batch.pfns[i], batch.count(i));
    if (!batch.out.empty()) batch.out[i] = static_cast<std::int32_t>(error);
    if (error == Errc::kOk) {
      ++outcome.done;
    } else if (batch.out.empty()) {
      const BatchOp inverse = batch.op == kPinMany ? kUnpinMany : kPinMany;
      while (i-- > 0) (void)step(box, inverse, batch.pfns[i], batch.count(i));
      return {.index = outcome.done, .status = static_cast<int>(error)};
    }
  }
  return outcome;
}

/// The scheme's own loops.
Outcome run_kernel(Box& box, const Batch& batch) {
  std::vector<std::uint32_t> freed(batch.op == kUnpinMany ? batch.pfns.size() : 0);
  BatchResult result;
  if (batch.op == kPinMany) {
    result = box.scheme().try_pin_all(batch.pfns, 0);
  } else {
    result = box.scheme().unpin_many(batch.pfns, 0, freed);
    for (std::size_t i = 0; i < result.freed; ++i) box.free_page(Pfn{freed[i]});
  }
  if (result.failed == 0) return {.done = batch.pfns.size()};
  return {.index = static_cast<std::size_t>(result.first_failed),
          .status = static_cast<int>(result.first_error)};
}

Outcome run(Box& box, const Batch& batch) {
  if (batch.pfns.empty()) return {};
  if (const Outcome bad = check(box, batch); bad.status != 0) return bad;
  const bool ledger = box.ledger() != nullptr;
  if (ledger && batch.op == kUnpinMany && batch.out.empty())
    if (const Outcome bad = check_ledger(box, batch); bad.status != 0) return bad;
  const bool plain = !ledger && !box.asks_type() && batch.counts.empty() && batch.out.empty();
  return plain ? run_kernel(box, batch) : run_single(box, batch);
}

}  // namespace

napi_value batch(napi_env env, napi_callback_info info);

napi_value batch(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 4> call(env, info);
    Batch batch;
    double op = 0;
    napi_get_value_double(env, call.args[0], &op);
    batch.op = op == static_cast<int>(kUnpinMany) ? kUnpinMany : kPinMany;
    if (!read_array(env, call.args[1], napi_uint32_array, batch.pfns))
      return status(env, kBadFirst);
    const bool has_counts = !is_undefined(env, call.args[2]);
    const bool has_out = !is_undefined(env, call.args[3]);
    if ((has_counts && !read_array(env, call.args[2], napi_uint32_array, batch.counts)) ||
        (has_out && !read_array(env, call.args[3], napi_int32_array, batch.out)) ||
        (has_counts && batch.counts.size() != batch.pfns.size()) ||
        (has_out && batch.out.size() != batch.pfns.size()))
      return status(env, kBadSecond);
    Outcome outcome;
    if (const int why = call.object->during_call([&](Box& box) { outcome = run(box, batch); }))
      return status(env, why);
    const JsValues js(env);
    if (outcome.status != 0)
      return JsObject(js).number("index", outcome.index).number("status", outcome.status).value();
    return outcome.done == batch.pfns.size() ? nullptr : js.number(outcome.done);
  });
}

}  // namespace pagebox::addon
