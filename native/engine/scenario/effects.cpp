#include "engine/scenario/effects.h"

#include <cmath>

#include "mm/fault/fault.h"
#include "mm/huge/huge.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr PinEffectSet kObserved = pin_effects(PinEffect::kLruClear, PinEffect::kMapcountRaised);

constexpr std::uint32_t bit(PinEffect effect) { return 1U << static_cast<unsigned>(effect); }

enum class FileUse : std::uint8_t { kNone, kReads, kWrites, kCreates };

/// What an operation does to the disk file that it names.
FileUse file_use(OpCode code) {
  switch (code) {
    case OpCode::kFile: return FileUse::kCreates;
    case OpCode::kDioWrite:
    case OpCode::kBioWrite: return FileUse::kWrites;
    case OpCode::kDioRead:
    case OpCode::kBioRead:
    case OpCode::kFileRead: return FileUse::kReads;
    default: return FileUse::kNone;
  }
}

bool names_pin(OpCode code) {
  return code == OpCode::kPin || code == OpCode::kUnpin || code == OpCode::kPinRead ||
         code == OpCode::kPinWrite;
}

/// Operations without `buf` work on no range.
bool has_range(OpCode code) {
  return kOpTable[static_cast<unsigned>(code)].fields.find("buf") != std::string_view::npos;
}

/// Whether it can fault pages of its range in.
bool may_fault(OpCode code) {
  switch (code) {
    case OpCode::kMmap:
    case OpCode::kMunmap:
    case OpCode::kMprotect:
    case OpCode::kMunlock:
    case OpCode::kMremap:
    case OpCode::kSnapshot:
    case OpCode::kCheckExclusive:
    case OpCode::kPagemap: return false;
    default: return has_range(code);
  }
}

}  // namespace

EffectTracker::EffectTracker(Processes& processes, Interpreter& interpreter, PinEffectSet declared)
    : processes_(processes),
      machine_(processes.machine()),
      interpreter_(interpreter),
      declared_(declared.bits) {
  machine_.divergences = &log_;
}

EffectTracker::~EffectTracker() { machine_.divergences = nullptr; }

/// Adds where pages are mapped now.
void EffectTracker::look() {
  processes_.for_each([&](const Process& process) {
    const Mm& mm = *process.mm;
    for (const auto& vma : mm.vmas) {
      look_at_files(*vma);
      mm.page_table.for_each_pte(vma->start, vma->end, [&](std::uint64_t address, PteSlot slot) {
        const Pte pte = slot.get();
        Pfn pfn;
        if (pte.present())
          pfn = pte.pfn();
        else if (pte.is_entry() && pte.entry().has_page())
          pfn = pte.entry().pfn();
        else
          return;
        if (machine_.is_zero_pfn(pfn)) return;
        const Page head = compound_head(machine_.memmap, machine_.page(pfn));
        mapped_[machine_.pfn_of(head)].insert(address / kPageBytes);
      });
      look_at_huge(mm, *vma);
    }
  });
}

/// Leaves lead from all their places to one head.
void EffectTracker::look_at_huge(const Mm& mm, const Vma& vma) {
  // A fuzzy answer is about single pages with a thousand references: spare the kernel's
  // own schemes this.
  if ((declared_ & ~bit(PinEffect::kAnswerFuzzy)) == 0) return;
  const auto leaf = [&](std::uint64_t start, std::uint64_t end, PteSlot pmd) {
    const Page folio = huge_normal_folio(machine_, pmd.get());
    if (!folio) return;
    std::set<std::uint64_t>& places = mapped_[machine_.pfn_of(folio)];
    for (std::uint64_t at = start; at < end; at += kPageBytes) places.insert(at / kPageBytes);
  };
  mm.page_table.for_each_huge(vma.start, vma.end, leaf);
}

void EffectTracker::look_at_files(const Vma& vma) {
  for (unsigned file = 0; file < kDiskFiles; ++file) {
    if (vma.file == nullptr || vma.file != processes_.disk_file(file)) continue;
    for (std::uint64_t address = vma.start; address < vma.end; address += kPageBytes)
      file_places_.push_back(
          {address / kPageBytes, {file, vma.pgoff_of(address)}, (vma.flags & kVmShared) != 0});
  }
}

