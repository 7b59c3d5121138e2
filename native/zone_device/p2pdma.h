// Peer-to-peer memory: a device's memory on the bus that other devices reach
// directly. Its owner hands pages out; a process maps them, shared only, and only
// who says so may pin them (FOLL_PCI_P2PDMA), never for long.
// Source: v6.12 drivers/pci/p2pdma.c as behaviour.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mm/address_space.h"
#include "mm/mm.h"
#include "zone_device/device_range.h"

namespace pagebox::inline PAGEBOX_ENV {

struct P2pdmaOptions {
  Pfn first;  // behind RAM, see Memmap's capacity
  std::uint64_t pages = 0;
  std::uint64_t index = 0;  // names the pagemap in descriptors
};

class P2pdma final : public PagemapDriver, public DriverFile {
 public:
  /// kInval: no such range; kNoMem: no frames or no file; else as DevPagemap::add. Not
  /// while others run.
  static Errc create(Cpu& cpu, const P2pdmaOptions& options, std::unique_ptr<P2pdma>& out);
  /// Nothing is mapped or held any more.
  ~P2pdma() override;
  P2pdma(const P2pdma&) = delete;
  P2pdma& operator=(const P2pdma&) = delete;

  /// Fresh zeroed pages of the device, present from the start. kInval: a private
  /// mapping; kNoMem: the device has no more; kNoDev: it is going away.
  Errc mmap(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages, std::uint64_t prot,
            bool shared);
  /// No page is handed out any more; kBusy while one is in use (holders()), or mapped
  /// without one.
  Errc remove(Cpu& cpu);
  /// The machine is going, and with it whoever holds pages: no waiting for them. Only
  /// the destructor may follow.
  void abandon() { range_.pagemap.abandon(); }
  std::vector<PageHolder> holders() const { return range_.pagemap.holders(); }
  std::uint64_t free_pages() const;
  /// What is not handed out, for audits: nothing else runs.
  const std::vector<Pfn>& free_list() const { return free_; }
  const DevPagemap& pagemap() const { return range_.pagemap; }

  void release(Cpu&) override {}
  void page_free(Cpu& cpu, Page page) override;
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;  // not private memory: never asked
  }

 private:
  P2pdma(Machine& machine, const P2pdmaOptions& options);
  Result<Page> alloc_page(Cpu& cpu);
  Errc insert_pages(Cpu& cpu, Vma& vma);

  Machine& machine_;
  const P2pdmaOptions options_;
  AddressSpace* file_ = nullptr;
  mutable SpinLock lock_;
  PlainVector<Pfn> free_;  // lock_; the last is handed out first
  DeviceRange range_;      // the last: it goes first, and what its pages come back to after it
};

}  // namespace pagebox::inline PAGEBOX_ENV
