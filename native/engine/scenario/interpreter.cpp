#include "engine/scenario/interpreter.h"

#include "mm/fault/user_access.h"
#include "mm/fault/userfault.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/migrate.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

OpRecord ret(Errc error) {
  OpRecord result;
  result.keys = kKeyRet;
  result.ret = error;
  return result;
}

std::uint64_t vm_prot(std::uint8_t prot) {
  return ((prot & kProtRead) != 0 ? +kVmRead : 0ULL) |
         ((prot & kProtWrite) != 0 ? +kVmWrite : 0ULL);
}

}  // namespace

bool Interpreter::in_range(const Op& op) {
  if (is_page_op(op.code)) {
    // Exactly one of both, unless the page is one that the thread has.
    const unsigned names = (op.has_pfn ? 1U : 0U) + (op.has_buf ? 1U : 0U);
    return names == (is_chosen_late(op.pick) ? 0U : 1U) && op.buf < kBuffers &&
           op.pfn < kMaxPlacedPages && op.page < kMaxPlacedPages && op.pages <= kMaxPlacedPages &&
           (!op.has_buf || op.page < kBufferStride / kPageBytes);
  }
  // A letter's slot is 64 MiB: no range leaves it.
  constexpr std::uint64_t kSlotPages = kBufferStride / kPageBytes;
  return op.buf < kBuffers && op.to < kBuffers && op.dev < kDevices && op.file < kDiskFiles &&
         op.page < kSlotPages && op.n <= kSlotPages && op.pages <= kSlotPages &&
         op.page + op.n <= kSlotPages && op.fpage <= kSlotPages;
}

OpRecord Interpreter::run_without_machine(const Op& op) {
  OpRecord result = ret(Errc::kOk);
  result.supported = op.code == OpCode::kYield;
  if (result.supported) yield_turn();
  return result;
}

OpRecord Interpreter::run(const Op& op) {
  const bool is_judged = op.must || op.has_expect;
  if (is_control_op(op.code)) return checked(op, control(op));
  if (cpu_ == nullptr) return is_judged ? checked(op, execute(op)) : execute(op);
  if (op.stop_at != StopPoint::kNowhere)
    control_.stop_at(op.stop_at, gate() != nullptr ? this : nullptr);
  // Only while it runs: who shares the processor is asked by others.
  cpu_->control = &control_;
  OpRecord result = execute(op);
  cpu_->control = nullptr;
  if (op.stop_at != StopPoint::kNowhere) {
    control_.stop_at(StopPoint::kNowhere, nullptr);
    if (gate() != nullptr) gate()->ended(thread_);
  }
  if (is_judged) result = checked(op, std::move(result));
  return result;
}

void Interpreter::stop(StopPoint) { gate()->stop(thread_); }

void Interpreter::waits_at_barrier() {
  if (gate() != nullptr) gate()->waits(thread_);
}
void Interpreter::passed_barrier() {
  if (gate() != nullptr) gate()->passed();
}
void Interpreter::is_done() {
  if (gate() != nullptr) gate()->done(thread_);
}

/// What is asked of the thread's own operations.
OpRecord Interpreter::control(const Op& op) {
  OpRecord result = ret(Errc::kOk);
  switch (op.code) {
    case OpCode::kFailNth:
      if (op.nth == 0)
        result.ret = Errc::kInval;
      else
        control_.arm(op.site, op.nth, op.times);
      break;
    case OpCode::kInjected:
      result.keys |= kKeyV;
      result.v.push_back(control_.injected());
      break;
    case OpCode::kResume:
      result.ret = gate() == nullptr || thread_ == 0 ? Errc::kNoEnt : gate()->resume(thread_);
      break;
    default: result.supported = false;
  }
  return result;
}

Process* Interpreter::find(std::uint32_t proc) {
  if (proc >= kMaxKnown) {
    other_ = processes().find(thread_, proc);
    return other_.get();
  }
  if (proc >= known_.size()) known_.resize(proc + std::size_t{1});
  Known& known = known_[proc];
  // Read first: what changes meanwhile is looked up again by the next one.
  const std::uint64_t now = processes().renamed(thread_, proc);
  if (known.as_of != now) known = {processes().find(thread_, proc), now};
  return known.process.get();
}

void Interpreter::take_back(OpRecord&& record) {
  if (record.v.capacity() == 0) return;
  spare_v_.swap(record.v);
  spare_signals_.swap(record.signals);
}

/// An empty result.
OpRecord Interpreter::fresh() {
  OpRecord result;
  result.v.swap(spare_v_);
  result.v.clear();
  result.signals.swap(spare_signals_);
  result.signals.clear();
  return result;
}

void Interpreter::poll_readers() {
  if (++since_poll_ < polls_every_) return;
  since_poll_ = 0;
  machine().rcu.poll();
}

OpRecord Interpreter::run_alive(Process& process, const Op& op) {
  const SharedGuard alive(process.life.of(thread_));
  if (process.exited) return ret(Errc::kInval);
  return dispatch(process, op);
}

