#include "mm/mm.h"

#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Mm::create(Cpu& cpu, std::unique_ptr<Mm>& out) {
  auto mm = std::make_unique<Mm>(cpu.machine);
  if (const Errc error = mm->page_table.create(cpu); error != Errc::kOk) return error;
  out = std::move(mm);
  return Errc::kOk;
}

void Mm::exit(Cpu& cpu) {
  Guard guard(mmap_lock);
  if (exited) return;
  exited = true;
  if (!vmas.empty()) (void)munmap_locked(cpu, *this, vmas.front()->start, vmas.back()->end);
  notifiers.release(*this);
  page_table.destroy(cpu);
}

}  // namespace pagebox::inline PAGEBOX_ENV
