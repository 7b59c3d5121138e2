// The vocabulary of scenarios: names and fields of vectors/README.md, as data.
// One table says for each operation what it takes and what it gives back; the
// TypeScript builder, the JSON reader and the docs follow it.
//
// JSON to Op (done outside the core):
//   op                        code, by name (kOpTable)
//   proc, child               numbers, 0 = "p"; names are interned by the reader
//   buf, to                   0..25 for "a".."z"
//   page, n                   with has_page / has_n: both may be absent; a word for page
//                             is `pick`, by name
//   pages value fpage dev file id   as they are; fill with has_fill
//   prot                      kProtRead | kProtWrite
//   ops                       of repeat: the rows that follow, `pages` of them
//   pfn                       with has_pfn; type and order by name and number
//   kind advice mode via      by name (the tables below, in the order of the enums)
//   write fast longterm referenced must evict keep   1 or absent
//   site nth times            of fail_nth: where, which call from now on, and how many fail
//   stop_at                   of an operation: the point where it waits for a resume
//   expect                    with has_expect
//
// Any operation that has a `ret`, or words, may say `must`: it succeeds. One that has words may
// say `expect`: if there are words, they are expect, expect + 1, … What is not so is a row of the
// audit.
//
// Operations on pages name one by `pfn` and how far behind it (`page`, of `pages` that a
// word chooses from), or as what is mapped at a letter's page now. `n`: so many at once.
// `page` "same" is the page that the thread's last one had, "held" any that it holds.
//
// OpRecord to JSON: only the keys that `keys` names.
//   ret      "ok", "fault" (a store that met a signal), else the errno's name; a
//            number without a name is "E" and the number
//   v        words; a signal where `signals` says so
//   st       per page "ok" or the signal
//   pages    a count, or for `pagemap` one object a page (`entries`)
//   prot     snapshot codes as strings
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/errc.h"
#include "mm/fault/fault_result.h"
#include "mm/mm.h"
#include "mm/op_control.h"
#include "mm/pagemap.h"
#include "page/page_type.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class OpCode : std::uint8_t {
  kMmap,
  kMunmap,
  kMprotect,
  kMlock,
  kMunlock,
  kMadvise,
  kMremap,
  kLoad,
  kStore,
  kDevRead,
  kDevWrite,
  kMigrateToDev,
  kMigrateToSys,
  kSnapshot,
  kExclusive,
  kCheckExclusive,
  kRelease,
  kOpenDev,
  kCloseDev,
  kFork,
  kExit,
  kGup,
  kPin,
  kUnpin,
  kPinRead,
  kPinWrite,
  kFile,
  kDioWrite,
  kDioRead,
  kBioWrite,
  kBioRead,
  kFileRead,
  kFdRead,
  kFdWrite,
  kClearRefs,
  kPagemap,
  // What threads need beside the recordings' operations.
  kCompact,
  kWriteback,
  kPoke,
  kUffdContinue,
  kCheckFile,
  kDaxFile,
  kTruncate,
  kYield,
  kBarrier,
  kRepeat,
  // Pages by pfn, as a driver has them.
  kSetUpPage,
  kReleasePage,
  kGetPage,
  kPutPage,
  kPinPage,
  kUnpinPage,
  kIsolatePage,
  kPutbackPage,
  kMaybePinned,
  kPinsOf,
  kFreezePage,
  // Of hot-unplug.
  kOffline,
  // What a scenario asks of its own operations.
  kFailNth,
  kInjected,
  kResume,
};
inline constexpr unsigned kOpCodes = 61;

constexpr bool is_page_op(OpCode code) {
  return code >= OpCode::kSetUpPage && code <= OpCode::kFreezePage;
}
/// About operations, and none itself: without a process, a page or a machine.
constexpr bool is_control_op(OpCode code) { return code >= OpCode::kFailNth; }
/// It may say `stop_at`: it works on memory, in the name of a process.
constexpr bool can_stop(OpCode code) {
  return !is_page_op(code) && !is_control_op(code) && code != OpCode::kYield &&
         code != OpCode::kBarrier && code != OpCode::kRepeat;
}

enum class MapKind : std::uint8_t {
  kAnonPrivate,
  kAnonShared,
  kFilePrivate,
  kFileShared,
  kDiskPrivate,
  kDiskShared,
  kDmirror,
  kDaxShared,
};
inline constexpr std::array<std::string_view, 8> kMapKindNames = {
    "anon-private", "anon-shared", "file-private", "file-shared",
    "disk-private", "disk-shared", "dmirror",      "dax-shared"};

enum class GupMode : std::uint8_t { kGup, kGupFast, kPin, kPinFast, kPinLongterm };
inline constexpr std::array<std::string_view, 5> kGupModeNames = {"gup", "gup_fast", "pin",
                                                                  "pin_fast", "pin_longterm"};

