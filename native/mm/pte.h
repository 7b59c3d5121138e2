// Page-table entries as x86-64 has them. One 64-bit word, in one of two forms:
//
//   present      |63 NX|51 ............ 12|11 SD|10 UW|9 SP|8 G|7 PS|6 D|5 A|4..3|2 US|1 RW|0 P|
//   non-present  |63 .. 59 type|58 ......... 9 ~offset|8 0|7 0|6..5|4|3 EX|2 UW|1 SD|0 = 0|
//
// SD soft-dirty, UW userfaultfd write-protect, SP special, EX exclusive. A
// PROT_NONE entry has P clear and G set and counts as present. The offset is
// stored inverted, so that speculation sees a physical address beyond memory.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a non-present entry stands for (types of v6.12 with every option on).
/// Values below 23 are swap files.
enum class EntryType : std::uint8_t {
  kSwap = 0,
  kHwpoison = 23,
  kMigrationRead = 24,
  kMigrationReadExclusive = 25,
  kMigrationWrite = 26,
  kDeviceWrite = 27,
  kDeviceRead = 28,
  kDeviceExclusiveWrite = 29,
  kDeviceExclusiveRead = 30,
  kMarker = 31,
};

struct SwapEntry {
  EntryType type = EntryType::kSwap;
  std::uint64_t offset = 0;  // swap slot, or pfn
  bool operator==(const SwapEntry&) const = default;

  bool is_swap() const { return type == EntryType::kSwap; }
  bool is_migration() const {
    return type >= EntryType::kMigrationRead && type <= EntryType::kMigrationWrite;
  }
  bool is_device_private() const {
    return type == EntryType::kDeviceWrite || type == EntryType::kDeviceRead;
  }
  bool is_device_exclusive() const {
    return type == EntryType::kDeviceExclusiveWrite || type == EntryType::kDeviceExclusiveRead;
  }
  bool is_writable_migration() const { return type == EntryType::kMigrationWrite; }
  bool is_writable_device() const {
    return type == EntryType::kDeviceWrite || type == EntryType::kDeviceExclusiveWrite;
  }
  /// The offset is a pfn: the entry leads to a page.
  bool has_page() const { return is_migration() || is_device_private() || is_device_exclusive(); }
  Pfn pfn() const { return {offset & kPfnMask}; }

  /// A migration entry remembers the accessed and dirty bits above its pfn.
  static constexpr std::uint64_t kYoung = 1ULL << 48, kDirty = 1ULL << 49, kPfnMask = kYoung - 1;
};

struct Pte {
  static constexpr std::uint64_t kPresent = 1ULL << 0, kWrite = 1ULL << 1, kUser = 1ULL << 2,
                                 kAccessed = 1ULL << 5, kDirty = 1ULL << 6, kHuge = 1ULL << 7,
                                 kProtNone = 1ULL << 8, kSpecial = 1ULL << 9, kUffdWp = 1ULL << 10,
                                 kSoftDirty = 1ULL << 11, kDevmap = 1ULL << 58, kNx = 1ULL << 63,
                                 kPfnMask = ((1ULL << 52) - 1) & ~0xfffULL;
  static constexpr std::uint64_t kSwpSoftDirty = 1ULL << 1, kSwpUffdWp = 1ULL << 2,
                                 kSwpExclusive = 1ULL << 3;
  /// What a change of protection keeps.
  static constexpr std::uint64_t kChangeMask =
      kPfnMask | kSpecial | kAccessed | kDirty | kSoftDirty | kUffdWp | kDevmap | kHuge;

  std::uint64_t value = 0;
  bool operator==(const Pte&) const = default;

  static Pte of(Pfn pfn, std::uint64_t prot) { return {pfn.value << kPageShift | prot}; }

  bool none() const { return value == 0; }
  bool present() const { return (value & (kPresent | kProtNone)) != 0; }
  bool prot_none() const { return (value & (kPresent | kProtNone)) == kProtNone; }
  bool is_entry() const { return !none() && !present(); }
  bool has(std::uint64_t bits) const { return (value & bits) == bits; }
  bool write() const { return has(kWrite); }
  bool young() const { return has(kAccessed); }
  bool dirty() const { return has(kDirty); }
  bool soft_dirty() const { return has(kSoftDirty); }
  bool huge() const { return has(kHuge); }
  bool devmap() const { return has(kDevmap); }
  Pfn pfn() const { return {(value & kPfnMask) >> kPageShift}; }

  Pte with(std::uint64_t bits) const { return {value | bits}; }
  Pte without(std::uint64_t bits) const { return {value & ~bits}; }
  /// pte_mkdirty: a dirty entry is soft-dirty too.
  Pte mkdirty() const { return with(kDirty | kSoftDirty); }
  Pte wrprotect() const { return without(kWrite); }
  Pte mkold() const { return without(kAccessed); }
  Pte mkclean() const { return without(kDirty); }
  Pte modify(std::uint64_t prot) const { return {(value & kChangeMask) | (prot & ~kChangeMask)}; }

  static constexpr unsigned kTypeShift = 59, kOffsetShift = 9, kOffsetBits = 50;
  static Pte of(SwapEntry entry) {
    const std::uint64_t inverted = ~entry.offset & ((1ULL << kOffsetBits) - 1);
    return {static_cast<std::uint64_t>(entry.type) << kTypeShift | inverted << kOffsetShift};
  }
  SwapEntry entry() const {
    const std::uint64_t inverted = value >> kOffsetShift & ((1ULL << kOffsetBits) - 1);
    return {static_cast<EntryType>(value >> kTypeShift), ~inverted & ((1ULL << kOffsetBits) - 1)};
  }
  bool swp_exclusive() const { return has(kSwpExclusive); }
  bool swp_soft_dirty() const { return has(kSwpSoftDirty); }
};

inline constexpr std::uint64_t kPtesPerTable = 512;
inline constexpr unsigned kPmdShift = 21, kPudShift = 30, kPgdShift = 39;
inline constexpr std::uint64_t kPmdBytes = 1ULL << kPmdShift;
/// Order of a page that one entry of the third level maps.
inline constexpr unsigned kHugeOrder = kPmdShift - kPageShift;
inline constexpr std::uint64_t kPagesPerPmd = 1ULL << kHugeOrder;
inline constexpr std::uint64_t kTaskSize = 1ULL << 47;  // user addresses end here

}  // namespace pagebox::inline PAGEBOX_ENV
