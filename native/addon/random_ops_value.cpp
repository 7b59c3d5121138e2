#include "addon/random_ops_value.h"

namespace pagebox::addon {

void read_mixes(JsRead& from, std::vector<OpMix>& mixes) {
  mixes.resize(from.integer("mixCount", 64));
  from.objects("mixes", [&](JsRead& part) {
    const std::uint64_t mix = part.integer("mix", 63);
    const auto weight = static_cast<std::uint32_t>(part.integer("weight", 1'000'000));
    if (mix >= mixes.size() || !mixes[mix].add(part.text("op"), weight)) part.fail();
  });
}

void read_random(JsRead& from, RandomOpsSettings& random) {
  random.processes = static_cast<unsigned>(from.integer("processes", kMaxSharedProcesses));
  random.buffers = static_cast<unsigned>(from.integer("buffers", kMaxRandomBuffers));
  random.pages = static_cast<unsigned>(from.integer("pagesEach", kMaxRandomPages));
  random.failing = static_cast<std::uint32_t>(from.integer("failing", kAllFail));
}

bool is_null(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_null || type == napi_undefined;
}

}  // namespace pagebox::addon
