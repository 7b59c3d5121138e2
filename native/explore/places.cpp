#include "explore/places.h"

#include <array>

#include "base/model/run_memory.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class T>
bool lies_in(const std::byte* at, const T& object) {
  const auto* begin = reinterpret_cast<const std::byte*>(&object);
  return at >= begin && at < begin + sizeof(T);
}

/// "p" is process 0 of everybody; a child is a number, with its thread where it has one.
std::string process_name(std::uint32_t thread, std::uint32_t proc) {
  if (proc == 0) return "p";
  return "p" + std::to_string(proc) + (thread == 0 ? "" : " of thread " + std::to_string(thread));
}

/// "a+3": where a letter's pages lie; else the page number.
std::string address_name(std::uint64_t address) {
  const std::uint64_t offset = address - kBufferBase;
  if (address < kBufferBase || offset / kBufferStride >= kBuffers)
    return "page number " + std::to_string(address / kPageBytes);
  const std::uint64_t page = offset % kBufferStride / kPageBytes;
  return std::string(1, static_cast<char>('a' + offset / kBufferStride)) +
         (page == 0 ? "" : "+" + std::to_string(page));
}

}  // namespace

std::string_view access_name(Access access) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "load", "store", "change", "add",   "add or look", "compare-and-swap",
      "read", "write", "read",   "write", "lock",        "unlock",
      "wait", "yield"};
  return kNames[static_cast<unsigned>(access)];
}

std::string Places::name(const void* place) const {
  if (place == nullptr) return "";
  const auto* at = static_cast<const std::byte*>(place);
  if (auto found = of_page(at)) return *std::move(found);
  if (auto found = of_box(at)) return *std::move(found);
  if (machine_ != nullptr) {
    if (auto found = of_table(at)) return *std::move(found);
    if (auto found = of_process(at)) return *std::move(found);
    if (auto found = of_machine(at)) return *std::move(found);
  }
  // The same in every schedule and process, since allocations are.
  if (const std::uint64_t number = RunMemory::place_of(at); number != 0)
    return "object " + std::to_string(number / 16);
  return "elsewhere";
}

void Places::for_each_page(const std::function<void(std::string, Pfn)>& fn) const {
  for (Pfn pfn; pfn.value < sandbox_.box().placed_pages(); pfn.value += 1)
    fn("page " + std::to_string(pfn.value), pfn);
  if (machine_ == nullptr) return;
  sandbox_.interpreter().processes().for_each_named(
      [&](std::uint32_t thread, std::uint32_t proc, const Process& process) {
        if (process.mm == nullptr || process.mm->exited) return;
        const PageTable& table = process.mm->page_table;
        for (unsigned buf = 0; buf < kBuffers; ++buf) {
          for (std::uint64_t page = 0; page < process.buffers[buf].pages; ++page) {
            const std::uint64_t address = kBufferBase + buf * kBufferStride + page * kPageBytes;
            PteSlot slot = table.find(address);
            const bool in_pmd = !slot;
            if (in_pmd) slot = table.find_pmd(address);
            if (!slot) continue;
            const Pte pte = slot.get();
            if (pte.none() || (!pte.present() && !pte.entry().has_page())) continue;
            const Pfn pfn = !pte.present() ? pte.entry().pfn()
                            : in_pmd       ? huge_pfn(pte, address)
                                           : pte.pfn();
            if (pfn.value < memmap_.capacity())
              fn(process_name(thread, proc) + ":" + address_name(address), pfn);
          }
        }
      });
}

PageType Places::type_of(Pfn pfn) const {
  if (machine_ == nullptr) {
    const auto type = sandbox_.box().type_of(pfn);
    return type ? type.value : PageType::kFree;
  }
  if (const PagemapRange* range = machine_->pagemap(pfn); range != nullptr) {
    if (range->memory == DeviceMemory::kPrivate) return PageType::kDevicePrivateAnon;
    return PageType::kDeviceCoherent;
  }
  if (machine_->tables.is_table(pfn)) return PageType::kPageTable;
  const Page page = memmap_.page(pfn);
  if (page.refcount() <= 0) return PageType::kFree;
  return page.test(Flag::kHead) ? PageType::kCompoundHead : PageType::kAnon;
}

std::optional<std::string> Places::of_page(const std::byte* at) const {
  const Memmap& memmap = memmap_;
  const std::uint64_t stride = memmap.shape().stride_bytes;
  if (at < memmap.base() || at >= memmap.base() + memmap.capacity() * stride) return std::nullopt;
  const auto offset = static_cast<std::uint64_t>(at - memmap.base());
  const Pfn pfn{offset / stride};
  const auto in_page = static_cast<std::uint16_t>(offset % stride);
  const Layout& layout = memmap.layout();
  const PageType type = type_of(pfn);
  const Field* best = nullptr;
  for (const Field& field : layout.fields) {
    const unsigned first = field.offset_bytes + field.shift / 8U;
    const unsigned end = field.offset_bytes + (field.shift + field.bits + 7U) / 8U;
    if (in_page < first || in_page >= end) continue;
    if (field.types.has(type)) {
      best = &field;
      break;
    }
    if (best == nullptr) best = &field;
  }
  return "page " + std::to_string(pfn.value) + " word " +
         std::to_string(in_page / layout.word_bytes) + (best == nullptr ? "" : " " + best->name);
}

