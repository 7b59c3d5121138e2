#include "engine/scenario/interpreter_device.h"

#include <cstring>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint64_t word_at(std::span<const std::byte> bytes, std::uint64_t page) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + page * kPageBytes, sizeof word);
  return word;
}

void report(const MirrorResult& from, std::uint32_t keys, OpRecord& result) {
  result.ret = from.error;
  if (from.error != Errc::kOk) return;
  result.keys |= keys;
  result.cpages = from.cpages;
  result.faults = from.faults;
}

void report_words(std::span<const std::byte> bytes, OpRecord& result) {
  if (result.ret != Errc::kOk) return;
  result.keys |= kKeyV;
  for (std::uint64_t i = 0; i < bytes.size() / kPageBytes; ++i)
    result.v.push_back(word_at(bytes, i));
}

}  // namespace

Errc MirrorDevices::create(Machine& machine, std::uint64_t pages_each,
                           std::unique_ptr<MirrorDevices>& out) {
  std::unique_ptr<MirrorDevices> devices(new MirrorDevices);
  for (unsigned i = 0; i < kDevices; ++i) {
    MirrorDeviceOptions options;
    options.memory = i < 2 ? DeviceMemory::kPrivate : DeviceMemory::kCoherent;
    options.first = {machine.memmap.pages() + i * pages_each};
    options.pages = pages_each;
    options.index = i;
    options.used_before = true;  // by the scenarios recorded earlier
    const Errc error = MirrorDevice::create(machine, options, devices->devices_[i]);
    if (error != Errc::kOk) return error;
  }
  devices->dax_.place(machine, {machine.memmap.pages() + kDevices * pages_each});
  out = std::move(devices);
  return Errc::kOk;
}

Mirror* MirrorDevices::hold(Cpu& cpu, Process& process, unsigned dev) {
  Mirror*& slot = process.devices[dev];
  const auto try_hold = [&] {
    Guard guard(process.lock);
    if (slot != nullptr) slot->hold();
    return slot;
  };
  if (Mirror* handle = try_hold()) return handle;
  Mirror* fresh = devices_[dev]->open(*process.mm);
  if (fresh == nullptr) return nullptr;
  {
    Guard guard(process.lock);
    if (slot == nullptr) {
      slot = fresh;
      fresh->hold();
      return fresh;
    }
  }
  fresh->close(cpu);
  return hold(cpu, process, dev);
}

Errc MirrorDevices::close(Cpu& cpu, Process& process, unsigned dev, bool keeps_pages) {
  Mirror* handle = nullptr;
  {
    Guard guard(process.lock);
    handle = std::exchange(process.devices[dev], nullptr);
  }
  if (handle == nullptr) return Errc::kBadF;
  if (keeps_pages) handle->leave_pages();
  handle->close(cpu);
  return Errc::kOk;
}

void MirrorDevices::exit(Cpu& cpu, Process& process, bool keeps_pages) {
  for (unsigned dev = 0; dev < kDevices; ++dev) (void)close(cpu, process, dev, keeps_pages);
}

Errc MirrorDevices::mmap(Cpu& cpu, Process& process, const Op& op) {
  if (op.kind == MapKind::kDaxShared) return dax_.mmap(cpu, process, op);
  Mirror* mirror = hold(cpu, process, op.dev);
  if (mirror == nullptr) return Errc::kNoMem;
  const std::uint64_t prot = ((op.prot & kProtRead) != 0 ? +kVmRead : 0ULL) |
                             ((op.prot & kProtWrite) != 0 ? +kVmWrite : 0ULL);
  const Errc error = mirror->mmap(cpu, kBufferBase + op.buf * kBufferStride, op.pages, prot);
  mirror->close(cpu);
  return error;
}

bool MirrorDevices::run(Cpu& cpu, Process& process, const Op& op, OpRecord& result) {
  if (op.code == OpCode::kDaxFile || op.code == OpCode::kTruncate) {
    result.ret = op.code == OpCode::kDaxFile ? dax_.make(cpu, op.file, op.pages)
                                             : dax_.truncate(cpu, op.file, op.pages);
    return true;
  }
  if (op.code == OpCode::kCloseDev) {
    result.ret = close(cpu, process, op.dev, op.keep);
    return true;
  }
  Mirror* mirror = hold(cpu, process, op.dev);
  if (mirror == nullptr) {
    result.ret = Errc::kNoMem;
    return true;
  }
  run_on(cpu, *mirror, process, op, result);
  mirror->close(cpu);
  return result.supported;
}

void MirrorDevices::run_on(Cpu& cpu, Mirror& mirror, const Process& process, const Op& op,
                           OpRecord& result) {
  const std::uint64_t at = process.address(op), pages = process.count(op);
  std::vector<std::byte> bytes;
  switch (op.code) {
    case OpCode::kOpenDev: return;
    case OpCode::kRelease: result.ret = mirror.device().release(cpu); return;
    case OpCode::kDevRead:
      bytes.resize(pages * kPageBytes);
      report(mirror.read(cpu, at, pages, bytes), kKeyCpages | kKeyFaults, result);
      report_words(bytes, result);
      return;
    case OpCode::kDevWrite:
      bytes.resize(pages * kPageBytes);
      for (std::uint64_t i = 0; i < pages; ++i) {
        const std::uint64_t word = op.value + i;
        std::memcpy(bytes.data() + i * kPageBytes, &word, sizeof word);
      }
      report(mirror.write(cpu, at, pages, bytes), kKeyCpages | kKeyFaults, result);
      return;
    case OpCode::kMigrateToDev:
      bytes.resize(pages * kPageBytes);
      report(mirror.migrate_to_device(cpu, at, pages, bytes, op.evict), kKeyCpages, result);
      report_words(bytes, result);
      return;
    case OpCode::kMigrateToSys:
      report(mirror.migrate_to_system(cpu, at, pages), kKeyCpages, result);
      return;
    case OpCode::kExclusive:
      bytes.resize(pages * kPageBytes);
      report(mirror.exclusive(cpu, at, pages, bytes), kKeyCpages, result);
      report_words(bytes, result);
      return;
    case OpCode::kCheckExclusive: result.ret = mirror.check_exclusive(at, pages); return;
    case OpCode::kSnapshot:
      result.prot.resize(pages);
      report({mirror.snapshot(cpu, at, result.prot), pages}, kKeyCpages | kKeyProt, result);
      return;
    default: result.supported = false;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
