#include "engine/box/sandbox.h"

#include <cmath>

#include "base/reason.h"
#include "mm/swap/reclaim.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kHugePagesNeed = 4;

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
  if (const Fit fit = scheme_fits(settings.scheme, settings.layout); !fit)
    return explain(Errc::kRefused, reason, fit.why.c_str());
  const Layout layout = layout_for(settings.scheme, settings.layout);
  const unsigned cpus = settings.threads == 0 ? 1 : settings.threads;
  const std::uint64_t capacity = settings.pages + settings.device_pages;
  if (const Errc error = Memmap::create(layout, settings.pages, capacity, sandbox->memmap_);
      error != Errc::kOk)
    return explain(error, reason,
                   error == Errc::kInval ? "pages: more than a pfn of this layout can name"
                                         : "the descriptors cannot be reserved");
  Memmap& memmap = *sandbox->memmap_;
  sandbox->zone_ = std::make_unique<Zone>(memmap, kZoneNormal);
  sandbox->allocator_ = std::make_unique<Allocator>(memmap, Pfn{0}, Pfn{settings.pages});
  PinOptions pins;
  if (settings.threads == 0) {
    sandbox->ledger_ = std::make_unique<Ledger>();
    pins.ledger = sandbox->ledger_.get();
  }
  if (const Errc error =
          Pins::create(settings.scheme, memmap, *sandbox->zone_, cpus, sandbox->pins_, pins);
      error != Errc::kOk)
    return error;
  sandbox->machine_ =
      std::make_unique<Machine>(memmap, *sandbox->zone_, *sandbox->allocator_, *sandbox->pins_);
  MachineOptions options;
  options.cpus = cpus;
  options.swap_pages = settings.swap_pages;
  options.transparent_huge_pages = settings.transparent_huge_pages;
  options.file_backed_device_pages = settings.file_backed_device_pages;
  if (const Errc error = sandbox->machine_->start(options, reason); error != Errc::kOk)
    return error;
  // A scenario may use a device any time.
  if (const std::string lack = layout_lacks(layout, LayoutUse::kDevices); !lack.empty())
    return explain(Errc::kRefused, reason, lack.c_str());
  if (const Errc error = MirrorDevices::create(*sandbox->machine_, settings.device_pages / kDevices,
                                               sandbox->devices_);
      error != Errc::kOk)
    return error;
  sandbox->free_pages_ = sandbox->allocator_->free_pages();
  Machine& machine = *sandbox->machine_;
  sandbox->processes_ = std::make_unique<Processes>(machine, machine.cpu(0),
                                                    sandbox->devices_.get(), settings.threads);
  for (unsigned thread = 0; thread <= settings.threads; ++thread)
    sandbox->interpreters_.push_back(std::make_unique<Interpreter>(
        *sandbox->processes_, machine.cpu(thread == 0 ? 0 : thread - 1), thread));
  out = std::move(sandbox);
  return Errc::kOk;
}

Sandbox::~Sandbox() {
  if (processes_ != nullptr) finish();
}

void Sandbox::finish() { processes_->finish(machine_->cpu(0)); }

std::vector<OpRecord> Sandbox::run_all(std::span<const Op> ops, std::span<const double> recorded,
                                       std::vector<OpEffects>& effects) {
  EffectTracker tracker(*processes_, interpreter(), pins_->scheme().effects);
  std::vector<OpRecord> records;
  records.reserve(ops.size());
  effects.resize(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const double of_kernel = i < recorded.size() ? recorded[i] : std::nan("");
    records.push_back(tracker.run(ops[i], of_kernel, effects[i]));
  }
  return records;
}

std::vector<MmAuditRow> Sandbox::audit() {
  std::vector<Mm*> mms;
  std::vector<HeldReference> held;
  processes_->for_each([&](const Process& process) {
    mms.push_back(process.mm.get());
    for (const auto& [name, pin] : process.pins)
      for (const Pfn pfn : pin.pages) held.push_back({pfn, pin.via != PinVia::kVmsplice});
  });
  machine_->rcu.barrier();
  return audit_mm(*machine_, {mms, held});
}

std::string Sandbox::leaks() {
  std::string out;
  // A page that lost its last user while locked stays in the swap cache until memory
  // is needed, as in the kernel.
  for (Pfn pfn; pfn.value < memmap_->pages(); pfn.value += 1)
    if (machine_->page(pfn).test(Flag::kLru) &&
        folio_isolate_lru(machine_->cpu(0), machine_->page(pfn)))
      (void)reclaim_pages(machine_->cpu(0), std::span(&pfn, 1));
  lru_add_drain_all(machine_->cpu(0));
  const auto expect = [&](const char* what, std::uint64_t expected, std::uint64_t found) {
    if (expected == found) return;
    if (!out.empty()) out += ", ";
    out += std::string(what) + ": " + std::to_string(found) + ", not " + std::to_string(expected);
  };
  const std::uint64_t kept = machine_->huge_zero_page() ? kPagesPerPmd : 0;
  expect("free pages", free_pages_, allocator_->free_pages() + kept);
  expect("swap slots in use", 0, machine_->swap.used_slots());
  expect("anon_vmas in use", 0, machine_->anon_vmas.in_use());
  expect("files in use", 0, machine_->files.in_use());
  for (unsigned i = 0; i < kDevices; ++i)
    expect("device pages in use", 0, devices_->device(i).pages_in_use());
  return out;
}

}  // namespace pagebox::inline PAGEBOX_ENV
