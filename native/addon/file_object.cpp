// Files of a box's machine.
#include "addon/codes.h"
#include "addon/machine_call.h"
#include "mm/file/file_io.h"
#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"

namespace pagebox::addon {

namespace {

napi_value io_value(const JsValues& js, const IoResult& io) {
  return JsObject(js)
      .number("bytes", io.bytes)
      .number("status", static_cast<int>(io.error))
      .value();
}

napi_value create_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t pages = call.number(0);
    const bool on_disk = call.flag(1);
    return call.run_exclusively([&](BoxMachine& machine, unsigned user) {
      if (pages > kMostRangePages) return call.status(Errc::kInval);
      return call.id(machine.create_file(user, pages, on_disk));
    });
  });
}

/// (path, direct, create, truncate) -> { id, direct, pages }
napi_value open_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::string path = call.text(0);
    FileDiskOptions options;
    options.direct = call.flag(1);
    options.create = call.flag(2);
    options.truncate = call.flag(3);
    return call.run_exclusively([&](BoxMachine& machine, unsigned user) {
      const auto made = machine.open_file(user, path, options);
      if (!made) return call.status(made.error);
      const BoxFile* file = machine.file(made.value);
      return JsObject(call.js)
          .number("id", made.value)
          .boolean("direct", file->disk->direct())
          .number("pages", file->file->size_pages())
          .value();
    });
  });
}

/// Runs body(cpu, file) on an open file.
template <class Call, class Body>
napi_value on_file(Call& call, std::uint64_t id, Body body) {
  return call.run([&](BoxMachine& machine, unsigned user) {
    BoxFile* file = machine.file(id);
    return file == nullptr ? call.status(Errc::kBadF) : body(machine.cpu(user), *file);
  });
}

/// The same on one with a page cache.
template <class Call, class Body>
napi_value on_cached_file(Call& call, std::uint64_t id, Body body) {
  return on_file(call, id, [&](Cpu& cpu, BoxFile& file) {
    return file.dax != nullptr ? call.status(Errc::kInval) : body(cpu, file);
  });
}

napi_value close_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run(
        [&](BoxMachine& machine, unsigned) { return call.status(machine.close_file(id)); });
  });
}

napi_value file_pages(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    return on_file(call, call.number(0), [&](Cpu&, BoxFile& file) {
      return JsObject(call.js).number("pages", file.file->size_pages()).value();
    });
  });
}

/// fsync: dirty pages to the disk, and the first error of any writeback before.
napi_value sync_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    return on_cached_file(call, call.number(0), [&](Cpu& cpu, BoxFile& file) {
      filemap_write_and_wait(cpu, *file.file, 0, file.file->size_pages());
      Errc error = file.file->take_write_error();
      if (error == Errc::kOk && file.disk != nullptr) error = file.disk->sync();
      return call.status(error);
    });
  });
}

napi_value truncate_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t id = call.number(0), pages = call.number(1);
    return on_cached_file(call, id, [&](Cpu& cpu, BoxFile& file) {
      if (pages > kMostRangePages) return call.status(Errc::kInval);
      truncate_file(cpu, *file.file, pages);
      return call.status(file.file->take_write_error());
    });
  });
}

enum class FileCall : std::uint8_t { kRead, kWrite, kReadDirect };

/// (file, page, bytes): read(2) and write(2) between the file and memory outside every
/// address space.
template <FileCall kHow>
napi_value file_bytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<3> call(env, info);
    const std::uint64_t id = call.number(0), page = call.number(1);
    const auto bytes = call.bytes(2);
    return on_file(call, id, [&](Cpu& cpu, BoxFile& file) {
      if (bytes.size() % kPageBytes != 0 || page > kMostRangePages)
        return call.status(Errc::kInval);
      if (file.dax != nullptr)  // no page cache between: both reads are one
        return io_value(call.js, kHow == FileCall::kWrite ? file.dax->write(cpu, page, bytes)
                                                          : file.dax->read(page, bytes));
      switch (kHow) {
        case FileCall::kRead:
          return io_value(call.js, kernel_read_bytes(cpu, *file.file, page, bytes));
        case FileCall::kWrite:
          return io_value(call.js, kernel_write_bytes(cpu, *file.file, page, bytes));
        case FileCall::kReadDirect:
          if (file.file->disk == nullptr) return call.status(Errc::kInval);
          return io_value(call.js, kernel_direct_read_bytes(cpu, *file.file, page, bytes));
      }
      return call.status(Errc::kInval);
    });
  });
}

enum class UserIo : std::uint8_t { kRead, kWrite, kDirectRead, kDirectWrite };

/// (mm, address, pages, file, page): the same between the file and a process's memory.
template <UserIo kHow>
napi_value user_io(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<5> call(env, info);
    const std::uint64_t mm_id = call.number(0), address = call.word(1), pages = call.number(2),
                        id = call.number(3), page = call.number(4);
    return call.run_on_mm(mm_id, [&](BoxMachine& machine, Cpu& cpu, BoxMm& mm) {
      BoxFile* found = machine.file(id);
      if (found == nullptr) return call.status(Errc::kBadF);
      if (found->dax != nullptr) return call.status(Errc::kInval);
      AddressSpace& file = *found->file;
      if (page > kMostRangePages || pages > kMostRangePages || address % kPageBytes != 0)
        return call.status(Errc::kInval);
      constexpr bool direct = kHow == UserIo::kDirectRead || kHow == UserIo::kDirectWrite;
      if (direct && file.disk == nullptr) return call.status(Errc::kInval);
      switch (kHow) {
        case UserIo::kRead:
          return io_value(call.js, buffered_read(cpu, *mm.mm, file, page, address, pages));
        case UserIo::kWrite:
          return io_value(call.js, buffered_write(cpu, *mm.mm, file, page, address, pages));
        case UserIo::kDirectRead:
          return io_value(call.js, direct_read(cpu, *mm.mm, file, page, address, pages));
        case UserIo::kDirectWrite:
          return io_value(call.js, direct_write(cpu, *mm.mm, file, page, address, pages));
      }
      return call.status(Errc::kInval);
    });
  });
}

}  // namespace

void bind_files(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "createFile", create_file, box);
  add_bound(js, to, "openFile", open_file, box);
  add_bound(js, to, "closeFile", close_file, box);
  add_bound(js, to, "filePages", file_pages, box);
  add_bound(js, to, "syncFile", sync_file, box);
  add_bound(js, to, "truncateFile", truncate_file, box);
  add_bound(js, to, "readFile", file_bytes<FileCall::kRead>, box);
  add_bound(js, to, "writeFile", file_bytes<FileCall::kWrite>, box);
  add_bound(js, to, "readFileDirect", file_bytes<FileCall::kReadDirect>, box);
  add_bound(js, to, "userRead", user_io<UserIo::kRead>, box);
  add_bound(js, to, "userWrite", user_io<UserIo::kWrite>, box);
  add_bound(js, to, "userDirectRead", user_io<UserIo::kDirectRead>, box);
  add_bound(js, to, "userDirectWrite", user_io<UserIo::kDirectWrite>, box);
}

}  // namespace pagebox::addon
