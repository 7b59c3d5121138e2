#include "engine/scenario/dax_files.h"

#include "mm/file/files.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc DaxFiles::make(Cpu& cpu, unsigned index, std::uint64_t pages) {
  if (device_ == nullptr) {
    DaxDeviceOptions options;
    options.first = first_;
    options.pages = kBlocks;
    if (const Errc error = DaxDevice::create(*machine_, options, device_); error != Errc::kOk)
      return error;
  }
  if (files_[index] != nullptr) return Errc::kExist;
  const auto made = device_->create_file(cpu, pages);
  if (!made) return made.error;
  files_[index] = made.value;
  return Errc::kOk;
}

Errc DaxFiles::truncate(Cpu& cpu, unsigned index, std::uint64_t pages) {
  DaxFile* file = files_[index];
  return file == nullptr ? Errc::kNoEnt : file->truncate(cpu, pages, OnBusy::kRefuse);
}

Errc DaxFiles::mmap(Cpu& cpu, Process& process, const Op& op) {
  DaxFile* file = files_[op.file];
  if (file == nullptr) return Errc::kNoEnt;
  const std::uint64_t prot = ((op.prot & kProtRead) != 0 ? +kVmRead : 0ULL) |
                             ((op.prot & kProtWrite) != 0 ? +kVmWrite : 0ULL);
  return file->mmap(cpu, *process.mm, kBufferBase + op.buf * kBufferStride, op.pages, prot, true);
}

void DaxFiles::finish(Cpu& cpu) {
  for (DaxFile*& file : files_) {
    if (file != nullptr) put_file(cpu, file->space());
    file = nullptr;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
