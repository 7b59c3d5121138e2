// What address spaces need of a box: its machine, on the box's own descriptors,
// zone, allocator and pins, and the record of who has what of it. Everything is
// named by numbers that are never used again, so that a handle whose object is
// gone finds nothing; each belongs to one user (a handle on the box), which takes
// what it leaves behind with it.
//
// Calls may come from several OS threads, each for objects of its own user; the
// gate of the box keeps those marked `exclusive` apart from all others.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/audit/audit_folio.h"
#include "engine/audit/audit_mm.h"
#include "mm/file/file_disk.h"
#include "mm/gup/gup.h"
#include "mm/machine.h"
#include "mm/mm.h"
#include "zone_device/dax_file.h"
#include "zone_device/mirror.h"
#include "zone_device/p2pdma.h"

namespace pagebox::inline PAGEBOX_ENV {

using ObjectId = std::uint64_t;  // from 1 on

/// An address space and the devices it has open.
struct BoxMm {
  std::unique_ptr<Mm> mm;
  unsigned user = 0;
  std::map<ObjectId, Mirror*> mirrors;  // by device
};

/// Pages that GUP has handed out, and nobody has given back.
struct BoxPages {
  std::vector<Pfn> pfns;
  bool pinned = false;  // FOLL_PIN, or FOLL_GET
  unsigned user = 0;
};

struct BoxFile {
  AddressSpace* file = nullptr;
  FileDisk* disk = nullptr;  // a real file's; owned by `file`
  DaxFile* dax = nullptr;    // of a dax device, which owns it: no page cache
  unsigned user = 0;
};

/// One of the three.
struct BoxDevice {
  std::unique_ptr<MirrorDevice> mirror;
  std::unique_ptr<DaxDevice> dax;
  std::unique_ptr<P2pdma> p2pdma;
  std::string name;
  Pfn first;
  std::uint64_t pages = 0;
  std::uint64_t nth = 0;  // names its pagemap in descriptors

  /// Pages that somebody uses beyond what the device itself does with them.
  std::vector<PageHolder> holders() const;
  void abandon();
};

/// What a user had not closed when it went.
struct LeftOver {
  std::uint64_t mms = 0, files = 0;
  std::vector<Pfn> pinned;  // pages of pins, taken back
};

class BoxMachine {
 public:
  /// Of each `_refcount`: what pins and references that are handed out leave to mappings,
  /// caches, batches and splits, beside a ledger.
  static constexpr std::uint32_t kSpareRefs = 4096;

  /// As Machine::start().
  static Errc create(Box& box, std::unique_ptr<BoxMachine>& out, std::string* reason = nullptr);
  /// Everything still there goes, held or not.
  ~BoxMachine();
  BoxMachine(const BoxMachine&) = delete;
  BoxMachine& operator=(const BoxMachine&) = delete;

  Machine& machine() { return machine_; }
  /// A user's processor.
  Cpu& cpu(unsigned user) {
    return machine_.cpu(first_cpu_ + user % (machine_.cpus() - first_cpu_));
  }
  /// Between calls: memory that RCU kept is freed.
  void settle() { machine_.rcu.poll(); }
  /// The last reference went elsewhere (a put or an unpin by pfn).
  void free_folio(Pfn head);
  /// Anything that reset() would lose.
  bool in_use();

  // Address spaces. kBadF: no such object; kNoMem.
  Result<ObjectId> create_mm(unsigned user);
  Result<ObjectId> fork_mm(unsigned user, ObjectId parent);
  /// Null: there is none.
  BoxMm* mm(ObjectId id);
  /// As exit(2): first its memory, then its open devices. Its pins stay.
  Errc close_mm(ObjectId id);
  /// A gap for so many pages, 2 MiB aligned, clear of its neighbours. kNoMem: none.
  static Result<std::uint64_t> find_gap(Mm& mm, std::uint64_t pages);

  // Pins. All of the range or nothing; `had`: the pages before the one that failed.
  Result<ObjectId> take_pages(unsigned user, Mm& mm, std::uint64_t address, std::uint64_t pages,
                              std::uint32_t flags, bool fast, std::uint64_t& had);
  const BoxPages* pages(ObjectId id);
  Errc give_back(ObjectId id);

