// Executes scenarios: one operation after another, each in the name of a process.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/ops.h"
#include "engine/process.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Who executes the operations on devices: zone_device, through the engine.
class DeviceHandler {
 public:
  virtual ~DeviceHandler() = default;
  /// False: unsupported. The process is alive.
  virtual bool run(Cpu& cpu, std::uint32_t proc, Process& process, const Op& op,
                   OpRecord& result) = 0;
  /// mmap of kind dmirror: the device's own mapping.
  virtual Errc mmap(Cpu& cpu, std::uint32_t proc, Process& process, const Op& op) = 0;
  /// The process exits: its open devices close, after its memory went.
  virtual void exit(Cpu& cpu, std::uint32_t proc, Process& process) = 0;
};

class Interpreter {
 public:
  /// Every scenario starts fresh: one process 0, nothing mapped. `devices` may be
  /// null: device operations are then unsupported.
  Interpreter(Machine& machine, unsigned cpu, DeviceHandler* devices);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Letters, devices, files and pages that exist.
  static bool in_range(const Op& op);
  /// One operation. Unknown processes and bad fields give kInval.
  OpRecord run(const Op& op);
  std::vector<OpRecord> run_all(std::span<const Op> ops);
  /// All processes exit, children first; files are dropped.
  void finish();

  Process* process(std::uint32_t proc);
  /// Null until an operation has made it.
  const AddressSpace* disk_file(unsigned file) const { return disk_files_[file]; }
  Cpu& cpu() { return cpu_; }
  /// Live processes, for the audit.
  const std::map<std::uint32_t, std::unique_ptr<Process>>& processes() const { return processes_; }

 private:
  OpRecord dispatch(Process& process, const Op& op);
  Errc mmap(Process& process, const Op& op);
  Errc mremap(Process& process, const Op& op);
  Errc fork(const Op& op, const Process& parent);
  void exit(std::uint32_t proc, Process& process);
  OpRecord load(Process& process, const Op& op);
  OpRecord store(Process& process, const Op& op);
  OpRecord gup(Process& process, const Op& op);
  OpRecord pin(Process& process, const Op& op);
  Errc pin_pages(Process& process, const Op& op, std::vector<Pfn>& pages);
  Errc unpin(Process& process, std::int64_t id);
  OpRecord pin_read(Process& process, const Op& op);
  OpRecord pin_write(Process& process, const Op& op);
  Errc create_file(const Op& op);
  OpRecord file_io(Process& process, const Op& op);
  OpRecord fd_io(Process& process, const Op& op);
  OpRecord pagemap(Process& process, const Op& op);
  void set_buffer(Buffer& buffer, std::uint64_t pages, AddressSpace* file);

  Machine& machine_;
  Cpu& cpu_;
  DeviceHandler* devices_;
  std::map<std::uint32_t, std::unique_ptr<Process>> processes_;
  std::array<AddressSpace*, kDiskFiles> disk_files_{};
  bool gup_test_pinned_ = false;  // the test driver holds one set of pages at a time
  std::uint64_t next_handle_ = 1;
};

}  // namespace pagebox::inline PAGEBOX_ENV