OpRecord Interpreter::execute(const Op& op) {
  if (op.code == OpCode::kExit && has_processes()) {
    if (op.proc < known_.size()) known_[op.proc] = {};
    const OpRecord result = ret(processes().exit(cpu(), thread_, op.proc, op.keep));
    poll_readers();
    return result;
  }
  if (is_page_op(op.code)) {
    OpRecord result = run_on_page(op);
    if (machine_ != nullptr) poll_readers();
    return result;
  }
  if (!has_processes()) return run_without_machine(op);
  Process* const process = find(op.proc);
  if (process == nullptr || !in_range(op) || op.pick != PagePick::kGiven) return ret(Errc::kInval);
  OpRecord result = run_alive(*process, op);
  poll_readers();
  return result;
}

std::vector<OpRecord> Interpreter::run_all(std::span<const Op> ops) {
  std::vector<OpRecord> results;
  results.reserve(ops.size());
  for (const Op& op : ops) results.push_back(run(op));
  return results;
}

OpRecord Interpreter::dispatch(Process& process, const Op& op) {
  Mm& mm = *process.mm;
  const std::uint64_t at = process.address(op), pages = process.count(op);
  switch (op.code) {
    case OpCode::kMmap: return ret(mmap(process, op));
    case OpCode::kMunmap: return ret(do_munmap(cpu(), mm, at, pages));
    case OpCode::kMprotect: return ret(do_mprotect(cpu(), mm, at, pages, vm_prot(op.prot)));
    case OpCode::kMlock: return ret(do_mlock(cpu(), mm, at, pages));
    case OpCode::kMunlock: return ret(do_munlock(cpu(), mm, at, pages));
    case OpCode::kMadvise: return ret(do_madvise(cpu(), mm, at, pages, op.advice));
    case OpCode::kMremap: return ret(mremap(process, op));
    case OpCode::kLoad: return load(process, op);
    case OpCode::kStore: return store(process, op);
    case OpCode::kFork: return ret(fork(op, process));
    case OpCode::kGup: return gup(process, op);
    case OpCode::kPin: return pin(process, op);
    case OpCode::kUnpin: return ret(unpin(process, op));
    case OpCode::kPinRead: return pin_read(process, op);
    case OpCode::kPinWrite: return pin_write(process, op);
    case OpCode::kFile: return ret(create_file(op));
    case OpCode::kDioWrite:
    case OpCode::kDioRead:
    case OpCode::kBioWrite:
    case OpCode::kBioRead:
    case OpCode::kFileRead: return file_io(process, op);
    case OpCode::kFdRead:
    case OpCode::kFdWrite: return fd_io(process, op);
    case OpCode::kClearRefs: clear_soft_dirty(cpu(), mm); return ret(Errc::kOk);
    case OpCode::kPagemap: return pagemap(process, op);
    case OpCode::kCompact: return compact(op);
    case OpCode::kWriteback: return ret(writeback(op));
    case OpCode::kPoke: return poke(process, op);
    case OpCode::kUffdContinue: return uffd_continue(process, op);
    case OpCode::kCheckFile: return ret(check_file(op));
    case OpCode::kOffline: return ret(offline(process, op));
    case OpCode::kYield: yield_turn(); return ret(Errc::kOk);
    case OpCode::kDaxFile:
      if (thread_ != 0) return ret(Errc::kInval);  // nobody else may run
      break;
    case OpCode::kBarrier:
    case OpCode::kRepeat: return ret(Errc::kInval);
    default: break;
  }
  OpRecord result = ret(Errc::kOk);
  DeviceHandler* devices = processes().devices();
  result.supported = devices != nullptr && devices->run(cpu(), process, op, result);
  return result;
}

void Interpreter::set_buffer(Process& process, unsigned buf, const Buffer& fresh) {
  AddressSpace* old = nullptr;
  {
    Guard guard(process.lock);
    old = process.buffers[buf].file;
    process.buffers[buf] = fresh;
  }
  if (old != nullptr) put_file(cpu(), *old);
}

Errc Interpreter::mmap(Process& process, const Op& op) {
  if (op.kind == MapKind::kDmirror || op.kind == MapKind::kDaxShared) {
    if (processes().devices() == nullptr) return Errc::kNoDev;
    const Errc error = processes().devices()->mmap(cpu(), process, op);
    if (error == Errc::kOk) set_buffer(process, op.buf, {op.pages, true, nullptr});
    return error;
  }
  MmapRequest request;
  request.address = kBufferBase + op.buf * kBufferStride;
  request.pages = op.pages;
  request.prot = vm_prot(op.prot);
  request.shared = op.kind == MapKind::kAnonShared || op.kind == MapKind::kFileShared ||
                   op.kind == MapKind::kDiskShared;
  request.file_handle = processes().next_handle();
  const bool memfd = op.kind == MapKind::kFilePrivate || op.kind == MapKind::kFileShared;
  if (memfd || op.kind == MapKind::kAnonShared) {
    request.file = create_shmem(machine(), op.pages);
    if (request.file == nullptr) return Errc::kNoMem;
    if (op.has_fill) {
      std::vector<std::uint64_t> words(op.pages);
      for (std::uint64_t i = 0; i < op.pages; ++i) words[i] = op.fill + i;
      (void)kernel_write(cpu(), *request.file, 0, words);
    }
  } else if (op.kind == MapKind::kDiskPrivate || op.kind == MapKind::kDiskShared) {
    request.file = processes().get_disk_file(op.file);
    if (request.file == nullptr) return Errc::kNoEnt;
  } else {
    request.file_handle = 0;
  }
  const Errc error = do_mmap(cpu(), *process.mm, request);
  if (error == Errc::kOk) {
    if (memfd) get_file(*request.file);
    set_buffer(process, op.buf, {op.pages, true, memfd ? request.file : nullptr});
  }
  if (request.file != nullptr) put_file(cpu(), *request.file);
  return error;
}

