#include "explore/values.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "explore/places.h"
#include "mm/pte.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string hex(std::uint64_t value) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

std::string number(std::uint64_t value) {
  return value < 4096 ? std::to_string(value) : hex(value);
}

std::string flags_text(const Layout& layout, PageType type, std::uint64_t value) {
  std::string text;
  const auto add = [&text](std::string_view name) {
    text += (text.empty() ? "" : "|") + std::string(name);
  };
  for (const FlagBit& flag : layout.flags) {
    if ((value >> flag.bit & 1) == 0) continue;
    const bool is_exclusive = flag.flag == layout.anon_exclusive_flag && type == PageType::kAnon;
    add(is_exclusive ? "anon_exclusive" : kFlagNames[static_cast<unsigned>(flag.flag)]);
  }
  for (const NamedFlagBit& flag : layout.other_flags)
    if ((value >> flag.bit & 1) != 0) add(flag.name);
  return text.empty() ? "no flag" : text;
}

std::string field_text(const Layout& layout, PageType type, const Field& field,
                       std::uint64_t value) {
  switch (field.kind) {
    case FieldKind::kFlags: return flags_text(layout, type, value);
    case FieldKind::kMapcount:
    case FieldKind::kRefcount:
    case FieldKind::kPincount:
    case FieldKind::kPoison: {
      const std::uint64_t sign = std::uint64_t{1} << (field.bits - 1U);
      const bool is_negative = field.bits < 64 && (value & sign) != 0;
      return is_negative ? "-" + std::to_string((sign << 1U) - value) : std::to_string(value);
    }
    default: return number(value);
  }
}

constexpr std::uint64_t ones(unsigned bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

enum class LockKind : std::uint8_t { kNone, kSpin, kReadWrite };

/// By the names that places.cpp gives them.
LockKind kind_of(std::string_view place) {
  for (const std::string_view lock : {"mmap_lock ", "exit lock ", "i_mmap_lock of "})
    if (place.starts_with(lock)) return LockKind::kReadWrite;
  for (const std::string_view lock : {"lru_lock", "ptl of ", "cache_lock of ", "anon_vma_lock "})
    if (place.starts_with(lock)) return LockKind::kSpin;
  return LockKind::kNone;
}

/// base/lock.h: free is 0; a writer is the top bit, who waits for it the next, readers
/// count below.
std::string_view event_of(LockKind kind, const Step& step) {
  const Access access = step.what.access;
  if (access == Access::kLoad || access == Access::kPlainRead || access == Access::kWait) return "";
  if (kind == LockKind::kSpin) {
    if (step.before == 0 && step.after != 0) return "takes";
    if (step.before != 0 && step.after == 0) return "gives back";
    return "waits for";
  }
  constexpr std::uint64_t kWriter = std::uint64_t{1} << 31, kReaders = (kWriter >> 1) - 1;
  const bool was_written = (step.before & kWriter) != 0, is_written = (step.after & kWriter) != 0;
  if (was_written != is_written) return is_written ? "takes" : "gives back";
  const std::uint64_t were = step.before & kReaders, are = step.after & kReaders;
  if (were != are) return are > were ? "takes to read" : "gives back";
  // One that failed among readers tries again.
  constexpr std::uint64_t kWaiting = kWriter >> 1;
  return ((step.before | step.after) & (kWriter | kWaiting)) != 0 ? "waits for" : "";
}

}  // namespace

