#include "engine/scenario/processes.h"

#include <span>
#include <utility>

#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/gup/gup.h"

namespace pagebox::inline PAGEBOX_ENV {

Processes::Processes(Machine& machine, Cpu& cpu, DeviceHandler* devices, unsigned threads)
    : machine_(machine), devices_(devices), books_(threads + 1) {
  auto process = std::make_shared<Process>();
  if (Mm::create(cpu, process->mm) == Errc::kOk) table_.emplace(Name{}, std::move(process));
}

std::shared_ptr<Process> Processes::find(unsigned thread, std::uint32_t proc) {
  Guard guard(lock_);
  auto at = table_.find({thread, proc});
  if (at == table_.end() && thread != 0) at = table_.find({0, proc});
  return at == table_.end() ? nullptr : at->second;
}

Errc Processes::add(unsigned thread, std::uint32_t proc, std::shared_ptr<Process> process) {
  Guard guard(lock_);
  renames({thread, proc});
  return table_.emplace(Name{thread, proc}, std::move(process)).second ? Errc::kOk : Errc::kExist;
}

Errc Processes::exit(Cpu& cpu, unsigned thread, std::uint32_t proc, bool keeps_pages) {
  const std::shared_ptr<Process> process = find(thread, proc);
  if (process == nullptr) return Errc::kInval;
  {
    Guard guard(process->life);
    if (process->exited) return Errc::kInval;
    process->exited = true;
    end(cpu, *process, keeps_pages);
  }
  Guard guard(lock_);
  for (const Name name : {Name{thread, proc}, Name{0, proc}}) {
    const auto at = table_.find(name);
    if (at == table_.end() || at->second != process) continue;
    table_.erase(at);
    renames(name);
    break;
  }
  return Errc::kOk;
}

void Processes::end(Cpu& cpu, Process& process, bool keeps_pages) {
  // As in the kernel's do_exit: first the memory, then the files.
  process.mm->exit(cpu);
  if (devices_ != nullptr) devices_->exit(cpu, process, keeps_pages);
  for (const auto& [name, pin] : process.pins) {
    if (pin.via == PinVia::kGupTest) release_gup_test(name.thread);
    drop_pages(cpu, pin.via, pin.pages);
  }
  process.pins.clear();
  for (Buffer& buffer : process.buffers)
    if (buffer.file != nullptr) put_file(cpu, *buffer.file);
}

void Processes::join_names() {
  Guard guard(lock_);
  // The table is sorted by thread, and what is there stays.
  for (auto at = table_.begin(); at != table_.end();) {
    const Name whole{0, at->first.proc};
    if (at->first.thread == 0 || table_.contains(whole)) {
      ++at;
      continue;
    }
    std::shared_ptr<Process> process = std::move(at->second);
    at = table_.erase(at);
    table_.emplace(whole, std::move(process));
    renames(whole);
  }
  for (const auto& [name, process] : table_) {
    Guard of_process(process->lock);
    std::map<PinName, HeldPin> pins;
    for (auto& [pin, held] : process->pins) {
      const PinName whole{0, pin.id};
      pins.emplace(pins.contains(whole) ? pin : whole, std::move(held));
    }
    process->pins = std::move(pins);
  }
  for (OfThread& books : std::span(books_).subspan(1))
    books_[0].gup_test_busy |= std::exchange(books.gup_test_busy, false);
}

void Processes::finish(Cpu& cpu) {
  while (!table_.empty()) {
    const auto last = std::prev(table_.end());
    end(cpu, *last->second);
    renames(last->first);
    table_.erase(last);
  }
  for (Plain<AddressSpace*>& file : disk_files_) {
    if (AddressSpace* held = file) put_file(cpu, *held);
    file = nullptr;
  }
  if (devices_ != nullptr) devices_->finish(cpu);
  lru_add_drain_all(cpu);
  machine_.rcu.barrier();
}

AddressSpace* Processes::get_disk_file(unsigned index) {
  Guard guard(files_lock_);
  AddressSpace* file = disk_files_[index];
  if (file != nullptr) get_file(*file);
  return file;
}

AddressSpace* Processes::make_disk_file(Cpu& cpu, unsigned index, bool& fresh) {
  fresh = false;
  if (AddressSpace* file = get_disk_file(index)) return file;
  AddressSpace* made = create_disk_file(machine_, std::make_unique<MemoryDisk>());
  if (made == nullptr) return nullptr;
  {
    Guard guard(files_lock_);
    if (disk_files_[index] == nullptr) {
      disk_files_[index] = made;
      get_file(*made);
      fresh = true;
      return made;
    }
  }
  put_file(cpu, *made);
  return get_disk_file(index);
}

bool Processes::claim_gup_test(unsigned thread) {
  Guard guard(lock_);
  return !std::exchange(books_[thread].gup_test_busy, true);
}

void Processes::release_gup_test(unsigned thread) {
  Guard guard(lock_);
  books_[thread].gup_test_busy = false;
}

std::uint64_t Processes::next_handle() {
  Guard guard(lock_);
  return next_handle_++;
}

void drop_pages(Cpu& cpu, PinVia via, std::span<const Pfn> pages) {
  for (const Pfn pfn : pages) {
    if (via == PinVia::kVmsplice)
      put_user_page(cpu, pfn);
    else
      unpin_user_page(cpu, pfn);
  }
  // The rings are unmapped with their pins, and munmap drains.
  if (via == PinVia::kUring) lru_add_drain(cpu);
}

}  // namespace pagebox::inline PAGEBOX_ENV