enum class PinVia : std::uint8_t { kGupTest, kUring, kVmsplice };
inline constexpr std::array<std::string_view, 3> kPinViaNames = {"gup", "uring", "vmsplice"};

/// In the order of mm's Advice.
inline constexpr std::array<std::string_view, 15> kAdviceNames = {
    "dontneed",   "pageout",       "cold",           "free",       "willneed",
    "remove",     "populate_read", "populate_write", "dontfork",   "dofork",
    "wipeonfork", "keeponfork",    "hugepage",       "nohugepage", "collapse"};

/// How `page` is chosen where it is a word: anew each time, so that the range lies in
/// the letter's pages as last mapped.
enum class PagePick : std::uint8_t {
  kGiven,
  kSequential,
  kRandom,
  kZipf,
  kHot,
  // Of operations on pages alone, and known when they run.
  kSame,
  kHeld,
};
inline constexpr std::array<std::string_view, 7> kPagePickNames = {
    "given", "sequential", "random", "zipf", "hot", "same", "held"};
constexpr bool is_chosen_late(PagePick pick) { return pick >= PagePick::kSame; }

inline constexpr std::uint8_t kProtRead = 1, kProtWrite = 2;
/// Pages of RAM that a scenario may set up by pfn.
inline constexpr std::uint64_t kMaxPlacedPages = std::uint64_t{1} << 24;
inline constexpr unsigned kBuffers = 26, kDevices = 4, kDiskFiles = 2;

struct Op {
  OpCode code = OpCode::kLoad;
  MapKind kind = MapKind::kAnonPrivate;
  Advice advice = Advice::kDontneed;
  GupMode mode = GupMode::kGup;
  PinVia via = PinVia::kGupTest;
  PagePick pick = PagePick::kGiven;
  PageType type = PageType::kAnon;
  std::uint8_t order = 0;
  std::uint8_t prot = 0;
  std::uint8_t buf = 0, to = 0;
  std::uint8_t dev = 0, file = 0;
  bool has_page = false, has_n = false, has_fill = false, has_pfn = false, has_buf = false;
  bool write = false, fast = false, longterm = false, referenced = false;
  bool must = false, has_expect = false;
  bool evict = false, keep = false;
  FailSite site = FailSite::kPage;
  StopPoint stop_at = StopPoint::kNowhere;
  std::uint32_t proc = 0, child = 0;
  std::uint64_t page = 0, n = 0;  // range
  std::uint64_t pages = 0;        // mmap, file, pages from pfn on; repeat: operations of the body,
                                  // nested ones too
  std::uint64_t pfn = 0;
  std::uint64_t fpage = 0;
  std::uint64_t value = 0, fill = 0;
  std::uint64_t expect = 0;  // page i of the result has expect + i
  std::uint64_t nth = 1, times = 1;
  std::int64_t id = 0;
};

/// Of set_up_page: one folio unless it says more.
constexpr std::uint64_t pages_to_set_up(const Op& op) {
  return op.pages != 0 ? op.pages : std::uint64_t{1} << op.order;
}

/// Keys of a result that are present.
enum ResultKey : std::uint32_t {
  kKeyRet = 1 << 0,
  kKeyV = 1 << 1,
  kKeySt = 1 << 2,
  kKeyPages = 1 << 3,
  kKeyBytes = 1 << 4,
  kKeyCpages = 1 << 5,
  kKeyFaults = 1 << 6,
  kKeyProt = 1 << 7,
  kKeyEntries = 1 << 8,
};

/// What `snapshot` says of a page: the kernel test driver's codes.
enum SnapshotCode : std::uint8_t {
  kSnapError = 0xff,
  kSnapNone = 0x00,
  kSnapRead = 0x01,
  kSnapWrite = 0x02,
  kSnapPmd = 0x04,
  kSnapZero = 0x10,
  kSnapPrivateLocal = 0x20,
  kSnapPrivateRemote = 0x30,
  kSnapCoherentLocal = 0x40,
  kSnapCoherentRemote = 0x50,
};

struct OpRecord {
  std::uint32_t keys = 0;
  bool supported = true;  // false: no one here executes this operation
  bool fault = false;     // ret is "fault"
  Errc ret = Errc::kOk;
  std::uint64_t pages = 0, bytes = 0, cpages = 0, faults = 0;
  std::vector<std::uint64_t> v;
  std::vector<FaultResult> signals;  // of v or st, one a page; empty: all ok
  std::vector<PagemapEntry> entries;
  std::vector<std::uint8_t> prot;  // SnapshotCode
};

