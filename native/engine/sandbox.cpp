#include "engine/sandbox.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kHugePagesNeed = 4;

}  // namespace

Errc Sandbox::create(const SandboxSettings& given, std::unique_ptr<Sandbox>& out) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox);
  SandboxSettings settings = given;
  if (settings.transparent_huge_pages) {
    // Few operations use up what would last many of small pages.
    settings.pages *= kHugePagesNeed;
    settings.device_pages *= kHugePagesNeed;
  }
  const Layout layout = layout_for(settings.scheme, settings.layout);
  const std::uint64_t capacity = settings.pages + settings.device_pages;
  if (const Errc error = Memmap::create(layout, settings.pages, capacity, sandbox->memmap_);
      error != Errc::kOk)
    return error;
  Memmap& memmap = *sandbox->memmap_;
  sandbox->zone_ = std::make_unique<Zone>(memmap, kZoneNormal);
  sandbox->allocator_ = std::make_unique<Allocator>(memmap, Pfn{0}, Pfn{settings.pages});
  if (const Errc error = Pins::create(settings.scheme, memmap, *sandbox->zone_, 1, sandbox->pins_);
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