/// Before the operation: a read fault in a file mapping maps the neighbours too
/// (vectors/README.md, "fault-around"), and it may come in one of the two only.
EffectTracker::Marks<std::uint64_t> EffectTracker::around(const Op& op, Range range) const {
  constexpr std::uint64_t kWindow = 16;
  Marks<std::uint64_t> marks;
  const std::shared_ptr<Process> process = processes_.find(0, op.proc);
  if (process == nullptr || !may_fault(op.code)) return marks;
  for (std::uint64_t i = 0; i < range.pages; ++i) {
    const std::uint64_t place = range.first + i;
    const Bits bits = bits_of(places_, place);
    const Vma* vma = bits != 0 ? process->mm->find_vma(place * kPageBytes) : nullptr;
    if (vma == nullptr || vma->file == nullptr) continue;
    const std::uint64_t window = place - place % kWindow;
    for (std::uint64_t each = window; each < window + kWindow; ++each) {
      if (each * kPageBytes < vma->start || each * kPageBytes >= vma->end) continue;
      const PteSlot slot = process->mm->page_table.find(each * kPageBytes);
      if (!slot || slot.get().none()) marks[each] |= bits;
    }
  }
  return marks;
}

/// From pages to their places and back: what is mapped where something differs is
/// not what the kernel has there.
void EffectTracker::spread() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto& [head, places] : mapped_) {
      Bits all = bits_of(heads_, head);
      for (const std::uint64_t place : places) all |= bits_of(places_, place);
      if (all == 0) continue;
      if (all != bits_of(heads_, head)) {
        heads_[head] = all;
        changed = true;
      }
      for (const std::uint64_t place : places)
        if (bits_of(places_, place) != all) {
          places_[place] |= all;
          changed = true;
        }
    }
    for (const FilePlace& each : file_places_) {
      const Bits there = bits_of(places_, each.place), file = bits_of(files_, each.page);
      if ((file & ~there) != 0) {
        places_[each.place] |= file;
        changed = true;
      }
      if (each.shared && (there & ~file) != 0) {
        files_[each.page] |= there;
        changed = true;
      }
    }
  }
}

/// What the operation carries elsewhere: with a move, into a pin, into a file.
void EffectTracker::follow(const Op& op, Range range) {
  Bits over_range = 0;
  for (std::uint64_t i = 0; i < range.pages; ++i) over_range |= bits_of(places_, range.first + i);
  if (op.code == OpCode::kMremap) {
    const std::uint64_t to = (kBufferBase + op.to * kBufferStride) / kPageBytes;
    for (std::uint64_t i = 0; i < range.pages; ++i)
      if (const Bits bits = bits_of(places_, range.first + i); bits != 0) places_[to + i] |= bits;
  }
  if (op.code == OpCode::kPin && over_range != 0) {
    pins_[{op.proc, op.id}] |= over_range;
    // Whether the driver holds a set of pages may differ from here on.
    if (op.via == PinVia::kGupTest) gup_test_ |= over_range;
  }
  if (op.code == OpCode::kDevRead || op.code == OpCode::kDevWrite) {
    // The first page that needs a fault has all behind it faulted, needed or not.
    Bits behind = 0;
    for (std::uint64_t i = 0; i < range.pages; ++i) {
      behind |= bits_of(places_, range.first + i);
      if (behind != 0) places_[range.first + i] |= behind;
    }
  }
  const FileUse use = file_use(op.code);
  for (std::uint64_t i = 0; use == FileUse::kWrites && i < range.pages; ++i)
    if (const Bits bits = bits_of(places_, range.first + i); bits != 0)
      files_[{op.file, op.fpage + i}] |= bits;
  for (std::uint64_t i = 0; use == FileUse::kReads && i < range.pages; ++i)
    if (const Bits bits = bits_of(files_, FilePage(op.file, op.fpage + i)); bits != 0)
      places_[range.first + i] |= bits;
  if (use == FileUse::kCreates)
    std::erase_if(files_, [&](const auto& mark) { return mark.first.first == op.file; });
}

