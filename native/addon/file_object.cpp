// Files of a box's machine.
#include "addon/machine_call.h"
#include "mm/file/file_io.h"
#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"

namespace pagebox::addon {

namespace {

constexpr std::uint64_t kMostPages = std::uint64_t{1} << 32;

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
      if (pages > kMostPages) return call.status(Errc::kInval);
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

napi_value truncate(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t id = call.number(0), pages = call.number(1);
    return on_cached_file(call, id, [&](Cpu& cpu, BoxFile& file) {
      if (pages > kMostPages) return call.status(Errc::kInval);
      truncate_file(cpu, *file.file, pages);
      return call.status(file.file->take_write_error());
    });
  });
}

enum class FileCall : std::uint8_t { kRead, kWrite, kReadDirect };

/// read(2) and write(2) between the file and memory outside every address space.
napi_value file_bytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t op = call.number(0), id = call.number(1), page = call.number(2);
    const auto bytes = call.bytes(3);
    return on_file(call, id, [&](Cpu& cpu, BoxFile& file) {
      if (bytes.size() % kPageBytes != 0 || page > kMostPages) return call.status(Errc::kInval);
      const auto how = static_cast<FileCall>(op);
      if (file.dax != nullptr)  // no page cache between: both reads are one
        return io_value(call.js, how == FileCall::kWrite ? file.dax->write(cpu, page, bytes)
                                                         : file.dax->read(page, bytes));
      switch (how) {
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

/// The same between the file and a process's memory.
napi_value user_io(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<6> call(env, info);
    const std::uint64_t op = call.number(0), mm_id = call.number(1), address = call.word(2),
                        pages = call.number(3), id = call.number(4), page = call.number(5);
    return call.run_on_mm(mm_id, [&](BoxMachine& machine, Cpu& cpu, BoxMm& mm) {
      BoxFile* found = machine.file(id);
      if (found == nullptr) return call.status(Errc::kBadF);
      if (found->dax != nullptr) return call.status(Errc::kInval);
      AddressSpace& file = *found->file;
      if (page > kMostPages || pages > kMostPages || address % kPageBytes != 0)
        return call.status(Errc::kInval);
      const auto how = static_cast<UserIo>(op);
      const bool direct = how == UserIo::kDirectRead || how == UserIo::kDirectWrite;
      if (direct && file.disk == nullptr) return call.status(Errc::kInval);
      switch (how) {
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
  add_bound(js, to, "truncateFile", truncate, box);
  add_bound(js, to, "fileBytes", file_bytes, box);
  add_bound(js, to, "userIo", user_io, box);
}

}  // namespace pagebox::addon
