// Address spaces: system calls, and what /proc shows of them.
#include "addon/codes.h"
#include "addon/machine_call.h"
#include "mm/file/files.h"
#include "mm/pagemap.h"

namespace pagebox::addon {

namespace {

/// Handles of mappings that brought a file of their own, and of shared anonymous ones.
constexpr std::uint64_t kOwnFile = std::uint64_t{1} << 63, kAnonymous = std::uint64_t{1} << 62;

/// By kProtNames.
std::uint64_t vm_prot(unsigned prot) {
  return ((prot & 1) != 0 ? +kVmRead : 0ULL) | ((prot & 2) != 0 ? +kVmWrite : 0ULL);
}
unsigned prot_of(std::uint64_t flags) {
  return ((flags & kVmRead) != 0 ? 1U : 0U) | ((flags & kVmWrite) != 0 ? 2U : 0U);
}

napi_value create_mm(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<0> call(env, info);
    return call.run_exclusively(
        [&](BoxMachine& machine, unsigned user) { return call.id(machine.create_mm(user)); });
  });
}

napi_value fork_mm(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run(
        [&](BoxMachine& machine, unsigned user) { return call.id(machine.fork_mm(user, id)); });
  });
}

napi_value close_mm(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run(
        [&](BoxMachine& machine, unsigned) { return call.status(machine.close_mm(id)); });
  });
}

struct MapArguments {
  std::uint64_t mm = 0, address = 0, pages = 0, prot = 0, object = 0, file_page = 0;
  Backing backing = Backing::kAnon;
  bool shared = false, chosen = false;
};

/// `{ mm, address?, pages, prot, shared, backing, object, filePage }`: without an address one
/// is chosen; `object` is a file or a device, 0 without.
MapArguments read_map(JsRead& from) {
  constexpr std::uint64_t kSafe = (std::uint64_t{1} << 53) - 1;
  MapArguments given;
  given.mm = from.integer("mm", kSafe);
  given.chosen = from.has("address");
  if (given.chosen) given.address = from.big("address");
  given.pages = from.integer("pages", kSafe);
  const int prot = index_of(kProtNames, from.text("prot"));
  const int backing = index_of(kBackingNames, from.text("backing"));
  if (prot < 0 || backing < 0) from.fail();
  given.prot = vm_prot(prot < 0 ? 0 : static_cast<unsigned>(prot));
  given.backing = backing < 0 ? Backing::kAnon : static_cast<Backing>(backing);
  given.shared = from.boolean("shared");
  given.object = from.integer("object", kSafe);
  given.file_page = from.integer("filePage", kSafe);
  return given;
}

Errc map(BoxMachine& machine, Cpu& cpu, BoxMm& mm, const MapArguments& given) {
  if (given.backing == Backing::kDevice) {
    if (P2pdma* bus = machine.p2pdma(given.object))
      return bus->mmap(cpu, *mm.mm, given.address, given.pages, given.prot, given.shared);
    if (machine.mirror_device(given.object) == nullptr) return Errc::kNoDev;
    Mirror* mirror = machine.open_device(mm, given.object);
    if (mirror == nullptr) return Errc::kNoMem;
    return mirror->mmap(cpu, given.address, given.pages, given.prot);
  }
  MmapRequest request;
  request.address = given.address;
  request.pages = given.pages;
  request.prot = given.prot;
  request.shared = given.shared;
  request.pgoff = given.file_page;
  request.hugetlb = given.backing == Backing::kHugetlb;
  AddressSpace* fresh = nullptr;
  if (given.object != 0) {
    BoxFile* file = machine.file(given.object);
    if (file == nullptr) return Errc::kBadF;
    if (file->dax != nullptr)
      return file->dax->mmap(cpu, *mm.mm, given.address, given.pages, request.prot, given.shared,
                             given.file_page, given.object);
    request.file = file->file;
    request.file_handle = given.object;
  } else if (given.shared || given.backing == Backing::kFile) {
    fresh = create_shmem(machine.machine(), given.pages);
    if (fresh == nullptr) return Errc::kNoMem;
    request.file = fresh;
    request.file_handle = kOwnFile | fresh->index;
    if (given.backing == Backing::kAnon) request.file_handle |= kAnonymous;
  }
  const Errc error = do_mmap(cpu, *mm.mm, request);
  if (fresh != nullptr) put_file(cpu, *fresh);
  return error;
}

