// gup, pin, unpin, pin_read, pin_write, poke.
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/scenario/interpreter.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
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
      case GupMode::kGup: had = get_user_pages(cpu(), *process.mm, at, flags, out); break;
      case GupMode::kGupFast: had = get_user_pages_fast(cpu(), *process.mm, at, flags, out); break;
      case GupMode::kPinFast: had = pin_user_pages_fast(cpu(), *process.mm, at, flags, out); break;
      default: had = pin_user_pages(cpu(), *process.mm, at, flags, out); break;
    }
    if (had.pages == 0) break;
    if (op.mode == GupMode::kGup || op.mode == GupMode::kGupFast)
      put_user_page(cpu(), pfn);
    else
      unpin_user_page(cpu(), pfn);
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
    for (const Pfn pfn : std::span(pages).first(had)) {
      if (op.via == PinVia::kVmsplice)
        put_user_page(cpu(), pfn);
      else
        unpin_user_page(cpu(), pfn);
    }
    return error;
  };
  if (op.via == PinVia::kUring) {
    const GupResult result = pin_user_pages_fast(cpu(), mm, at, kFollWrite | kFollLongterm, pages);
    had = result.pages;
    if (had == wanted) return Errc::kOk;
    return had > 0 ? give_back(Errc::kFault) : result.error;
  }
  while (had < wanted) {
    const std::span rest = std::span(pages).subspan(had);
    const std::uint64_t from = at + had * kPageBytes;
    GupResult result;
    if (op.via == PinVia::kVmsplice) {
      result = get_user_pages_fast(cpu(), mm, from, 0,
                                   rest.first(std::min<std::size_t>(rest.size(), 16)));
      if (result.pages == 0 && had > 0) break;  // what the pipe has, it has
    } else {
      const std::uint32_t flags = kFollLongterm | (op.write ? +kFollWrite : 0U);
      result = op.fast ? pin_user_pages_fast(cpu(), mm, from, flags, rest)
                       : pin_user_pages(cpu(), mm, from, flags, rest);
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
  const PinName name{thread_, op.id};
  bool taken = false;
  {
    Guard guard(process.lock);
    taken = process.pins.contains(name);
  }
  const bool gup_test = op.via == PinVia::kGupTest;
  if (taken || (gup_test && !processes().claim_gup_test(thread_))) {
    result.ret = Errc::kInval;
    return result;
  }
  HeldPin held{op.via, {}};
  result.ret = pin_pages(process, op, held.pages);
  if (result.ret != Errc::kOk) {
    if (gup_test) processes().release_gup_test(thread_);
    return result;
  }
  result.keys |= kKeyPages;
  result.pages = held.pages.size();
  Guard guard(process.lock);
  process.pins.emplace(name, std::move(held));
  return result;
}

Errc Interpreter::unpin(Process& process, const Op& op) {
  std::map<PinName, HeldPin>::node_type held;
  HeldPin part;
  {
    Guard guard(process.lock);
    auto at = process.pins.find({thread_, op.id});
    if (at == process.pins.end() && thread_ != 0) at = process.pins.find({0, op.id});
    if (at == process.pins.end()) return Errc::kInval;
    std::vector<Pfn>& pages = at->second.pages;
    const std::uint64_t first = Process::first_page(op);
    const std::uint64_t count = op.has_n ? op.n : op.has_page ? 1 : pages.size();
    if (first > pages.size() || count > pages.size() - first) return Errc::kInval;
    if (count < pages.size()) {
      const auto begin = pages.begin() + static_cast<std::ptrdiff_t>(first),
                 end = begin + static_cast<std::ptrdiff_t>(count);
      part = {at->second.via, {begin, end}};
      pages.erase(begin, end);
    } else {
      held = process.pins.extract(at);
    }
  }
  if (held.empty()) {
    drop_pages(cpu(), part.via, part.pages);
    return Errc::kOk;
  }
  const PinVia via = held.mapped().via;
  if (via == PinVia::kGupTest) processes().release_gup_test(held.key().thread);
  drop_pages(cpu(), via, held.mapped().pages);
  return Errc::kOk;
}

bool Interpreter::find_pin(const Process& process, std::int64_t id, HeldPin& out) const {
  Guard guard(process.lock);
  auto at = process.pins.find({thread_, id});
  if (at == process.pins.end() && thread_ != 0) at = process.pins.find({0, id});
  if (at == process.pins.end()) return false;
  out = at->second;
  return true;
}

OpRecord Interpreter::pin_read(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  HeldPin held;
  if (!find_pin(process, op.id, held)) {
    result.ret = Errc::kInval;
    return result;
  }
  result.keys |= kKeyV;
  for (const Pfn pfn : held.pages) result.v.push_back(machine().frames.word(pfn));
  return result;
}

OpRecord Interpreter::pin_write(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  HeldPin held;
  if (!find_pin(process, op.id, held) || held.via != PinVia::kUring) {
    result.ret = Errc::kOpNotSupp;
    return result;
  }
  result.keys |= kKeyPages;
  // A device fills a page: nobody finds it empty in between.
  alignas(8) std::array<std::byte, kPageBytes> bytes{};
  for (const Pfn pfn : held.pages) {
    const std::uint64_t word = op.value + result.pages++;
    std::memcpy(bytes.data(), &word, sizeof word);
    machine().frames.write(pfn, bytes.data());
  }
  return result;
}

/// As a debugger writes (access_remote_vm): into what the process itself may not write, too.
OpRecord Interpreter::poke(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  for (std::uint64_t i = 0; i < process.count(op); ++i) {
    Pfn pfn;
    const GupResult had = get_user_pages(cpu(), *process.mm, process.address(op) + i * kPageBytes,
                                         kFollWrite | kFollForce, std::span(&pfn, 1));
    if (had.pages != 1) {
      result.ret = had.error;
      return result;
    }
    machine().frames.set_word(pfn, 0, op.value + i);
    folio_mark_dirty(machine(), compound_head(machine().memmap, machine().page(pfn)));
    put_user_page(cpu(), pfn);
    ++result.pages;
  }
  result.keys |= kKeyPages;
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
