#include "engine/interpreter.h"

#include "mm/file_io.h"
#include "mm/user_access.h"

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
  // A letter's slot is 64 MiB: no range leaves it.
  constexpr std::uint64_t kSlotPages = kBufferStride / kPageBytes;
  return op.buf < kBuffers && op.to < kBuffers && op.dev < kDevices && op.file < kDiskFiles &&
         op.page < kSlotPages && op.n <= kSlotPages && op.pages <= kSlotPages &&
         op.page + op.n <= kSlotPages && op.fpage <= kSlotPages;
}

Interpreter::Interpreter(Machine& machine, unsigned cpu, DeviceHandler* devices)
    : machine_(machine), cpu_(machine.cpu(cpu)), devices_(devices) {
  auto process = std::make_unique<Process>();
  if (Mm::create(cpu_, process->mm) == Errc::kOk) processes_.emplace(0, std::move(process));
}

Interpreter::~Interpreter() { finish(); }

Process* Interpreter::process(std::uint32_t proc) {
  const auto at = processes_.find(proc);
  return at == processes_.end() ? nullptr : at->second.get();
}

OpRecord Interpreter::run(const Op& op) {
  Process* process = this->process(op.proc);
  if (process == nullptr || !in_range(op)) return ret(Errc::kInval);
  OpRecord result = dispatch(*process, op);
  machine_.rcu.poll();
  return result;
}

std::vector<OpRecord> Interpreter::run_all(std::span<const Op> ops) {
  std::vector<OpRecord> results;
  results.reserve(ops.size());
  for (const Op& op : ops) results.push_back(run(op));
  return results;
}

void Interpreter::finish() {
  while (!processes_.empty()) exit(processes_.rbegin()->first, *processes_.rbegin()->second);
  for (AddressSpace*& file : disk_files_) {
    if (file != nullptr) machine_.put_file(cpu_, *file);
    file = nullptr;
  }
  lru_add_drain_all(cpu_);
  machine_.rcu.barrier();
}

OpRecord Interpreter::dispatch(Process& process, const Op& op) {
  Mm& mm = *process.mm;
  const std::uint64_t at = process.address(op), pages = process.count(op);
  switch (op.code) {
    case OpCode::kMmap: return ret(mmap(process, op));
    case OpCode::kMunmap: return ret(do_munmap(cpu_, mm, at, pages));
    case OpCode::kMprotect: return ret(do_mprotect(cpu_, mm, at, pages, vm_prot(op.prot)));
    case OpCode::kMlock: return ret(do_mlock(cpu_, mm, at, pages));
    case OpCode::kMunlock: return ret(do_munlock(cpu_, mm, at, pages));
    case OpCode::kMadvise: return ret(do_madvise(cpu_, mm, at, pages, op.advice));
    case OpCode::kMremap: return ret(mremap(process, op));
    case OpCode::kLoad: return load(process, op);
    case OpCode::kStore: return store(process, op);
    case OpCode::kFork: return ret(fork(op, process));
    case OpCode::kExit: exit(op.proc, process); return ret(Errc::kOk);
    case OpCode::kGup: return gup(process, op);
    case OpCode::kPin: return pin(process, op);
    case OpCode::kUnpin: return ret(unpin(process, op.id));
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
    case OpCode::kClearRefs: clear_soft_dirty(cpu_, mm); return ret(Errc::kOk);
    case OpCode::kPagemap: return pagemap(process, op);
    default: break;
  }
  OpRecord result = ret(Errc::kOk);
  result.supported = devices_ != nullptr && devices_->run(cpu_, op.proc, process, op, result);
  return result;
}

void Interpreter::set_buffer(Buffer& buffer, std::uint64_t pages, AddressSpace* file) {
  AddressSpace* old = buffer.file;
  buffer = {pages, true, file};
  if (old != nullptr) machine_.put_file(cpu_, *old);
}