Errc Interpreter::mremap(Process& process, const Op& op) {
  const std::uint64_t to = kBufferBase + op.to * kBufferStride;
  const std::uint64_t pages = process.count(op);
  const Errc error = do_mremap(cpu(), *process.mm, process.address(op), pages, to);
  if (error != Errc::kOk || op.to == op.buf) return error;
  // The pages keep their file, so the letter gets its descriptor too.
  Buffer moved{pages, true, nullptr};
  {
    Guard guard(process.lock);
    moved.file = process.buffers[op.buf].file;
    if (moved.file != nullptr) get_file(*moved.file);
  }
  set_buffer(process, op.to, moved);
  return error;
}

Errc Interpreter::fork(const Op& op, const Process& parent) {
  if (processes().find(thread_, op.child) != nullptr) return Errc::kExist;
  const auto child = std::make_shared<Process>();
  if (const Errc error = Mm::create(cpu(), child->mm); error != Errc::kOk) return error;
  {
    Guard guard(parent.lock);
    child->buffers = parent.buffers;
    for (const Buffer& buffer : child->buffers)
      if (buffer.file != nullptr) get_file(*buffer.file);
  }
  Errc error = dup_mmap(cpu(), *child->mm, *parent.mm);
  if (error == Errc::kOk) error = processes().add(thread_, op.child, child);
  if (error == Errc::kOk) return error;
  child->mm->exit(cpu());
  for (const Buffer& buffer : child->buffers)
    if (buffer.file != nullptr) put_file(cpu(), *buffer.file);
  return error;
}

OpRecord Interpreter::load(Process& process, const Op& op) {
  OpRecord result = fresh();
  result.keys = kKeyV;
  const std::uint64_t pages = process.count(op);
  result.v.resize(pages);
  result.signals.resize(pages, FaultResult::kOk);
  for (std::uint64_t i = 0; i < pages; ++i)
    result.signals[i] =
        load_word(cpu(), *process.mm, process.address(op) + i * kPageBytes, result.v[i]);
  return result;
}

OpRecord Interpreter::store(Process& process, const Op& op) {
  OpRecord result = fresh();
  result.keys = kKeyRet;
  const std::uint64_t pages = process.count(op);
  result.signals.resize(pages, FaultResult::kOk);
  for (std::uint64_t i = 0; i < pages; ++i) {
    result.signals[i] =
        store_word(cpu(), *process.mm, process.address(op) + i * kPageBytes, op.value + i);
    result.fault |= result.signals[i] != FaultResult::kOk;
  }
  if (result.fault) result.keys |= kKeySt;
  return result;
}

OpRecord Interpreter::uffd_continue(Process& process, const Op& op) {
  const FilledPages filled =
      pagebox::uffd_continue(cpu(), *process.mm, process.address(op), process.count(op));
  OpRecord result = ret(filled.error);
  if (filled.error != Errc::kOk) return result;
  result.keys |= kKeyPages;
  result.pages = filled.pages;
  return result;
}

OpRecord Interpreter::pagemap(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyEntries;
  result.entries.resize(process.count(op));
  read_pagemap(cpu(), *process.mm, process.address(op), result.entries);
  return result;
}

OpRecord Interpreter::compact(const Op& op) {
  OpRecord result = ret(Errc::kOk);
  result.keys |= kKeyPages;
  // Pages set up by hand have mappings that no page table knows: they stay.
  const Pfn first{pages_.box().placed_pages()};
  const Pfn end{machine().memmap.pages()};
  result.pages =
      op.has_n ? compact_some(cpu(), first, end, op.n) : compact_range(cpu(), first, end);
  return result;
}

Errc Interpreter::offline(const Process& process, const Op& op) {
  if (thread_ != 0) return Errc::kInval;  // nobody else may run
  const PteSlot slot = process.mm->page_table.find(process.address(op));
  const Pte pte = slot ? slot.get() : Pte{};
  if (!pte.present() || machine().is_zero_pfn(pte.pfn()) || machine().is_zone_device(pte.pfn()))
    return Errc::kFault;
  machine().take_offline(pte.pfn());
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
