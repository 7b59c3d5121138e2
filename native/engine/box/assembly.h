// How a small machine is put together, once for all: descriptors, the zone's LRU
// lists, the allocator, the pins of one scheme, and memory management upon them
// once somebody maps something. A box without frames is this with nothing mapped:
// all of it is reserved and nothing touched, whatever its size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/errc.h"
#include "mm/machine.h"
#include "page/allocator.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {

struct RamSettings {
  Layout layout;
  std::uint64_t pages = 0;         // RAM
  std::uint64_t device_pages = 0;  // pfns reserved behind RAM
  /// RAM below is placed by pfn; the allocator hands out what lies behind. Not all of it.
  std::uint64_t placed_pages = 0;
  unsigned zone = kZoneNormal;
  Behaviour behaviour;
};

/// Pages, and who hands them out and lists them.
struct Ram {
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
  std::unique_ptr<Allocator> allocator;

  /// kInval: more pages than the layout can name; kNoMem: cannot be reserved.
  Errc create(const RamSettings& settings);
  /// As just created.
  void reset();
};

struct AssemblySettings {
  RamSettings ram;  // its layout before layout_for()
  /// Fewer device pages will do where a pfn of the layout cannot name so many.
  bool device_pages_optional = false;
  SchemeSpec scheme;
  unsigned shards = 1;  // logical threads of the pins
  PinOptions pins;
  /// Descriptors on huge pages, all touched at creation.
  bool huge_pages = false;
};

class Assembly {
 public:
  Assembly() = default;
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  /// Once, before anything else. kRefused: the scheme does not exist for this layout;
  /// kInval: more pages than the layout can name; kNoMem. `reason` says which.
  Errc create(const AssemblySettings& settings, std::string* reason = nullptr);
  /// Frames, tables, swap, processors. The pins then ask it, see Pins::set_ops. Errors as
  /// Machine::start(); what failed leaves no machine.
  Errc start_machine(const MachineOptions& options, std::string* reason = nullptr);
  /// Nothing may be left of its pages.
  void stop_machine() { machine_.reset(); }
  /// Pages as just created. Without a machine.
  void reset();

  Memmap& memmap() { return *ram_.memmap; }
  const Memmap& memmap() const { return *ram_.memmap; }
  Zone& zone() { return *ram_.zone; }
  const Zone& zone() const { return *ram_.zone; }
  Allocator& allocator() { return *ram_.allocator; }
  Pins& pins() { return *pins_; }
  const Pins& pins() const { return *pins_; }
  /// Null: nothing is mapped, and nobody has asked for it.
  Machine* machine() { return machine_.get(); }

 private:
  // Destroyed from the last to the first: each stands on those before it.
  Ram ram_;
  std::unique_ptr<Pins> pins_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
