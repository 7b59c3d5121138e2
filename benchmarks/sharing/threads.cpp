#include "threads.h"

#include <cstdio>
#include <cstdlib>

#include "explore/strategies/random.h"
#include "pins/registry.h"

namespace sharing {

using namespace pagebox;  // NOLINT: a program of its own

namespace {

template <class T>
bool lies_in(const std::byte* at, const T& object) {
  const auto* begin = reinterpret_cast<const std::byte*>(&object);
  return at >= begin && at < begin + sizeof(T);
}

void map(Thread& thread, std::uint64_t address, std::uint64_t pages) {
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = kVmRead | kVmWrite;
  need(do_mmap(*thread.cpu, *thread.mm, request) == Errc::kOk, "mmap");
}

}  // namespace

void need(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "sharing: failed: %s\n", what);
  std::exit(1);
}

Threads::Threads(const Settings& settings) : settings_(settings), threads_(settings.threads) {
  constexpr std::uint64_t kRoom = 1 << 16;  // for as many lists, and for tables
  AssemblySettings parts;
  parts.ram.layout = *find_layout("linux-6.12");
  parts.ram.pages = kRoom + 2ULL * settings.threads * settings.pages;
  parts.ram.device_pages = std::uint64_t{settings.threads} * settings.pages;
  parts.scheme = *find_scheme(settings.scheme);
  parts.shards = settings.threads;
  need(assembly_.create(parts) == Errc::kOk, "descriptors and pins");
  MachineOptions options;
  options.cpus = settings.threads;
  options.swap_pages = std::uint64_t{settings.threads} * settings.pages;
  options.page_batch = settings.batch;
  need(assembly_.start_machine(options) == Errc::kOk, "machine");
  MirrorDeviceOptions device;
  device.first = {parts.ram.pages};
  device.pages = parts.ram.device_pages;
  need(MirrorDevice::create(machine(), device, device_) == Errc::kOk, "device");
  for (unsigned i = 0; i < settings.threads; ++i) {
    Thread& thread = threads_[i];
    thread.index = i;
    thread.cpu = &machine().cpu(i);
    thread.pfns.resize(settings.pages);
    need(Mm::create(*thread.cpu, thread.mm) == Errc::kOk, "address space");
    map(thread, Thread::address(0), settings.pages);
    // Its tables stay when the other pages go.
    map(thread, Thread::address(kPtesPerTable - 1), 1);
    thread.mirror = device_->open(*thread.mm);
    need(thread.mirror != nullptr, "handle");
  }
}

Threads::~Threads() {
  for (Thread& thread : threads_) {
    if (thread.child != nullptr) thread.child->exit(*thread.cpu);
    thread.mm->exit(*thread.cpu);
    thread.mirror->close(*thread.cpu);
  }
  machine().rcu.barrier();
}

void Threads::run(const std::function<void(Thread&)>& body, RunObserver* observer) {
  struct Turn {
    const std::function<void(Thread&)>* body;
    Thread* thread;
  };
  std::vector<Turn> turns;
  for (Thread& thread : threads_) turns.push_back({&body, &thread});
  std::vector<FiberBody> bodies;
  for (Turn& turn : turns)
    bodies.push_back({[](void* at) {
                        const Turn& mine = *static_cast<Turn*>(at);
                        (*mine.body)(*mine.thread);
                      },
                      &turn});
  RandomStrategy strategy(1);
  (void)strategy.begin(runs_++);
  RunLimits limits;
  limits.max_steps = std::uint64_t{1} << 32;
  limits.max_idle_spins = 1 << 20;
  limits.observer = observer;
  const RunOutcome outcome = runner_.run(bodies, strategy, limits);
  if (outcome.end != Outcome::kClean) {
    std::fprintf(stderr, "sharing: a run ended as outcome %u\n",
                 static_cast<unsigned>(outcome.end));
    std::exit(1);
  }
}

/// Of the eight bytes, which may be several fields.
std::string Threads::name_of_page(std::uint64_t offset) const {
  const std::uint64_t at = offset % assembly_.memmap().shape().stride_bytes / 8;
  std::string names;
  for (const Field& field : assembly_.memmap().layout().fields)
    if (field.types.has(PageType::kAnon) && field.offset_bytes / 8U == at)
      names += (names.empty() ? "" : "/") + field.name;
  return names.empty() ? "descriptor" : "descriptor's " + names;
}

std::string Threads::name(const std::byte* at) {
  const Memmap& memmap = assembly_.memmap();
  const std::uint64_t bytes = memmap.capacity() * memmap.shape().stride_bytes;
  if (at >= memmap.base() && at < memmap.base() + bytes)
    return name_of_page(static_cast<std::uint64_t>(at - memmap.base()));
  Zone& zone = assembly_.zone();
  if (lies_in(at, zone)) return lies_in(at, zone.lru_lock()) ? "lru_lock" : "LRU lists";
  if (lies_in(at, assembly_.allocator())) return "allocator";
  Machine& of = machine();
  const auto* records = reinterpret_cast<const std::byte*>(&of.tables.record({0}));
  if (at >= records && at < records + memmap.pages() * sizeof(TableRecord))
    return "page table's record";
  if (of.tables.holds(at)) return "page table entries";
  if (of.frames.frame_at(at)) return "frame";
  if (lies_in(at, of.swap)) return "swap";
  if (lies_in(at, of.rcu)) return "rcu";
  for (unsigned i = 0; i < of.cpus(); ++i)
    if (lies_in(at, of.cpu(i))) return "a processor's batches";
  if (lies_in(at, of)) return "machine";
  for (std::uint64_t i = 0; i < of.anon_vmas.size(); ++i)
    if (lies_in(at, *of.anon_vmas.at(i))) return "anon_vma";
  if (lies_in(at, *device_)) return "device";
  for (const Thread& thread : threads_) {
    if (lies_in(at, *thread.mirror)) return "mirror";
    for (const Mm* mm : {thread.mm.get(), thread.child.get()}) {
      if (mm == nullptr) continue;
      if (lies_in(at, *mm)) return lies_in(at, mm->mmap_lock) ? "mmap_lock" : "mm";
      for (const auto& vma : mm->vmas)
        if (lies_in(at, *vma)) return "vma";
    }
  }
  return "elsewhere";
}

}  // namespace sharing
