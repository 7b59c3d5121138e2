#include "engine/sandbox.h"

#include <cmath>

namespace pagebox::inline PAGEBOX_ENV {

Errc Sandbox::create(const SandboxSettings& settings, std::unique_ptr<Sandbox>& out) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox);
  const Layout layout = layout_for(settings.scheme, settings.layout);
  const std::uint64_t capacity = settings.pages + settings.device_pages;
  if (const Errc error = Memmap::create(layout, settings.pages, capacity, sandbox->memmap_);
      error != Errc::kOk)
    return error;
  Memmap& memmap = *sandbox->memmap_;
  sandbox->zone_ = std::make_unique<Zone>(memmap, kZoneNormal);
  sandbox->allocator_ = std::make_unique<Allocator>(memmap, Pfn{0}, Pfn{settings.pages});
  sandbox->ledger_ = std::make_unique<Ledger>();
  PinOptions pins;
  pins.ledger = sandbox->ledger_.get();
  if (const Errc error =
          Pins::create(settings.scheme, memmap, *sandbox->zone_, 1, sandbox->pins_, pins);
      error != Errc::kOk)
    return error;
  sandbox->machine_ =
      std::make_unique<Machine>(memmap, *sandbox->zone_, *sandbox->allocator_, *sandbox->pins_);
  MachineOptions options;
  options.transparent_huge_pages = settings.transparent_huge_pages;
  if (const Errc error = sandbox->machine_->start(options); error != Errc::kOk) return error;
  if (const Errc error = MirrorDevices::create(*sandbox->machine_, settings.device_pages / kDevices,
                                               sandbox->devices_);
      error != Errc::kOk)
    return error;
  sandbox->interpreter_ =
      std::make_unique<Interpreter>(*sandbox->machine_, 0, sandbox->devices_.get());
  out = std::move(sandbox);
  return Errc::kOk;
}

Sandbox::~Sandbox() = default;

std::vector<OpRecord> Sandbox::run_all(std::span<const Op> ops, std::span<const double> recorded,
                                       std::vector<OpEffects>& effects) {
  EffectTracker tracker(*machine_, *interpreter_, pins_->scheme().effects);
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
  for (const auto& [proc, process] : interpreter_->processes()) {
    mms.push_back(process->mm.get());
    for (const auto& [id, pin] : process->pins)
      for (const Pfn pfn : pin.pages) held.push_back({pfn, pin.via != PinVia::kVmsplice});
  }
  return audit_mm(*machine_, {mms, held});
}

}  // namespace pagebox::inline PAGEBOX_ENV
