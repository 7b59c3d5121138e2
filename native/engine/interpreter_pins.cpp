// gup, pin, unpin, pin_read, pin_write.
#include <algorithm>

#include "engine/interpreter.h"
#include "mm/folio_state.h"
#include "mm/gup.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void drop(Cpu& cpu, PinVia via, std::span<const Pfn> pages) {
  for (const Pfn pfn : pages) {
    if (via == PinVia::kVmsplice)
      put_user_page(cpu, pfn);
    else
      unpin_user_page(cpu, pfn);
  }
}

}  // namespace

OpRecord Interpreter::gup(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet | kKeyPages;
  const bool longterm = op.longterm || op.mode == GupMode::kPinLongterm;
  const std::uint32_t flags = (op.write ? +kFollWrite : 0U) | (longterm ? +kFollLongterm : 0U);
  for (std::uint64_t i = 0; i < process.count(op); ++i) {
    const std::uint64_t at = process.address(op) + i * kPageBytes;
    Pfn pfn;
    const std::span out(&pfn, 1);
    GupResult had;
    switch (op.mode) {
      case GupMode::kGup: had = get_user_pages(cpu_, *process.mm, at, flags, out); break;
      case GupMode::kGupFast: had = get_user_pages_fast(cpu_, *process.mm, at, flags, out); break;
      case GupMode::kPinFast: had = pin_user_pages_fast(cpu_, *process.mm, at, flags, out); break;
      default: had = pin_user_pages(cpu_, *process.mm, at, flags, out); break;
    }
    if (had.pages == 0) break;
    if (op.mode == GupMode::kGup || op.mode == GupMode::kGupFast)
      put_user_page(cpu_, pfn);
    else
      unpin_user_page(cpu_, pfn);
    ++result.pages;
  }
  return result;
}

Errc Interpreter::pin_pages(Process& process, const Op& op, std::vector<Pfn>& pages) {
  Mm& mm = *process.mm;
  const std::uint64_t at = process.address(op), wanted = process.count(op);
  pages.resize(wanted);
  std::uint64_t had = 0;
  const auto give_back = [&](Errc error) {
    drop(cpu_, op.via, std::span(pages).first(had));
    return error;
  };
  if (op.via == PinVia::kUring) {
    const GupResult result = pin_user_pages_fast(cpu_, mm, at, kFollWrite | kFollLongterm, pages);
    had = result.pages;
    if (had == wanted) return Errc::kOk;
    return had > 0 ? give_back(Errc::kFault) : result.error;
  }
  while (had < wanted) {
    const std::span rest = std::span(pages).subspan(had);
    const std::uint64_t from = at + had * kPageBytes;
    GupResult result;
    if (op.via == PinVia::kVmsplice) {
      result = get_user_pages_fast(cpu_, mm, from, 0,
                                   rest.first(std::min<std::size_t>(rest.size(), 16)));
      if (result.pages == 0 && had > 0) break;  // what the pipe has, it has
    } else {
      const std::uint32_t flags = kFollLongterm | (op.write ? +kFollWrite : 0U);
      result = op.fast ? pin_user_pages_fast(cpu_, mm, from, flags, rest)
                       : pin_user_pages(cpu_, mm, from, flags, rest);
    }
    if (result.pages == 0) return give_back(result.error);
    had += result.pages;
  }
  pages.resize(had);
  return Errc::kOk;
}

OpRecord Interpreter::pin(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  if (process.pins.contains(op.id) || (op.via == PinVia::kGupTest && gup_test_pinned_)) {
    result.ret = Errc::kInval;
    return result;
  }
  HeldPin held{op.via, {}};
  result.ret = pin_pages(process, op, held.pages);
  if (result.ret != Errc::kOk) return result;
  result.keys |= kKeyPages;
  result.pages = held.pages.size();
  if (op.via == PinVia::kGupTest) gup_test_pinned_ = true;
  process.pins.emplace(op.id, std::move(held));
  return result;
}

Errc Interpreter::unpin(Process& process, std::int64_t id) {
  const auto at = process.pins.find(id);
  if (at == process.pins.end()) return Errc::kInval;
  if (at->second.via == PinVia::kGupTest) gup_test_pinned_ = false;
  drop(cpu_, at->second.via, at->second.pages);
  // The rings are unmapped with their pins, and munmap drains.
  if (at->second.via == PinVia::kUring) lru_add_drain(cpu_);
  process.pins.erase(at);
  return Errc::kOk;
}

OpRecord Interpreter::pin_read(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  const auto at = process.pins.find(op.id);
  if (at == process.pins.end()) {
    result.ret = Errc::kInval;
    return result;
  }
  result.keys |= kKeyV;
  for (const Pfn pfn : at->second.pages) result.v.push_back(machine_.frames.word(pfn));
  return result;
}

OpRecord Interpreter::pin_write(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  const auto at = process.pins.find(op.id);
  if (at == process.pins.end() || at->second.via != PinVia::kUring) {
    result.ret = Errc::kOpNotSupp;
    return result;
  }
  result.keys |= kKeyPages;
  for (const Pfn pfn : at->second.pages) {
    machine_.frames.clear(pfn);
    machine_.frames.set_word(pfn, 0, op.value + result.pages++);
  }
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