/// A place that nobody maps any more, and a page that is free, start afresh.
void EffectTracker::forget() {
  std::erase_if(heads_,
                [&](const auto& mark) { return machine_.page(mark.first).refcount() == 0; });
  std::erase_if(places_, [&](const auto& mark) {
    bool mapped = false;
    processes_.for_each([&](const Process& process) {
      mapped = mapped || process.mm->find_vma(mark.first * kPageBytes) != nullptr;
    });
    return !mapped;
  });
}

/// Of the pin that the operation names, and of the pages that it holds.
EffectTracker::Bits EffectTracker::held_by(const Op& op) const {
  Bits all = bits_of(pins_, PinKey(op.proc, op.id));
  if (op.code == OpCode::kPin && op.via == PinVia::kGupTest) all |= gup_test_;
  const auto process = processes_.find(0, op.proc);
  if (process == nullptr) return all;
  const auto pin = process->pins.find(PinName{0, op.id});
  if (pin == process->pins.end()) return all;
  for (const Pfn pfn : pin->second.pages) {
    const Page head = compound_head(machine_.memmap, machine_.page(pfn));
    all |= bits_of(heads_, machine_.pfn_of(head));
  }
  return all;
}

OpEffects EffectTracker::effects_of(const Op& op, Range range) const {
  OpEffects out;
  for (std::uint64_t i = 0; i < range.pages; ++i) {
    const Bits bits = bits_of(places_, range.first + i) | bits_of(seen_, range.first + i);
    out.pages.push_back({bits & declared_});
    out.all.bits |= bits;
  }
  // A device drops its entry of the page behind an invalidated range too.
  if (kOpTable[static_cast<unsigned>(op.code)].device && range.pages > 0)
    out.all.bits |= bits_of(places_, range.first - 1);
  if (names_pin(op.code)) out.all.bits |= held_by(op);
  if (file_use(op.code) != FileUse::kNone)
    for (const auto& [page, bits] : files_)
      if (page.first == op.file) out.all.bits |= bits;
  out.all.bits &= declared_;
  return out;
}

double progress_of(const OpRecord& record) {
  if (record.fault || record.ret != Errc::kOk) return -1;
  if ((record.keys & kKeyPages) != 0) return static_cast<double>(record.pages);
  if ((record.keys & kKeyBytes) != 0) return static_cast<double>(record.bytes);
  if ((record.keys & kKeyCpages) != 0) return static_cast<double>(record.cpages);
  return 0;
}

OpRecord EffectTracker::run(const Op& op, double recorded, OpEffects& effects) {
  Range range;
  const std::shared_ptr<Process> process = processes_.find(0, op.proc);
  if (process != nullptr && has_range(op.code) && Interpreter::in_range(op))
    range = {process->address(op) / kPageBytes, process->count(op)};
  log_.clear();
  mapped_.clear();
  file_places_.clear();
  seen_.clear();
  look();
  const Marks<std::uint64_t> around_it = around(op, range);
  const Bits held = names_pin(op.code) ? held_by(op) : 0;
  OpRecord record = interpreter_.run(op);
  look();
  for (const Divergence& each : log_.entries()) {
    if ((declared_ & bit(each.effect)) == 0) continue;
    // The operation ends there: what it leaves undone is the whole of its range.
    if (each.effect == PinEffect::kPinRefused)
      for (std::uint64_t i = 0; i < range.pages; ++i) places_[range.first + i] |= bit(each.effect);
    if (!kObserved.has(each.effect)) {
      heads_[each.head] |= bit(each.effect);
      continue;
    }
    const auto at = mapped_.find(each.head);
    if (at == mapped_.end()) continue;
    for (const std::uint64_t place : at->second) seen_[place] |= bit(each.effect);
  }
  for (const auto& [place, bits] : around_it) places_[place] |= bits;
  spread();
  if (!std::isnan(recorded) && recorded != progress_of(record)) {
    Bits all = held;
    for (std::uint64_t i = 0; i < range.pages; ++i) all |= bits_of(places_, range.first + i);
    for (std::uint64_t i = 0; all != 0 && i < range.pages; ++i) places_[range.first + i] |= all;
  }
  follow(op, range);
  spread();
  effects = effects_of(op, range);
  effects.all.bits |= held & declared_;
  forget();
  return record;
}

}  // namespace pagebox::inline PAGEBOX_ENV
