// file, dio_*, bio_*, file_read, fd_read, fd_write, check_file.
#include <array>

#include "engine/scenario/interpreter.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"
#include "mm/swap/release.h"

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
  bool fresh = false;
  AddressSpace* file = processes().make_disk_file(cpu(), op.file, fresh);
  if (file == nullptr) return Errc::kNoMem;
  if (!fresh) truncate_file(cpu(), *file, 0);
  const IoResult written = kernel_write(cpu(), *file, 0, counting(op.value, op.pages));
  filemap_write_and_wait(cpu(), *file, 0, op.pages);
  put_file(cpu(), *file);
  return written.error;
}

OpRecord Interpreter::file_io(Process& process, const Op& op) {
  AddressSpace* held = processes().get_disk_file(op.file);
  if (held == nullptr) return failed(Errc::kNoEnt);
  AddressSpace& file = *held;
  Mm& mm = *process.mm;
  const std::uint64_t at = process.address(op), pages = process.count(op);
  OpRecord result;
  switch (op.code) {
    case OpCode::kDioWrite: result = of(direct_write(cpu(), mm, file, op.fpage, at, pages)); break;
    case OpCode::kDioRead: result = of(direct_read(cpu(), mm, file, op.fpage, at, pages)); break;
    case OpCode::kBioWrite:
      result = of(buffered_write(cpu(), mm, file, op.fpage, at, pages));
      break;
    case OpCode::kBioRead: result = of(buffered_read(cpu(), mm, file, op.fpage, at, pages)); break;
    default: {
      std::vector<std::uint64_t> words(op.n);
      result = of(kernel_direct_read(cpu(), file, op.fpage, words));
      if (result.ret != Errc::kOk) break;
      result.keys |= kKeyV;
      result.v = std::move(words);
    }
  }
  put_file(cpu(), file);
  return result;
}

OpRecord Interpreter::fd_io(Process& process, const Op& op) {
  Buffer buffer;
  {
    Guard guard(process.lock);
    buffer = process.buffers[op.buf];
    if (buffer.file != nullptr) get_file(*buffer.file);
  }
  if (buffer.file == nullptr) return failed(buffer.known ? Errc::kBadF : kSpipe);
  const std::uint64_t first = Process::first_page(op), pages = process.count(op);
  OpRecord result;
  if (op.code == OpCode::kFdWrite) {
    result = of(kernel_write(cpu(), *buffer.file, first, counting(op.value, pages)));
  } else {
    std::vector<std::uint64_t> words(pages);
    result = of(kernel_read(cpu(), *buffer.file, first, words));
    if (result.ret == Errc::kOk) {
      result.keys |= kKeyV;
      result.v = std::move(words);
    }
  }
  put_file(cpu(), *buffer.file);
  return result;
}

Errc Interpreter::writeback(const Op& op) {
  AddressSpace* file = processes().get_disk_file(op.file);
  if (file == nullptr) return Errc::kNoEnt;
  filemap_write_and_wait(cpu(), *file, 0, file->size_pages());
  put_file(cpu(), *file);
  return Errc::kOk;
}

/// kIo: a page of the cache that is clean holds something else than the disk.
Errc Interpreter::check_file(const Op& op) {
  AddressSpace* file = processes().get_disk_file(op.file);
  if (file == nullptr) return Errc::kNoEnt;
  Errc error = Errc::kOk;
  std::array<std::byte, kPageBytes> cached, stored;
  for (std::uint64_t index = 0; index < file->size_pages() && error == Errc::kOk; ++index) {
    const Page folio = filemap_get_folio(machine(), *file, index);
    if (!folio) continue;
    if (folio.test(Flag::kUptodate) && !folio.test(Flag::kDirty) && !folio.test(Flag::kWriteback)) {
      machine().frames.read(machine().pfn_of(folio), cached.data());
      error = file->disk->read_page(index, stored.data());
      if (error == Errc::kOk && cached != stored) error = Errc::kIo;
    }
    folio_put(cpu(), folio);
  }
  put_file(cpu(), *file);
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