Errc Interpreter::mmap(Process& process, const Op& op) {
  if (op.kind == MapKind::kDmirror) {
    if (devices_ == nullptr) return Errc::kNoDev;
    const Errc error = devices_->mmap(cpu_, op.proc, process, op);
    if (error == Errc::kOk) set_buffer(process.buffers[op.buf], op.pages, nullptr);
    return error;
  }
  MmapRequest request;
  request.address = kBufferBase + op.buf * kBufferStride;
  request.pages = op.pages;
  request.prot = vm_prot(op.prot);
  request.shared = op.kind == MapKind::kAnonShared || op.kind == MapKind::kFileShared ||
                   op.kind == MapKind::kDiskShared;
  request.file_handle = next_handle_++;
  const bool memfd = op.kind == MapKind::kFilePrivate || op.kind == MapKind::kFileShared;
  AddressSpace* fresh = nullptr;
  if (memfd || op.kind == MapKind::kAnonShared) {
    fresh = machine_.create_shmem(op.pages);
    if (fresh == nullptr) return Errc::kNoMem;
    request.file = fresh;
    if (op.has_fill) {
      std::vector<std::uint64_t> words(op.pages);
      for (std::uint64_t i = 0; i < op.pages; ++i) words[i] = op.fill + i;
      (void)kernel_write(cpu_, *fresh, 0, words);
    }
  } else if (op.kind == MapKind::kDiskPrivate || op.kind == MapKind::kDiskShared) {
    request.file = disk_files_[op.file];
    if (request.file == nullptr) return Errc::kNoEnt;
  } else {
    request.file_handle = 0;
  }
  const Errc error = do_mmap(cpu_, *process.mm, request);
  if (error == Errc::kOk) {
    if (memfd) machine_.get_file(*fresh);
    set_buffer(process.buffers[op.buf], op.pages, memfd ? fresh : nullptr);
  }
  if (fresh != nullptr) machine_.put_file(cpu_, *fresh);
  return error;
}

Errc Interpreter::mremap(Process& process, const Op& op) {
  const std::uint64_t to = kBufferBase + op.to * kBufferStride;
  const Errc error = do_mremap(cpu_, *process.mm, process.address(op), process.count(op), to);
  if (error != Errc::kOk || op.to == op.buf) return error;
  // The pages keep their file, so the letter gets its descriptor too.
  AddressSpace* file = process.buffers[op.buf].file;
  if (file != nullptr) machine_.get_file(*file);
  set_buffer(process.buffers[op.to], process.count(op), file);
  return error;
}

Errc Interpreter::fork(const Op& op, const Process& parent) {
  if (process(op.child) != nullptr) return Errc::kExist;
  auto child = std::make_unique<Process>();
  if (const Errc error = Mm::create(cpu_, child->mm); error != Errc::kOk) return error;
  child->buffers = parent.buffers;
  if (const Errc error = dup_mmap(cpu_, *child->mm, *parent.mm); error != Errc::kOk) {
    child->mm->exit(cpu_);
    return error;
  }
  for (const Buffer& buffer : child->buffers)
    if (buffer.file != nullptr) machine_.get_file(*buffer.file);
  processes_.emplace(op.child, std::move(child));
  return Errc::kOk;
}

void Interpreter::exit(std::uint32_t proc, Process& process) {
  // As in the kernel's do_exit: first the memory, then the files.
  process.mm->exit(cpu_);
  if (devices_ != nullptr) devices_->exit(cpu_, proc, process);
  while (!process.pins.empty()) (void)unpin(process, process.pins.begin()->first);
  for (Buffer& buffer : process.buffers)
    if (buffer.file != nullptr) machine_.put_file(cpu_, *buffer.file);
  processes_.erase(proc);
}

OpRecord Interpreter::load(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyV;
  const std::uint64_t pages = process.count(op);
  result.v.resize(pages);
  result.signals.resize(pages, FaultResult::kOk);
  for (std::uint64_t i = 0; i < pages; ++i)
    result.signals[i] =
        load_word(cpu_, *process.mm, process.address(op) + i * kPageBytes, result.v[i]);
  return result;
}

OpRecord Interpreter::store(Process& process, const Op& op) {
  OpRecord result = ret(Errc::kOk);
  const std::uint64_t pages = process.count(op);
  result.signals.resize(pages, FaultResult::kOk);
  for (std::uint64_t i = 0; i < pages; ++i) {
    result.signals[i] =
        store_word(cpu_, *process.mm, process.address(op) + i * kPageBytes, op.value + i);
    result.fault |= result.signals[i] != FaultResult::kOk;
  }
  if (result.fault) result.keys |= kKeySt;
  return result;
}

OpRecord Interpreter::pagemap(Process& process, const Op& op) {
  OpRecord result;
  result.keys = kKeyEntries;
  result.entries.resize(process.count(op));
  read_pagemap(cpu_, *process.mm, process.address(op), result.entries);
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