std::string pte_text(std::uint64_t value) {
  const Pte pte{value};
  if (pte.none()) return "none";
  std::string text;
  const auto add = [&text](bool is_set, std::string_view name) {
    if (is_set) text += " " + std::string(name);
  };
  if (pte.present()) {
    text = "pfn " + std::to_string(pte.pfn().value);
    add(pte.prot_none(), "prot-none");
    add(pte.write(), "write");
    add(pte.dirty(), "dirty");
    add(pte.young(), "accessed");
    add(pte.soft_dirty(), "soft-dirty");
    add(pte.huge(), "huge");
    add(pte.has(Pte::kUffdWp), "uffd-wp");
    add(pte.has(Pte::kSpecial), "special");
    add(pte.devmap(), "devmap");
    return text;
  }
  const SwapEntry entry = pte.entry();
  if (entry.is_swap()) {
    text = "swap slot " + std::to_string(entry.offset);
  } else if (entry.is_migration()) {
    text = "migration of pfn " + std::to_string(entry.pfn().value);
    add(entry.type == EntryType::kMigrationReadExclusive, "read exclusive");
  } else if (entry.is_device_private()) {
    text = "device-private pfn " + std::to_string(entry.pfn().value);
  } else if (entry.is_device_exclusive()) {
    text = "device-exclusive pfn " + std::to_string(entry.pfn().value);
  } else {
    text = "entry of type " + std::to_string(static_cast<unsigned>(entry.type));
  }
  add(entry.is_writable_migration() || entry.is_writable_device(), "write");
  add(pte.swp_exclusive(), "exclusive");
  add(pte.swp_soft_dirty(), "soft-dirty");
  return text;
}

std::string Values::text(const void* at, std::uint32_t bytes, std::uint64_t value) const {
  const auto* place = static_cast<const std::byte*>(at);
  const Memmap& memmap = sandbox_.box().memmap();
  if (place >= memmap.base() &&
      place < memmap.base() + memmap.capacity() * memmap.shape().stride_bytes)
    return in_page(place, bytes, value);
  // Pages alone have no tables, and no contents.
  if (sandbox_.has_machine() && sandbox_.machine().frames.frame_at(place)) return number(value);
  const bool is_entry =
      bytes == 8 && sandbox_.has_machine() && sandbox_.machine().tables.holds(place);
  return is_entry ? pte_text(value) : "";
}

std::string Values::in_page(const std::byte* at, std::uint32_t bytes, std::uint64_t value) const {
  const Memmap& memmap = sandbox_.box().memmap();
  const auto offset = static_cast<std::uint64_t>(at - memmap.base());
  const std::uint64_t stride = memmap.shape().stride_bytes;
  const PageType type = Places(sandbox_).type_of(Pfn{offset / stride});
  const std::uint64_t first = offset % stride * 8, end = first + bytes * std::uint64_t{8};
  const Layout& layout = memmap.layout();
  std::string text;
  unsigned fields = 0;
  std::string only;
  for (const Field& field : layout.fields) {
    const std::uint64_t begin = field.offset_bytes * std::uint64_t{8} + field.shift;
    if (!field.types.has(type) || begin < first || begin >= end) continue;
    const std::uint64_t part = value >> (begin - first) & ones(field.bits);
    only = field_text(layout, type, field, part);
    text += (fields++ == 0 ? "" : ", ") + field.name + " " + only;
  }
  return fields == 1 ? only : text;
}

LockChange Values::lock(const Step& step, std::string_view place) const {
  if (const LockKind kind = kind_of(place); kind != LockKind::kNone) {
    const std::string_view event = event_of(kind, step);
    return event.empty() ? LockChange{} : LockChange{std::string(place), std::string(event)};
  }
  // The folio lock is a bit among the flags.
  const Memmap& memmap = sandbox_.box().memmap();
  const auto* at = static_cast<const std::byte*>(step.what.at);
  const std::uint64_t stride = memmap.shape().stride_bytes;
  if (at < memmap.base() || at >= memmap.base() + memmap.capacity() * stride) return {};
  const auto offset = static_cast<std::uint64_t>(at - memmap.base());
  if (offset % stride != 0) return {};
  for (const FlagBit& flag : memmap.layout().flags) {
    if (flag.flag != Flag::kLocked) continue;
    const bool was = (step.before >> flag.bit & 1) != 0, is = (step.after >> flag.bit & 1) != 0;
    if (was != is)
      return {"folio lock of page " + std::to_string(offset / stride), is ? "takes" : "gives back"};
  }
  return {};
}

}  // namespace pagebox::inline PAGEBOX_ENV
