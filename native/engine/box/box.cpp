#include "engine/box/box.h"

#include <new>

#include "base/constant_memory.h"
#include "base/reason.h"
#include "engine/box/box_machine.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::uint64_t kMaxBoxPages = std::uint64_t{1} << 32;  // batches name pages in 32 bits

}  // namespace

// Here, where the machine's type is whole.
Box::Box(const BoxSettings& settings) {
  const ConstantMemory constant;
  settings_ = settings;
}

Errc Box::create(const BoxSettings& settings, std::shared_ptr<Box>& out, std::string* reason) {
  if (settings.pages == 0) return explain(Errc::kInval, reason, "pages: at least 1");
  if (settings.pages > kMaxBoxPages || settings.device_pages > kMaxBoxPages - settings.pages)
    return explain(Errc::kInval, reason, "pages: at most 2^32, devices included");
  if (settings.shards == 0 && !settings.frames)
    return explain(Errc::kInval, reason, "shards: at least 1");
  try {
    std::shared_ptr<Box> box(new Box(settings));
    if (const Errc error = box->build(reason); error != Errc::kOk) return error;
    out = std::move(box);
  } catch (const std::bad_alloc&) {
    return explain(Errc::kNoMem, reason, "out of memory");
  }
  return Errc::kOk;
}

Errc Box::build(std::string* reason) {
  AssemblySettings of;
  of.ram.layout = settings_.layout;
  of.ram.behaviour = settings_.behaviour;
  of.ram.pages = settings_.pages;
  of.ram.device_pages = settings_.device_pages;
  of.ram.placed_pages = settings_.placed_pages;
  of.device_pages_optional = settings_.device_pages_optional;
  of.scheme = settings_.scheme;
  of.huge_pages = settings_.huge_pages;
  if (settings_.ledger) ledger_ = std::make_unique<Ledger>();
  of.pins.ledger = settings_.ledger_at_audits ? nullptr : ledger_.get();
  of.pins.ops = pin_ops();
  // The machine's processors count behind the threads that pin by pfn: so each knows
  // its own pins, and the ledger whose they are.
  of.shards = settings_.shards + (runs_machine() ? settings_.cpus : 0);
  // Of a machine that is refused for its layout below: there is still a count to make.
  if (of.shards == 0) of.shards = 1;
  if (const Errc error = assembly_.create(of, reason); error != Errc::kOk) return error;
  settings_.device_pages = memmap().capacity() - settings_.pages;
  if (const Errc error = Accounts::create(memmap().capacity(), accounts_); error != Errc::kOk)
    return explain(error, reason, "the accounts cannot be reserved");
  if (ledger_ != nullptr)
    if (const Errc error = ledger_->reserve(memmap().capacity()); error != Errc::kOk)
      return explain(error, reason, "the ledger cannot be reserved");
  pfn_limit_.store(settings_.pages);
  const SchemeSpec& scheme = settings_.scheme;
  asks_type_ = (types_of_place(scheme.place).bits & ~scheme.types.bits) != 0;
  return starts_machine() ? ensure_machine(reason) : Errc::kOk;
}

bool Box::runs_machine() const {
  return (settings_.address_spaces || settings_.frames) &&
         scheme_fits(settings_.scheme, settings_.layout) &&
         layout_lacks(layout_for(settings_.scheme, settings_.layout), LayoutUse::kMemoryManagement)
             .empty();
}

Errc Box::ensure_machine(std::string* reason) {
  if (machine_ != nullptr) return Errc::kOk;
  // The scheme has counters for the machine's processors only where it may come.
  if (!settings_.address_spaces && !settings_.frames)
    return explain(Errc::kRefused, reason, "the box was made without address spaces");
  std::unique_ptr<BoxMachine> made;
  const Errc error = BoxMachine::create(*this, made, reason);
  gate_.between_leavers([&] { machine_ = std::move(made); });
  // The machine has installed its own, which knows only its pages.
  scheme().set_ops(pin_ops());
  scheme().set_spare_refs(machine_ != nullptr ? BoxMachine::kSpareRefs : 0);
  if (error == Errc::kOk || error == Errc::kRefused) return error;
  if (settings_.hugetlb_pages == 0) return explain(error, reason, "the frames cannot be reserved");
  return explain(error, reason, "hugetlbPages: no room for so many huge pages in so few pages");
}