std::optional<std::string> Places::of_table(const std::byte* at) const {
  const TableStore& tables = machine_->tables;
  const std::uint64_t pages = memmap_.pages();
  const auto* records = reinterpret_cast<const std::byte*>(&tables.record({0}));
  if (at >= records && at < records + pages * sizeof(TableRecord)) {
    const Pfn pfn = tables.pfn_of(*reinterpret_cast<const TableRecord*>(
        records +
        static_cast<std::uint64_t>(at - records) / sizeof(TableRecord) * sizeof(TableRecord)));
    const bool is_lock = lies_in(at, tables.record(pfn).lock);
    return (is_lock ? "ptl of table " : "record of table ") + std::to_string(pfn.value);
  }
  if (!tables.holds(at)) return std::nullopt;
  const PteSlot wanted(tables.entry(tables.entry_number(at)), nullptr);
  std::optional<std::string> found;
  sandbox_.interpreter().processes().for_each_named([&](std::uint32_t thread, std::uint32_t proc,
                                                        const Process& process) {
    if (found || process.mm == nullptr || process.mm->exited) return;
    for (unsigned buf = 0; buf < kBuffers && !found; ++buf) {
      const std::uint64_t begin = kBufferBase + buf * kBufferStride;
      for (std::uint64_t page = 0; page < process.buffers[buf].pages && !found; ++page) {
        const std::uint64_t address = begin + page * kPageBytes;
        const PageTable& table = process.mm->page_table;
        const bool is_pte = table.find(address).same_as(wanted);
        const bool is_pmd = table.find_pmd(address).same_as(wanted);
        if (is_pte || is_pmd)
          found =
              (is_pte ? "pte " : "pmd ") + process_name(thread, proc) + ":" + address_name(address);
      }
    }
  });
  if (found) return found;
  const std::uint64_t entry = tables.entry_number(at);
  return "entry " + std::to_string(entry % kPtesPerTable) + " of table " +
         std::to_string(entry / kPtesPerTable);
}

std::optional<std::string> Places::of_process(const std::byte* at) const {
  std::optional<std::string> found;
  sandbox_.interpreter().processes().for_each_named(
      [&](std::uint32_t thread, std::uint32_t proc, const Process& process) {
        const std::string name = process_name(thread, proc);
        if (lies_in(at, process))
          found = (lies_in(at, process.life) ? "exit lock " : "process ") + name;
        if (process.mm == nullptr) return;
        const Mm& mm = *process.mm;
        if (lies_in(at, mm)) {
          if (lies_in(at, mm.mmap_lock)) {
            found = "mmap_lock " + name;
          } else if (lies_in(at, mm.write_protect_seq)) {
            found = "write_protect_seq " + name;
          } else if (lies_in(at, mm.has_pinned)) {
            found = "has_pinned " + name;
          } else if (lies_in(at, mm.anon_vma_lock)) {
            found = "anon_vma_lock " + name;
          } else if (lies_in(at, mm.notifiers)) {
            found = "notifiers " + name;
          } else {
            found = "mm " + name;
          }
        }
        for (const auto& vma : mm.vmas)
          if (lies_in(at, *vma)) found = "vma " + name + ":" + address_name(vma->start);
      });
  return found;
}

std::optional<std::string> Places::of_box(const std::byte* at) const {
  Box& box = sandbox_.box();
  if (lies_in(at, box.zone())) return lies_in(at, box.zone().lru_lock()) ? "lru_lock" : "LRU lists";
  if (lies_in(at, box.allocator())) return "allocator";
  if (const auto head = box.accounts().page_at(at))
    return "mappings and own references of page " + std::to_string(head->value);
  if (const PinWitness* witness = sandbox_.witness(); witness != nullptr)
    if (const auto head = witness->page_at(at))
      return "pins held of page " + std::to_string(head->value);
  return std::nullopt;
}

std::optional<std::string> Places::of_machine(const std::byte* at) const {
  Machine& machine = *machine_;
  if (const auto pfn = machine.frames.frame_at(at))
    return "contents of page " + std::to_string(pfn->value);
  if (lies_in(at, machine.all_locks_lock)) return "mm_all_locks_mutex";
  if (lies_in(at, machine.swap)) return "swap";
  if (lies_in(at, machine.rcu)) return "rcu";
  if (lies_in(at, machine.hugetlb)) return "hugetlb pool";
  if (lies_in(at, machine.deferred_split)) return "deferred split list";
  for (unsigned i = 0; i < machine.cpus(); ++i)
    if (lies_in(at, machine.cpu(i))) return "cpu " + std::to_string(i);
  for (std::uint64_t i = 0; i < machine.anon_vmas.size(); ++i)
    if (lies_in(at, *machine.anon_vmas.at(i))) return "anon_vma " + std::to_string(i);
  for (std::uint64_t i = 0; i < machine.files.size(); ++i) {
    AddressSpace& file = *machine.files.at(i);
    if (!lies_in(at, file)) continue;
    if (lies_in(at, file.cache_lock)) return "cache_lock of file " + std::to_string(i);
    if (lies_in(at, file.i_mmap_lock)) return "i_mmap_lock of file " + std::to_string(i);
    return "file " + std::to_string(i);
  }
  if (lies_in(at, machine)) return "machine";
  return std::nullopt;
}

}  // namespace pagebox::inline PAGEBOX_ENV
