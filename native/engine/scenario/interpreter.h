// Executes operations in the name of processes. A thread of a scenario has an
// interpreter of its own and shares the processes; one thread alone is the engine
// that runs in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/audit/audit_row.h"
#include "engine/scenario/ops.h"
#include "engine/scenario/page_thread.h"
#include "engine/scenario/processes.h"

namespace pagebox::inline PAGEBOX_ENV {

class Interpreter final : private StopKeeper {
 public:
  /// Thread 0's names are everybody's. `pages`: what it does to pages by pfn.
  Interpreter(Processes& processes, Cpu& cpu, unsigned thread, PageThread& pages)
      : processes_(&processes),
        machine_(&processes.machine()),
        cpu_(&cpu),
        thread_(thread),
        pages_(pages),
        known_(kFewKnown) {}
  /// Of descriptors alone: no other operation than those on pages by pfn is supported.
  Interpreter(unsigned thread, PageThread& pages) : thread_(thread), pages_(pages) {}

  /// Letters, devices, files and pages that exist.
  static bool in_range(const Op& op);
  /// One operation. Unknown processes and bad fields give kInval, as do the operations
  /// that only an engine can execute (barrier, repeat, a page to be chosen).
  OpRecord run(const Op& op);
  /// In a race: what waits for readers (base/rcu.h) is looked at after so many operations, and not
  /// after each. To look at all readers costs as much as a short operation.
  void polls_every(unsigned operations) { polls_every_ = operations; }
  /// A result that nobody needs any more: the next ones are made in its memory.
  void take_back(OpRecord&& record);
  /// Of a scenario whose operations stop, around its barrier and at the end of the list.
  void waits_at_barrier();
  void passed_barrier();
  void is_done();
  std::vector<OpRecord> run_all(std::span<const Op> ops);
  /// The first operation that did not come to what was expected of it.
  void tell_broken(AuditSink& sink) const;

  bool has_processes() const { return processes_ != nullptr && cpu_ != nullptr; }
  // Of a machine.
  Processes& processes() const { return *processes_; }
  Cpu& cpu() const { return *cpu_; }
  unsigned thread() const { return thread_; }
  /// The process that the thread calls so, looked up where names have changed since it was. Null:
  /// none. Stays as long as the next call by that number.
  Process* find(std::uint32_t proc);
  PageThread& pages() { return pages_; }

 private:
  Machine& machine() const { return *machine_; }
  OpRecord fresh();
  OpRecord execute(const Op& op);
  OpRecord run_alive(Process& process, const Op& op);
  void poll_readers();
  OpRecord control(const Op& op);
  void stop(StopPoint point) override;
  StopGate* gate() const { return processes_ == nullptr ? nullptr : processes_->gate(); }
  OpRecord checked(const Op& op, OpRecord result);
  void compare(const Op& op, const OpRecord& record);
  OpRecord run_without_machine(const Op& op);
  OpRecord dispatch(Process& process, const Op& op);
  Errc mmap(Process& process, const Op& op);
  Errc mremap(Process& process, const Op& op);
  Errc fork(const Op& op, const Process& parent);
  OpRecord load(Process& process, const Op& op);
  OpRecord store(Process& process, const Op& op);
  OpRecord gup(Process& process, const Op& op);
  OpRecord pin(Process& process, const Op& op);
  Errc pin_pages(Process& process, const Op& op, std::vector<Pfn>& pages);
  Errc unpin(Process& process, const Op& op);
  OpRecord pin_read(Process& process, const Op& op);
  OpRecord pin_write(Process& process, const Op& op);
  /// False: neither the thread nor everybody has a pin of that name. A copy: another
  /// may give it back meanwhile.
  bool find_pin(const Process& process, std::int64_t id, HeldPin& out) const;
  Errc create_file(const Op& op);
  OpRecord file_io(Process& process, const Op& op);
  OpRecord fd_io(Process& process, const Op& op);
  OpRecord pagemap(Process& process, const Op& op);
  OpRecord run_on_page(const Op& op);
  Errc set_up_pages(const Op& op);
  Result<Pfn> page_of(const Op& op);
  Result<Pfn> held_page(const Op& op);
  Result<Pfn> mapped_page(const Op& op);
  OpRecord compact(const Op& op);
  Errc offline(const Process& process, const Op& op);
  Errc writeback(const Op& op);
  OpRecord poke(Process& process, const Op& op);
  OpRecord uffd_continue(Process& process, const Op& op);
  Errc check_file(const Op& op);
  void set_buffer(Process& process, unsigned buf, const Buffer& fresh);

  Processes* const processes_ = nullptr;
  Machine* const machine_ = nullptr;
  Cpu* const cpu_ = nullptr;
  const unsigned thread_;
  PageThread& pages_;

  /// Readers of scenarios number processes by their names, from 0 on: a slot for each.
  struct Known {
    std::shared_ptr<Process> process;
    std::uint64_t as_of = ~std::uint64_t{0};  // Processes::renamed()
  };
  static constexpr std::uint32_t kFewKnown = 8, kMaxKnown = 1024;
  std::vector<Known> known_;
  std::shared_ptr<Process> other_;  // of the last one with a larger number
  // Of a result that came back.
  std::vector<std::uint64_t> spare_v_;
  std::vector<FaultResult> spare_signals_;
  unsigned polls_every_ = 1, since_poll_ = 0;

  /// What did not come as the scenario expects.
  struct Broken {
    Op op;
    std::uint64_t expected = 0, found = 0;
    bool is_error = false;  // ret, not a word
  };
  std::optional<Broken> broken_;
  OpControl control_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
