// file, dio_*, bio_*, file_read, fd_read, fd_write.
#include "engine/interpreter.h"
#include "mm/file_io.h"
#include "mm/memory_disk.h"
#include "mm/page_cache.h"
#include "mm/writeback.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// ESPIPE: the recordings' driver has standard input, a pipe, where a letter was
/// never mapped.
constexpr auto kSpipe = static_cast<Errc>(29);

OpRecord of(const IoResult& io) {
  OpRecord result;
  result.keys = kKeyRet;
  result.ret = io.error;
  if (io.error != Errc::kOk) return result;
  result.keys |= kKeyBytes;
  result.bytes = io.bytes;
  return result;
}

OpRecord failed(Errc error) {
  OpRecord result;
  result.keys = kKeyRet;
  result.ret = error;
  return result;
}

std::vector<std::uint64_t> counting(std::uint64_t value, std::uint64_t pages) {
  std::vector<std::uint64_t> words(pages);
  for (std::uint64_t i = 0; i < pages; ++i) words[i] = value + i;
  return words;
}

}  // namespace

Errc Interpreter::create_file(const Op& op) {
  AddressSpace*& file = disk_files_[op.file];
  if (file == nullptr)
    file = machine_.create_disk_file(std::make_unique<MemoryDisk>());
  else
    truncate_file(cpu_, *file, 0);
  if (file == nullptr) return Errc::kNoMem;
  const IoResult written = kernel_write(cpu_, *file, 0, counting(op.value, op.pages));
  filemap_write_and_wait(cpu_, *file, 0, op.pages);
  return written.error;
}

OpRecord Interpreter::file_io(Process& process, const Op& op) {
  AddressSpace* file = disk_files_[op.file];
  if (file == nullptr) return failed(Errc::kNoEnt);
  Mm& mm = *process.mm;
  const std::uint64_t at = process.address(op), pages = process.count(op);
  switch (op.code) {
    case OpCode::kDioWrite: return of(direct_write(cpu_, mm, *file, op.fpage, at, pages));
    case OpCode::kDioRead: return of(direct_read(cpu_, mm, *file, op.fpage, at, pages));
    case OpCode::kBioWrite: return of(buffered_write(cpu_, mm, *file, op.fpage, at, pages));
    case OpCode::kBioRead: return of(buffered_read(cpu_, mm, *file, op.fpage, at, pages));
    default: break;
  }
  std::vector<std::uint64_t> words(op.n);
  OpRecord result = of(kernel_direct_read(cpu_, *file, op.fpage, words));
  if (result.ret == Errc::kOk) {
    result.keys |= kKeyV;
    result.v = std::move(words);
  }
  return result;
}

OpRecord Interpreter::fd_io(Process& process, const Op& op) {
  const Buffer& buffer = process.buffers[op.buf];
  if (buffer.file == nullptr) return failed(buffer.known ? Errc::kBadF : kSpipe);
  const std::uint64_t first = Process::first_page(op), pages = process.count(op);
  if (op.code == OpCode::kFdWrite)
    return of(kernel_write(cpu_, *buffer.file, first, counting(op.value, pages)));
  std::vector<std::uint64_t> words(pages);
  OpRecord result = of(kernel_read(cpu_, *buffer.file, first, words));
  if (result.ret == Errc::kOk) {
    result.keys |= kKeyV;
    result.v = std::move(words);
  }
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
