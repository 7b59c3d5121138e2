#include "base/host/counters.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace pagebox::inline PAGEBOX_ENV {

namespace {

struct Event {
  std::uint32_t type;
  std::uint64_t config;
  bool intel_only;
};

constexpr std::uint64_t cache_event(std::uint64_t cache, std::uint64_t op, std::uint64_t result) {
  return cache | op << 8U | result << 16U;
}

/// Raw ones are (umask << 8 | event): MEM_INST_RETIRED.LOCK_LOADS and
/// MEM_LOAD_L3_HIT_RETIRED.XSNP_HITM of Intel's cores since Skylake (Intel SDM, volume 3B, chapter
/// 20).
constexpr std::array<Event, kCounters> kEvents = {{
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, false},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, false},
    {PERF_TYPE_HW_CACHE,
     cache_event(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_READ,
                 PERF_COUNT_HW_CACHE_RESULT_MISS),
     false},
    {PERF_TYPE_RAW, 0x21d0, true},
    {PERF_TYPE_RAW, 0x04d2, true},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, false},
}};

bool is_intel() {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0 && ebx == signature_INTEL_ebx &&
         edx == signature_INTEL_edx && ecx == signature_INTEL_ecx;
#else
  return false;
#endif
}

int open_event(const Event& event) {
  perf_event_attr attr{};
  attr.type = event.type;
  attr.size = sizeof attr;
  attr.config = event.config;
  // What an unprivileged user may count; faults and switches happen in the kernel.
  attr.exclude_kernel = event.type != PERF_TYPE_SOFTWARE;
  attr.exclude_hv = 1;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

ThreadCounters::ThreadCounters() {
  const bool intel = is_intel();
  for (unsigned i = 0; i < kCounters; ++i)
    fds_[i] = kEvents[i].intel_only && !intel ? -1 : open_event(kEvents[i]);
}

ThreadCounters::~ThreadCounters() {
  for (const int fd : fds_)
    if (fd >= 0) close(fd);
}

CounterValues ThreadCounters::read() const {
  struct Reading {
    std::uint64_t value, enabled_ns, running_ns;
  };
  CounterValues values;
  for (unsigned i = 0; i < kCounters; ++i) {
    Reading reading{};
    if (fds_[i] < 0 || ::read(fds_[i], &reading, sizeof reading) != sizeof reading) continue;
    if (reading.running_ns == 0) continue;  // has had no register yet
    values[i] = static_cast<double>(reading.value) * static_cast<double>(reading.enabled_ns) /
                static_cast<double>(reading.running_ns);
  }
  return values;
}

void add_counted(CounterValues& sum, const CounterValues& begin, const CounterValues& end) {
  for (unsigned i = 0; i < kCounters; ++i)
    if (end[i]) sum[i] = sum[i].value_or(0) + *end[i] - begin[i].value_or(0);
}

}  // namespace pagebox::inline PAGEBOX_ENV
