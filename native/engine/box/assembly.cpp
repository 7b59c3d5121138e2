#include "engine/box/assembly.h"

#include "base/reason.h"
#include "pins/behaviour_fits.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Ram::create(const RamSettings& settings) {
  if (settings.placed_pages >= settings.pages) return Errc::kInval;
  if (const Errc error =
          Memmap::create(settings.layout, settings.pages, settings.pages + settings.device_pages,
                         memmap, settings.behaviour);
      error != Errc::kOk)
    return error;
  zone = std::make_unique<Zone>(*memmap, settings.zone);
  allocator = std::make_unique<Allocator>(*memmap, Pfn{settings.placed_pages}, Pfn{settings.pages});
  return Errc::kOk;
}

void Ram::reset() {
  memmap->reset();
  zone->reset();
  allocator->reset();
}

Errc Assembly::create(const AssemblySettings& settings, std::string* reason) {
  const SchemeSpec& scheme = settings.scheme;
  RamSettings ram = settings.ram;
  if (const Fit fit = scheme_fits(scheme, ram.layout); !fit)
    return explain(Errc::kRefused, reason, fit.why.c_str());
  if (const Fit fit = behaviour_fits(ram.behaviour, scheme, ram.layout); !fit)
    return explain(Errc::kRefused, reason, fit.why.c_str());
  ram.layout = layout_for(scheme, ram.layout);
  Errc error = ram_.create(ram);
  if (error == Errc::kInval && settings.device_pages_optional) {
    ram.device_pages = 0;
    error = ram_.create(ram);
  }
  if (error != Errc::kOk)
    return explain(error, reason,
                   error == Errc::kInval ? "pages: more than a pfn of this layout can name"
                                         : "the descriptors cannot be reserved");
  if (settings.huge_pages) memmap().advise_huge_pages();
  error = Pins::create(scheme, memmap(), zone(), settings.shards, pins_, settings.pins);
  return error == Errc::kOk ? error
                            : explain(error, reason, "the scheme's counts cannot be reserved");
}

Errc Assembly::start_machine(const MachineOptions& options, std::string* reason) {
  auto made = std::make_unique<Machine>(memmap(), zone(), allocator(), pins());
  const Errc error = made->start(options, reason);
  if (error == Errc::kOk) machine_ = std::move(made);
  return error;
}

void Assembly::reset() {
  pins_->reset();
  ram_.reset();
}

}  // namespace pagebox::inline PAGEBOX_ENV