napi_value mmap(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    JsRead from = call.object_at(0);
    MapArguments given = read_map(from);
    call.finish(from);
    return call.run_on_mm(given.mm, [&](BoxMachine& machine, Cpu& cpu, BoxMm& mm) {
      if (!given.chosen) {
        const auto gap = BoxMachine::find_gap(*mm.mm, given.pages);
        if (!gap) return call.status(gap.error);
        given.address = gap.value;
      }
      const Errc error = map(machine, cpu, mm, given);
      return error == Errc::kOk ? call.js.big(given.address) : call.status(error);
    });
  });
}

/// (mm, address, pages): a system call on that range.
template <Errc (*kCall)(Cpu&, Mm&, std::uint64_t, std::uint64_t)>
napi_value on_range(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<3> call(env, info);
    const std::uint64_t id = call.number(0), start = call.word(1), pages = call.number(2);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      return call.status(kCall(cpu, *mm.mm, start, pages));
    });
  });
}

/// (mm, address, pages, prot)
napi_value mprotect(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), start = call.word(1), pages = call.number(2);
    const unsigned prot = call.one_of(kProtNames, 3);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      return call.status(do_mprotect(cpu, *mm.mm, start, pages, vm_prot(prot)));
    });
  });
}

/// (mm, address, pages, advice)
napi_value madvise(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), start = call.word(1), pages = call.number(2);
    const unsigned advice = call.one_of(kAdviceNames, 3);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      return call.status(do_madvise(cpu, *mm.mm, start, pages, static_cast<Advice>(advice)));
    });
  });
}

napi_value mremap(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<5> call(env, info);
    const std::uint64_t id = call.number(0), from = call.word(1), pages = call.number(2);
    const bool chosen = call.flag(3);
    std::uint64_t to = call.word(4);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      if (!chosen) {
        const auto gap = BoxMachine::find_gap(*mm.mm, pages);
        if (!gap) return call.status(gap.error);
        to = gap.value;
      }
      const Errc error = do_mremap(cpu, *mm.mm, from, pages, to);
      return error == Errc::kOk ? call.js.big(to) : call.status(error);
    });
  });
}

napi_value clear_refs(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      clear_soft_dirty(cpu, *mm.mm);
      return call.status(Errc::kOk);
    });
  });
}

/// The words of kPagemapWordNames for each page; a missing one is -1.
napi_value pagemap(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t id = call.number(0), address = call.word(1), pages = call.number(2);
    const auto out = call.array<double>(3, napi_float64_array);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu& cpu, BoxMm& mm) {
      constexpr std::size_t kWords = kPagemapWordNames.size();
      if (pages > kMostRangePages || out.size() < pages * kWords) return call.status(Errc::kInval);
      std::vector<PagemapEntry> entries(pages);
      read_pagemap(cpu, *mm.mm, address, entries);
      for (std::uint64_t i = 0; i < pages; ++i) {
        const PagemapEntry& each = entries[i];
        const auto word = [&](PagemapWord which) -> double& {
          return out[i * kWords + static_cast<std::size_t>(which)];
        };
        word(PagemapWord::kState) = static_cast<double>(each.state);
        // In the order of kPagemapBitNames.
        word(PagemapWord::kBits) = (each.soft_dirty ? 1 : 0) | (each.exclusive ? 2 : 0) |
                                   (each.file ? 4 : 0) | (each.uffd_wp ? 8 : 0);
        word(PagemapWord::kMapcount) = each.has_mapcount ? each.mapcount : -1.0;
        word(PagemapWord::kFlags) = each.has_flags ? each.flags : -1.0;
        const bool has_page = each.state == PagemapState::kPresent ||
                              (each.state >= PagemapState::kDevicePrivateWrite &&
                               each.state <= PagemapState::kDeviceExclusiveRead);
        word(PagemapWord::kPfn) =
            has_page && each.has_descriptor ? static_cast<double>(each.pfn.value) : -1.0;
      }
      return call.status(Errc::kOk);
    });
  });
}

