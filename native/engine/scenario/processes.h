// What the threads of a scenario share beside the machine: its processes and its
// disk files.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/book_changes.h"
#include "base/book_lock.h"
#include "base/plain.h"
#include "engine/scenario/process.h"
#include "engine/scenario/stop_gate.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Who executes the operations on devices: zone_device, through the engine. Called by
/// several threads at once.
class DeviceHandler {
 public:
  virtual ~DeviceHandler() = default;
  /// False: unsupported. The process is alive.
  virtual bool run(Cpu& cpu, Process& process, const Op& op, OpRecord& result) = 0;
  /// mmap of kind dmirror: the device's own mapping.
  virtual Errc mmap(Cpu& cpu, Process& process, const Op& op) = 0;
  /// The process exits: its open devices close, after its memory went.
  virtual void exit(Cpu& cpu, Process& process, bool keeps_pages) = 0;
  /// All processes have exited: its files are dropped.
  virtual void finish(Cpu& cpu) = 0;
};

class Processes {
 public:
  /// `devices` may be null: device operations are then unsupported. Process 0 is
  /// there unless memory lacks.
  Processes(Machine& machine, Cpu& cpu, DeviceHandler* devices, unsigned threads);
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  Machine& machine() const { return machine_; }
  DeviceHandler* devices() const { return devices_; }

  /// The process that `thread` calls so; null: none.
  std::shared_ptr<Process> find(unsigned thread, std::uint32_t proc);
  /// A count that grows when what `thread` calls so is another process, or none: that name may
  /// be its own or everybody's.
  std::uint64_t renamed(unsigned thread, std::uint32_t proc) const {
    const unsigned kept = proc % kRenamed;
    return books_[0].renamed[kept].count() +
           (thread != 0 ? books_[thread].renamed[kept].count() : 0);
  }
  /// kExist: the thread has one of that name.
  Errc add(unsigned thread, std::uint32_t proc, std::shared_ptr<Process> process);
  /// kInval: somebody was first. Waits for operations in its name.
  /// `keeps_pages`: its devices leave other processes' pages where they are.
  Errc exit(Cpu& cpu, unsigned thread, std::uint32_t proc, bool keeps_pages = false);
  /// Names of threads that are done become everybody's, of processes and of pins; of two the
  /// lower thread's. With nothing running.
  void join_names();
  /// All processes exit, children first; files are dropped. With nothing running.
  void finish(Cpu& cpu);

  /// The disk file with a reference; null: it was not made yet.
  AddressSpace* get_disk_file(unsigned index);
  /// With a reference too; made if need be. Null: kNoMem.
  AddressSpace* make_disk_file(Cpu& cpu, unsigned index, bool& fresh);

  /// The test driver holds one set of pages at a time for each thread. False: it
  /// has one already.
  bool claim_gup_test(unsigned thread);
  void release_gup_test(unsigned thread);
  std::uint64_t next_handle();
  /// Null: nothing stops. With nothing running.
  StopGate* gate() const { return gate_.get(); }
  void open_gate(unsigned threads) { gate_ = std::make_unique<StopGate>(threads); }

  /// With nothing running. Null: it was not made yet.
  const AddressSpace* disk_file(unsigned index) const { return disk_files_[index]; }
  /// For the audit, with nothing running.
  template <class Fn>
  void for_each(Fn&& fn) const {
    for (const auto& [name, process] : table_) fn(*process);
  }
  /// fn(thread that names it, its number, process); thread 0's names are everybody's.
  template <class Fn>
  void for_each_named(Fn&& fn) const {
    for (const auto& [name, process] : table_) fn(name.thread, name.proc, *process);
  }

 private:
  struct Name {
    std::uint32_t thread = 0, proc = 0;
    auto operator<=>(const Name&) const = default;
  };
  static constexpr unsigned kRenamed = 8;
  /// Lines of its own: threads look before every operation whether their names have changed.
  struct alignas(64) OfThread {
    std::array<BookChanges, kRenamed> renamed;  // by number; lock_, to write
    bool gup_test_busy = false;                 // lock_
  };
  void renames(Name name) { books_[name.thread].renamed[name.proc % kRenamed].add(); }
  void end(Cpu& cpu, Process& process, bool keeps_pages = false);

  Machine& machine_;
  DeviceHandler* devices_;
  BookLock lock_;
  std::map<Name, std::shared_ptr<Process>> table_;  // lock_
  std::vector<OfThread> books_;
  std::uint64_t next_handle_ = 1;  // lock_
  SpinLock files_lock_;
  std::array<Plain<AddressSpace*>, kDiskFiles> disk_files_;  // files_lock_; held
  std::unique_ptr<StopGate> gate_;
};

/// Gives back what a pin holds.
void drop_pages(Cpu& cpu, PinVia via, std::span<const Pfn> pages);

}  // namespace pagebox::inline PAGEBOX_ENV