PinOps Box::pin_ops() {
  return {
      .context = this,
      .real_mappings =
          [](void* at, Pfn head) {
            Box& box = *static_cast<Box*>(at);
            if (box.is_machines(head)) {
              const PinOps ops = box.machine_->machine().pin_ops();
              return ops.real_mappings(ops.context, head);
            }
            // Those that the head's `_mapcount` counts: a folio's are in page[1].
            return box.accounts_.record(head).order == 0 ? box.accounts_.mapcount(head) : 0;
          },
      .populate = [](void* box, Pfn pfn) { return static_cast<Box*>(box)->try_populate(pfn); },
      .release = [](void* box, Pfn head) { static_cast<Box*>(box)->free_page(head); },
      .settle =
          [](void* at, Pfn head) {
            Box& box = *static_cast<Box*>(at);
            if (!box.is_machines(head)) return;
            const PinOps ops = box.machine_->machine().pin_ops();
            ops.settle(ops.context, head);
          },
  };
}

Errc Box::make_pins(const SchemeSpec& scheme, unsigned shards, std::unique_ptr<Pins>& out) {
  if (!scheme_fits(scheme, settings_.layout)) return Errc::kRefused;
  PinOptions options;
  options.ops = pin_ops();
  return Pins::create(scheme, memmap(), zone(), shards, out, options);
}

Box::~Box() {
  machine_.reset();
  assembly_.stop_machine();  // while those are there that its last pages may ask
}

Errc Box::reset() {
  if (machine_ != nullptr) {
    if (machine_->in_use()) return Errc::kBusy;
    std::unique_ptr<BoxMachine> gone;
    gate_.between_leavers([&] { gone = std::move(machine_); });
    scheme().set_spare_refs(0);
  }
  assembly_.stop_machine();
  memmap().for_each_touched([this](Pfn first, Pfn end) { accounts_.reset(first, end); });
  assembly_.reset();
  if (ledger_ != nullptr) ledger_->clear();
  pfn_limit_.store(settings_.pages);
  return starts_machine() ? ensure_machine() : Errc::kOk;
}

std::uint64_t Box::held_bytes() const {
  constexpr std::uint64_t kFixed = std::uint64_t{1} << 16;
  const std::uint64_t each = memmap().shape().stride_bytes + Accounts::kEntryBytes +
                             (machine_ == nullptr ? 0 : kPageBytes);
  return kFixed + memmap().touched_pages() * each;
}

Result<Pfn> Box::head_of(Pfn pfn) const {
  if (pfn.value >= memmap().capacity()) return Errc::kRange;
  Errc error = Errc::kOk;
  const Page head = compound_head(memmap(), memmap().page(pfn), &error);
  if (error != Errc::kOk) return error;
  return memmap().pfn_of(head);
}

Result<PageWords> Box::words(Pfn pfn) const {
  if (pfn.value >= memmap().capacity()) return Errc::kRange;
  const Page page = memmap().page(pfn);
  const Shape& shape = memmap().shape();
  PageWords result;
  result.word_bytes = shape.word_bytes;
  result.count = shape.stride_bytes / shape.word_bytes;
  for (unsigned i = 0; i < result.count; ++i) result.words[i] = page.word(i);
  return result;
}

Result<PageType> Box::type_of(Pfn pfn) const {
  if (pfn.value >= memmap().capacity()) return Errc::kRange;
  return classify(memmap(), pfn);
}

}  // namespace pagebox::inline PAGEBOX_ENV
