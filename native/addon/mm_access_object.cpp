// What a program does in its address space: loads and stores, of words and of bytes.
#include <algorithm>
#include <array>
#include <cstring>

#include "addon/machine_call.h"
#include "mm/fault/user_access.h"

namespace pagebox::addon {

namespace {

napi_value load(napi_env env, napi_callback_info info) {
  MachineCall<2> call(env, info);
  const std::uint64_t id = call.number(0), address = call.word(1);
  return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
    std::uint64_t value = 0;
    const FaultResult result = load_word(cpu, *mm.mm, address, value);
    return result == FaultResult::kOk ? call.js.big(value) : call.fault(result);
  });
}

napi_value store(napi_env env, napi_callback_info info) {
  MachineCall<3> call(env, info);
  const std::uint64_t id = call.number(0), address = call.word(1), value = call.word(2);
  return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
    return call.fault(store_word(cpu, *mm.mm, address, value));
  });
}

/// What stopped a loop of accesses, and where.
template <class Call>
napi_value stopped(const Call& call, FaultResult result, std::uint64_t index) {
  if (result == FaultResult::kOk) return nullptr;
  return JsObject(call.js).number("index", index).set("status", call.fault(result)).value();
}

/// Words at a stride, in or out: `words[i]` lies at address + i * stride.
napi_value user_words(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<5> call(env, info);
    const std::uint64_t id = call.number(0), address = call.word(1), stride = call.number(2);
    const auto all = call.array<std::uint64_t>(3, napi_biguint64_array);
    const bool writes = call.flag(4);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      FaultResult result = FaultResult::kOk;
      std::uint64_t i = 0;
      for (; i < all.size(); ++i) {
        const std::uint64_t at = address + i * stride;
        result = writes ? store_word(cpu, *mm.mm, at, all[i]) : load_word(cpu, *mm.mm, at, all[i]);
        if (result != FaultResult::kOk) break;
      }
      return stopped(call, result, i);
    });
  });
}

FaultResult access_bytes(Cpu& cpu, Mm& mm, std::uint64_t address, std::span<std::byte> bytes,
                         bool writes) {
  constexpr std::uint64_t kWord = sizeof(std::uint64_t);
  if (address % kPageBytes == 0 && bytes.size() == kPageBytes) {
    alignas(kWord) std::array<std::byte, kPageBytes> page;
    if (writes) {
      std::ranges::copy(bytes, page.begin());
      return copy_page_to_user(cpu, mm, address, page.data());
    }
    const FaultResult result = copy_page_from_user(cpu, mm, address, page.data());
    if (result == FaultResult::kOk) std::ranges::copy(page, bytes.begin());
    return result;
  }
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = (address + done) & ~(kWord - 1), offset = (address + done) % kWord;
    const std::size_t n = std::min<std::size_t>(kWord - offset, bytes.size() - done);
    std::uint64_t word = 0;
    FaultResult result = n == kWord && writes ? FaultResult::kOk : load_word(cpu, mm, at, word);
    if (result != FaultResult::kOk) return result;
    auto* inside = reinterpret_cast<std::byte*>(&word) + offset;
    if (writes) {
      std::memcpy(inside, bytes.data() + done, n);
      result = store_word(cpu, mm, at, word);
      if (result != FaultResult::kOk) return result;
    } else {
      std::memcpy(bytes.data() + done, inside, n);
    }
    done += n;
  }
  return FaultResult::kOk;
}

/// Bytes in or out, page by page: `index` of a failure is how many went well.
napi_value bytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), address = call.word(1);
    const auto all = call.bytes(2);
    const bool writes = call.flag(3);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      FaultResult result = FaultResult::kOk;
      std::size_t done = 0;
      while (done < all.size() && result == FaultResult::kOk) {
        const std::uint64_t at = address + done;
        const std::size_t n =
            std::min<std::size_t>(all.size() - done, kPageBytes - at % kPageBytes);
        result = access_bytes(cpu, *mm.mm, at, all.subspan(done, n), writes);
        if (result == FaultResult::kOk) done += n;
      }
      return stopped(call, result, done);
    });
  });
}

}  // namespace

void bind_mm_access(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "load", load, box);
  add_bound(js, to, "store", store, box);
  add_bound(js, to, "userWords", user_words, box);
  add_bound(js, to, "userBytes", bytes, box);
}

}  // namespace pagebox::addon
