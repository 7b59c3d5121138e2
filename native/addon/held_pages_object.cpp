// Pages that GUP has handed out, and a device's view of their frames.
#include <algorithm>

#include "addon/codes.h"
#include "addon/machine_call.h"

namespace pagebox::addon {

napi_value pfn_array(napi_env env, std::span<const Pfn> pfns) {
  void* data = nullptr;
  napi_value buffer = nullptr, array = nullptr;
  if (napi_create_arraybuffer(env, pfns.size() * sizeof(std::uint32_t), &data, &buffer) != napi_ok)
    return nullptr;
  std::ranges::transform(pfns, static_cast<std::uint32_t*>(data),
                         [](Pfn pfn) { return static_cast<std::uint32_t>(pfn.value); });
  napi_create_typedarray(env, napi_uint32_array, pfns.size(), buffer, 0, &array);
  return array;
}

namespace {

napi_value take_pages(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), address = call.word(1), pages = call.number(2),
                        how = call.number(3);
    return call.run([&](BoxMachine& machine, unsigned user) {
      BoxMm* mm = machine.mm(id);
      if (mm == nullptr) return call.status(Errc::kBadF);
      if (pages == 0 || pages > kMostHeldPages) return call.status(Errc::kInval);
      const std::uint32_t flags = (has(how, Gup::kPin) ? +kFollPin : +kFollGet) |
                                  (has(how, Gup::kWrite) ? +kFollWrite : 0U) |
                                  (has(how, Gup::kLongterm) ? +kFollLongterm : 0U) |
                                  (has(how, Gup::kForce) ? +kFollForce : 0U) |
                                  (has(how, Gup::kP2pdma) ? +kFollPciP2pdma : 0U);
      std::uint64_t had = 0;
      const auto taken =
          machine.take_pages(user, *mm->mm, address, pages, flags, has(how, Gup::kFast), had);
      if (!taken)
        return JsObject(call.js)
            .number("index", had)
            .number("status", static_cast<int>(taken.error))
            .value();
      return JsObject(call.js)
          .number("id", taken.value)
          .set("pfns", pfn_array(env, machine.pages(taken.value)->pfns))
          .value();
    });
  });
}

napi_value give_back_pages(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run(
        [&](BoxMachine& machine, unsigned) { return call.status(machine.give_back(id)); });
  });
}

/// Bytes of the frames as a device moves them: from byte `offset` of the first page on.
napi_value frame_bytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), offset = call.number(1);
    const auto bytes = call.bytes(2);
    const bool writes = call.flag(3);
    return call.run([&](BoxMachine& machine, unsigned) {
      const BoxPages* held = machine.pages(id);
      if (held == nullptr) return call.status(Errc::kBadF);
      const std::uint64_t all = held->pfns.size() * kPageBytes;
      if (offset > all || bytes.size() > all - offset) return call.status(Errc::kInval);
      const FrameMap& frames = machine.machine().frames;
      alignas(8) std::array<std::byte, kPageBytes> page;
      for (std::size_t done = 0; done < bytes.size();) {
        const std::uint64_t at = offset + done, inside = at % kPageBytes;
        const std::size_t n = std::min<std::size_t>(bytes.size() - done, kPageBytes - inside);
        const Pfn pfn = held->pfns[at / kPageBytes];
        frames.read(pfn, page.data());
        if (writes) {
          std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), n, page.begin() + inside);
          frames.write(pfn, page.data());
        } else {
          std::copy_n(page.begin() + inside, n, bytes.begin() + static_cast<std::ptrdiff_t>(done));
        }
        done += n;
      }
      return call.status(Errc::kOk);
    });
  });
}

}  // namespace

void bind_held_pages(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "takePages", take_pages, box);
  add_bound(js, to, "giveBackPages", give_back_pages, box);
  add_bound(js, to, "frameBytes", frame_bytes, box);
}

}  // namespace pagebox::addon