  // Files.
  /// Of `pages` holes; `on_disk`: behind it a disk in memory, else nothing but swap.
  Result<ObjectId> create_file(unsigned user, std::uint64_t pages, bool on_disk);
  /// A real file. Errors as FileDisk::open.
  Result<ObjectId> open_file(unsigned user, const std::string& path,
                             const FileDiskOptions& options);
  BoxFile* file(ObjectId id);
  Errc close_file(ObjectId id);

  // Devices; of the box, not of a user.
  /// exclusive. kRefused: the layout has no such pages; kNoSpc: no pfns left, or too
  /// many devices; kExist: the name is taken.
  Result<ObjectId> add_device(DeviceMemory memory, std::uint64_t pages, const std::string& name);
  Result<ObjectId> add_dax(DaxKind kind, std::uint64_t pages, const std::string& name);
  Result<ObjectId> add_p2pdma(std::uint64_t pages, const std::string& name);
  /// exclusive. Takes it away: a mirror's pages move to RAM, it is closed everywhere; a
  /// dax device is unmapped, its files are empty from then on, and its pfns are nobody's
  /// else before the last of them is closed. kBusy: somebody holds pages; then it stays,
  /// but for what has moved or is unmapped, and p2pdma hands nothing out any more.
  Errc remove_device(unsigned user, ObjectId id);
  /// Null: there is none, or it is another kind of device.
  MirrorDevice* mirror_device(ObjectId id);
  DaxDevice* dax_device(ObjectId id);
  P2pdma* p2pdma(ObjectId id);
  const BoxDevice* device(ObjectId id) const;
  const std::map<ObjectId, BoxDevice>& devices() const { return devices_; }
  /// A file of the user's on a dax device. kNoDev: no such device; else as
  /// DaxDevice::create_file.
  Result<ObjectId> create_dax_file(unsigned user, ObjectId device, std::uint64_t pages);
  /// The address space's handle on the device, opened when first asked for. Null: no
  /// memory.
  Mirror* open_device(BoxMm& mm, ObjectId device);
  Errc close_device(unsigned user, BoxMm& mm, ObjectId device);

  /// Frees up to `pages` pages of the tails of the LRU lists, as kswapd would, the
  /// inactive ones first. How many were freed.
  std::uint64_t reclaim(unsigned user, std::uint64_t pages);
  /// Moves what it can of [first, end) to other frames. How many.
  std::uint64_t compact(unsigned user, Pfn first, Pfn end);
  void drain_lru(unsigned user) { lru_add_drain_all(cpu(user)); }

  /// Closes what the user still has, in the order of a process's exit.
  LeftOver end_user(unsigned user);
  /// What that would be. Any time, for a user that calls nothing meanwhile.
  LeftOver left_of(unsigned user);
  /// exclusive. Rows about pages, files and address spaces of the machine.
  void audit(AuditSink& sink);

 private:
  explicit BoxMachine(Box& box);
  template <class Map>
  auto* find(Map& map, ObjectId id);
  void close_mirrors(BoxMm& mm, Cpu& cpu);
  void drop(const BoxPages& pages);
  std::vector<HeldReference> held_references();
  Result<Pfn> device_gap(std::uint64_t pages) const;
  Result<BoxDevice> place_device(PageType type, std::uint64_t pages, const std::string& name);
  ObjectId keep_device(BoxDevice device);
  template <class Device, class Maker, class Options>
  Result<ObjectId> make_device(PageType type, std::uint64_t pages, const std::string& name,
                               Maker& maker, Options options,
                               std::unique_ptr<Device> BoxDevice::* where);
  void drop_left_devices();

  Box& box_;
  const unsigned first_cpu_;
  Machine& machine_;
  FileStore store_;  // of real files
  Mutex lock_;       // the maps; their objects are their users'. Unchecked: ../../README.md
  std::map<ObjectId, BoxMm> mms_;
  std::map<ObjectId, BoxPages> pages_;
  std::map<ObjectId, BoxFile> files_;
  std::map<ObjectId, BoxDevice> devices_;  // changed in exclusive calls only
  std::vector<BoxDevice> left_;            // removed, with files that somebody has open or mapped
  ObjectId next_id_ = 1;
};

}  // namespace pagebox::inline PAGEBOX_ENV
