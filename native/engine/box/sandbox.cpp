#include "engine/box/sandbox.h"

#include <algorithm>
#include <cmath>

#include "base/reason.h"
#include "engine/audit/audit_devices.h"
#include "engine/audit/audit_lists.h"
#include "engine/audit/audit_storage.h"
#include "mm/swap/reclaim.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kHugePagesNeed = 4;
/// A sandbox is small, and its rows are few: all of them, and still a limit.
constexpr std::size_t kSandboxAuditRows = 1 << 16;

}  // namespace

Errc Sandbox::create(const SandboxSettings& given, std::unique_ptr<Sandbox>& out,
                     std::string* reason) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox);
  SandboxSettings settings = given;
  if (settings.transparent_huge_pages) {
    // Few operations use up what would last many of small pages.
    settings.pages *= kHugePagesNeed;
    settings.device_pages *= kHugePagesNeed;
  }
  const unsigned cpus = settings.threads == 0 ? 1 : settings.threads;
  BoxSettings of;
  of.layout = settings.layout;
  of.scheme = settings.scheme;
  of.behaviour = settings.behaviour;
  of.frames = settings.machine;
  of.cpus = cpus;
  // In order it is what schemes that cannot tell are compared with.
  of.ledger_at_audits = settings.threads != 0;
  if (settings.machine) {
    of.pages = settings.placed_pages + settings.pages;
    of.placed_pages = settings.placed_pages;
    of.device_pages = settings.device_pages + DaxFiles::kBlocks;
    of.shards = 0;  // who pins by pfn is the thread that has the processor
    of.swap_pages = settings.swap_pages;
    of.transparent_huge_pages = settings.transparent_huge_pages;
    of.page_batch = settings.page_batch;
  } else {
    of.pages = std::max<std::uint64_t>(settings.placed_pages, 1);
    of.shards = cpus;
    of.populate_anon = false;  // as placed pages of a machine
  }
  if (const Errc error = Box::create(of, sandbox->box_, reason); error != Errc::kOk) return error;
  Box& box = *sandbox->box_;
  if (settings.machine)
    if (const Errc error = sandbox->start_machine(settings, reason); error != Errc::kOk)
      return error;
  if (settings.witness) {
    sandbox->witness_ = std::make_unique<PinWitness>();
    if (const Errc error = PinWitness::create(box.memmap().capacity(), *sandbox->witness_);
        error != Errc::kOk)
      return explain(error, reason, "the witness of pins cannot be reserved");
  }
  for (unsigned thread = 0; thread <= settings.threads; ++thread) {
    const unsigned cpu = thread == 0 ? 0 : thread - 1;
    PageThread& pages = *sandbox->page_threads_.emplace_back(std::make_unique<PageThread>(
        box, cpu, of.ledger_at_audits, Pages::kComeAndGo, add_to_hash(settings.seed, thread)));
    pages.set_witness(sandbox->witness_.get());
    sandbox->interpreters_.push_back(
        settings.machine ? std::make_unique<Interpreter>(*sandbox->processes_,
                                                         sandbox->machine().cpu(cpu), thread, pages)
                         : std::make_unique<Interpreter>(thread, pages));
  }
  if (box.placed_pages() != 0) sandbox->placed_ = std::make_unique<Auditor>(box);
  // Many schedules run on one of those, and each is audited.
  if (!settings.machine)
    if (const Errc error = sandbox->placed_->prepare(); error != Errc::kOk)
      return explain(error, reason, "the descriptors of the audit cannot be reserved");
  out = std::move(sandbox);
  return Errc::kOk;
}

Errc Sandbox::start_machine(const SandboxSettings& settings, std::string* reason) {
  // A scenario may use a device any time.
  if (const std::string lack = layout_lacks(box_->memmap().layout(), LayoutUse::kDevices);
      !lack.empty())
    return explain(Errc::kRefused, reason, lack.c_str());
  if (const Errc error =
          MirrorDevices::create(machine(), settings.device_pages / kDevices, devices_);
      error != Errc::kOk)
    return error;
  free_pages_ = box_->allocator().free_pages();
  processes_ =
      std::make_unique<Processes>(machine(), machine().cpu(0), devices_.get(), settings.threads);
  if (settings.stops) processes_->open_gate(settings.threads);
  return Errc::kOk;
}

Sandbox::~Sandbox() {
  if (has_machine() || !page_threads_.empty()) finish();
}

void Sandbox::finish() {
  for (const auto& pages : page_threads_) pages->release_all();
  if (has_machine()) processes_->finish(machine().cpu(0));
}