napi_value vmas(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run_on_mm(id, [&](BoxMachine&, Cpu&, BoxMm& mm) {
      SharedGuard guard(mm.mm->mmap_lock);
      return call.js.list(mm.mm->vmas, [&](const std::unique_ptr<Vma>& vma) {
        const std::uint64_t flags = vma->flags;
        const bool file = vma->file != nullptr;
        return JsObject(call.js)
            .big("address", vma->start)
            .number("pages", vma->pages())
            .number("flags", flags)
            .text("prot", kProtNames[prot_of(flags)])
            .boolean("shared", (flags & kVmShared) != 0)
            .boolean("locked", (flags & kVmLocked) != 0)
            .boolean("hugetlb", (flags & kVmHugetlb) != 0)
            .boolean("file", file && vma->file->kind != FileKind::kDriver &&
                                 (vma->file_handle & kAnonymous) == 0)
            .boolean("disk", file && vma->file->kind == FileKind::kDisk)
            .boolean("device", file && vma->file->kind == FileKind::kDriver)
            .boolean("dax", file && vma->file->is_dax())
            .number("filePage", file ? vma->pgoff.get() : 0)
            .value();
      });
    });
  });
}

napi_value reclaim(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t pages = call.number(0);
    return call.run([&](BoxMachine& machine, unsigned user) {
      return JsObject(call.js).number("pages", machine.reclaim(user, pages)).value();
    });
  });
}

napi_value compact(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t first = call.number(0), end = call.number(1);
    return call.run([&](BoxMachine& machine, unsigned user) {
      const std::uint64_t most = call.object().pages();
      const std::uint64_t moved =
          machine.compact(user, Pfn{std::min(first, most)}, Pfn{std::min(end, most)});
      return JsObject(call.js).number("pages", moved).value();
    });
  });
}

napi_value drain_lru(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<0> call(env, info);
    return call.run([&](BoxMachine& machine, unsigned user) {
      machine.drain_lru(user);
      return call.status(Errc::kOk);
    });
  });
}

napi_value hugetlb(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<0> call(env, info);
    return call.run([&](BoxMachine& machine, unsigned) {
      const HugetlbCounts counts = machine.machine().hugetlb.counts();
      return JsObject(call.js)
          .number("pages", counts.pages)
          .number("free", counts.free)
          .number("reserved", counts.reserved)
          .value();
    });
  });
}

}  // namespace

void bind_mm(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "createMm", create_mm, box);
  add_bound(js, to, "forkMm", fork_mm, box);
  add_bound(js, to, "closeMm", close_mm, box);
  add_bound(js, to, "mmap", mmap, box);
  add_bound(js, to, "munmap", on_range<do_munmap>, box);
  add_bound(js, to, "mprotect", mprotect, box);
  add_bound(js, to, "mlock", on_range<do_mlock>, box);
  add_bound(js, to, "munlock", on_range<do_munlock>, box);
  add_bound(js, to, "madvise", madvise, box);
  add_bound(js, to, "mremap", mremap, box);
  add_bound(js, to, "clearRefs", clear_refs, box);
  add_bound(js, to, "pagemap", pagemap, box);
  add_bound(js, to, "vmas", vmas, box);
  add_bound(js, to, "reclaim", reclaim, box);
  add_bound(js, to, "compact", compact, box);
  add_bound(js, to, "drainLru", drain_lru, box);
  add_bound(js, to, "hugetlb", hugetlb, box);
}

}  // namespace pagebox::addon