/// Why it was of no use; kOk: it did something. A load that met a signal and a gup that got
/// no page end without an error of their own.
inline Errc failure_of(const Op& op, const OpRecord& record) {
  if (!record.supported) return Errc::kOpNotSupp;
  if (record.fault) return Errc::kFault;
  if (op.code == OpCode::kLoad)
    for (const FaultResult signal : record.signals)
      if (signal != FaultResult::kOk) return Errc::kFault;
  if (op.code == OpCode::kGup && record.ret == Errc::kOk && record.pages == 0) return Errc::kFault;
  return record.ret;
}

struct OpInfo {
  std::string_view name;
  std::string_view fields;  // beside op and proc; [optional]
  std::string_view result;  // keys
  bool device;
};

inline constexpr std::array<OpInfo, kOpCodes> kOpTable = {{
    {"mmap", "buf pages kind prot [fill] [file] [dev]", "ret", false},
    {"munmap", "buf [page] [n]", "ret", false},
    {"mprotect", "buf [page] [n] prot", "ret", false},
    {"mlock", "buf [page] [n]", "ret", false},
    {"munlock", "buf [page] [n]", "ret", false},
    {"madvise", "buf [page] [n] advice", "ret", false},
    {"mremap", "buf page n to", "ret", false},
    {"load", "buf [page] [n]", "v", false},
    {"store", "buf [page] [n] value", "ret [st]", false},
    {"dev_read", "dev buf [page] [n]", "ret [cpages faults v]", true},
    {"dev_write", "dev buf [page] [n] value", "ret [cpages faults]", true},
    {"migrate_to_dev", "dev buf [page] [n] [evict]", "ret [cpages v]", true},
    {"migrate_to_sys", "dev buf [page] [n]", "ret [cpages]", true},
    {"snapshot", "dev buf [page] [n]", "ret [cpages prot]", true},
    {"exclusive", "dev buf [page] [n]", "ret [cpages v]", true},
    {"check_exclusive", "dev buf [page] [n]", "ret", true},
    {"release", "dev", "ret", true},
    {"open_dev", "dev", "ret", true},
    {"close_dev", "dev [keep]", "ret", true},
    {"fork", "child", "ret", false},
    {"exit", "[keep]", "ret", false},
    {"gup", "buf [page] [n] mode [write] [longterm]", "ret pages", false},
    {"pin", "id via buf [page] [n] [write] [fast]", "ret [pages]", false},
    {"unpin", "id [page] [n]", "ret", false},
    {"pin_read", "id", "ret [v]", false},
    {"pin_write", "id value", "ret [pages]", false},
    {"file", "file pages value", "ret", false},
    {"dio_write", "buf page n file fpage", "ret [bytes]", false},
    {"dio_read", "buf page n file fpage", "ret [bytes]", false},
    {"bio_write", "buf page n file fpage", "ret [bytes]", false},
    {"bio_read", "buf page n file fpage", "ret [bytes]", false},
    {"file_read", "file fpage n", "ret [bytes v]", false},
    {"fd_read", "buf [page] [n]", "ret [bytes v]", false},
    {"fd_write", "buf [page] [n] value", "ret [bytes]", false},
    {"clear_refs", "", "ret", false},
    {"pagemap", "buf [page] [n]", "pages", false},
    {"compact", "[n]", "ret pages", false},
    {"writeback", "file", "ret", false},
    {"poke", "buf [page] [n] value", "ret [pages]", false},
    {"uffd_continue", "buf [page] [n]", "ret [pages]", false},
    {"check_file", "file", "ret", false},
    {"dax_file", "file pages", "ret", false},
    {"truncate", "file pages", "ret", false},
    {"yield", "", "ret", false},
    {"barrier", "", "", false},
    {"repeat", "n ops", "", false},
    {"set_up_page", "pfn [pages] type [order]", "ret", false},
    {"release_page", "[pfn] [pages] [page]", "ret", false},
    {"get_page", "[pfn] [pages] [buf] [page] [n]", "ret", false},
    {"put_page", "[pfn] [pages] [buf] [page] [n]", "ret", false},
    {"pin_page", "[pfn] [pages] [buf] [page] [n] [referenced]", "ret", false},
    {"unpin_page", "[pfn] [pages] [buf] [page] [n]", "ret", false},
    {"isolate_page", "[pfn] [pages] [buf] [page]", "ret", false},
    {"putback_page", "[pfn] [pages] [buf] [page]", "ret", false},
    {"maybe_pinned", "[pfn] [pages] [buf] [page]", "ret [v]", false},
    {"pins_of", "[pfn] [pages] [buf] [page]", "ret [v]", false},
    {"freeze_page", "[pfn] [pages] [page]", "ret", false},
    {"offline", "buf [page]", "ret", false},
    {"fail_nth", "site [nth] [times]", "ret", false},
    {"injected", "", "ret [v]", false},
    {"resume", "", "ret", false},
}};

}  // namespace pagebox::inline PAGEBOX_ENV