std::vector<OpRecord> Sandbox::run_all(std::span<const Op> ops, std::span<const double> recorded,
                                       std::vector<OpEffects>& effects) {
  EffectTracker tracker(*processes_, interpreter(), box_->scheme().scheme().effects);
  std::vector<OpRecord> records;
  records.reserve(ops.size());
  effects.resize(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const double of_kernel = i < recorded.size() ? recorded[i] : std::nan("");
    records.push_back(tracker.run(ops[i], of_kernel, effects[i]));
  }
  return records;
}

AuditReport Sandbox::audit() {
  if (has_machine()) machine().rcu.barrier();
  AuditReport report;
  box_->memmap().for_each_touched([&](Pfn first, Pfn end) { report.pages += end - first; });
  AuditSink sink(report, kSandboxAuditRows);
  for (const auto& pages : page_threads_) pages->tell_broken(sink);
  for (const auto& interpreter : interpreters_) interpreter->tell_broken(sink);
  if (has_machine()) audit_machine(sink);
  if (placed_ != nullptr && audit_placed(sink) != Errc::kOk)
    report.unknown.push_back("pages that were set up by hand: no memory for their audit");
  if (placed_ == nullptr) audit_lists(sink);  // run_placed() has walked them
  return report;
}

void Sandbox::audit_machine(AuditSink& sink) {
  std::vector<Mm*> mms;
  std::vector<HeldReference> held;
  processes_->for_each([&](const Process& process) {
    mms.push_back(process.mm.get());
    for (const auto& [name, pin] : process.pins)
      for (const Pfn pfn : pin.pages) held.push_back({pfn, pin.via != PinVia::kVmsplice});
  });
  for (const auto& pages : page_threads_)
    pages->for_each_held([&](Pfn head, std::uint32_t n, HeldPageKind kind) {
      if (!box_->owns(head))
        held.push_back({.pfn = head,
                        .pinned = kind == HeldPageKind::kPinned,
                        .by_pfn = true,
                        .isolated = kind == HeldPageKind::kIsolated,
                        .count = n});
    });
  MmAuditInput input{.mms = mms, .held = held};
  input.is_foreign = [](const void* box, Pfn pfn) {
    return static_cast<const Box*>(box)->owns(pfn);
  };
  input.context = box_.get();
  audit_mm(machine(), input, sink);
  if (const DaxDevice* dax = devices_->dax().device(); dax != nullptr) audit_dax(*dax, input, sink);
  audit_pagemaps(*box_, machine(), sink);
  processes_->for_each_named([&](std::uint32_t, std::uint32_t proc, const Process& process) {
    for (const Mirror* mirror : process.devices)
      if (mirror != nullptr) audit_mirror(*process.mm, *mirror, proc, sink);
  });
}

void Sandbox::audit_lists(AuditSink& sink) {
  std::uint64_t with_lru = 0;
  box_->memmap().for_each_touched([&](Pfn first, Pfn end) {
    for (Pfn pfn = first; pfn < end; pfn = pfn + 1)
      if (says_lru(box_->memmap().page(pfn))) ++with_lru;
  });
  check_lists(*box_, with_lru, sink);
}

Errc Sandbox::audit_placed(AuditSink& sink) {
  return audit_entered(page_threads_, [&] { return placed_->run_placed(sink); });
}

std::string Sandbox::leaks() {
  std::string out;
  if (!has_machine()) return out;
  // A page that lost its last user while locked stays in the swap cache until memory
  // is needed, as in the kernel.
  for (Pfn pfn{box_->settings().placed_pages}; pfn.value < box_->memmap().pages(); pfn.value += 1)
    if (machine().page(pfn).test(Flag::kLru) &&
        folio_isolate_lru(machine().cpu(0), machine().page(pfn)))
      (void)reclaim_pages(machine().cpu(0), std::span(&pfn, 1));
  lru_add_drain_all(machine().cpu(0));
  const auto expect = [&](const char* what, std::uint64_t expected, std::uint64_t found) {
    if (expected == found) return;
    if (!out.empty()) out += ", ";
    out += std::string(what) + ": " + std::to_string(found) + ", not " + std::to_string(expected);
  };
  const std::uint64_t kept = machine().huge_zero_page() ? kPagesPerPmd : 0;
  expect("free pages", free_pages_, box_->allocator().free_pages() + kept);
  expect("swap slots in use", 0, machine().swap.used_slots());
  expect("anon_vmas in use", 0, machine().anon_vmas.in_use());
  expect("files in use", 0, machine().files.in_use());
  for (unsigned i = 0; i < kDevices; ++i)
    expect("device pages in use", 0, devices_->device(i).pages_in_use());
  if (const DaxDevice* dax = devices_->dax().device(); dax != nullptr)
    expect("free dax blocks", DaxFiles::kBlocks, dax->free_blocks());
  return out;
}

}  // namespace pagebox::inline PAGEBOX_ENV
