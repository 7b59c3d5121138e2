#include "operations.h"

#include <algorithm>

#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"

namespace sharing {

using namespace pagebox;  // NOLINT: a program of its own

namespace {

void nothing(Thread&) {}

unsigned pages_of(const Thread& thread) { return static_cast<unsigned>(thread.pfns.size()); }

void store_each(Thread& thread) {
  for (unsigned i = 0; i < pages_of(thread); ++i)
    need(store_word(*thread.cpu, *thread.mm, Thread::address(i), i) == FaultResult::kOk, "store");
}
void load_each(Thread& thread) {
  std::uint64_t word = 0;
  for (unsigned i = 0; i < pages_of(thread); ++i)
    need(load_word(*thread.cpu, *thread.mm, Thread::address(i), word) == FaultResult::kOk, "load");
}
void advise(Thread& thread, unsigned page, unsigned pages, Advice advice) {
  need(do_madvise(*thread.cpu, *thread.mm, Thread::address(page), pages, advice) == Errc::kOk,
       "madvise");
}
void empty(Thread& thread) { advise(thread, 0, pages_of(thread), Advice::kDontneed); }
void fill(Thread& thread) {
  empty(thread);
  store_each(thread);
}
void grab(Thread& thread, unsigned page, bool fast, std::uint32_t flags) {
  const auto out = std::span(thread.pfns).subspan(page, 1);
  const std::uint64_t at = Thread::address(page);
  const bool pins = (flags & kFollPin) != 0;
  const GupResult got = pins && fast
                            ? pin_user_pages_fast(*thread.cpu, *thread.mm, at, kFollWrite, out)
                        : pins ? pin_user_pages(*thread.cpu, *thread.mm, at, kFollWrite, out)
                               : get_user_pages_fast(*thread.cpu, *thread.mm, at, kFollWrite, out);
  need(got.pages == 1, "grab");
}
void pin_each(Thread& thread, bool fast) {
  for (unsigned i = 0; i < pages_of(thread); ++i) {
    grab(thread, i, fast, kFollPin);
    unpin_user_page(*thread.cpu, thread.pfns[i]);
  }
}
void get_each(Thread& thread) {
  for (unsigned i = 0; i < pages_of(thread); ++i) grab(thread, i, true, kFollGet);
}
void put_each(Thread& thread) {
  for (const Pfn pfn : thread.pfns) put_user_page(*thread.cpu, pfn);
}
void fork_child(Thread& thread) {
  need(Mm::create(*thread.cpu, thread.child) == Errc::kOk, "child");
  need(dup_mmap(*thread.cpu, *thread.child, *thread.mm) == Errc::kOk, "fork");
}
void exit_child(Thread& thread) {
  thread.child->exit(*thread.cpu);
  thread.child.reset();
}
void to_device(Thread& thread) {
  constexpr unsigned kCall = 16;
  for (unsigned i = 0; i < pages_of(thread); i += kCall)
    need(thread.mirror
                 ->migrate_to_device(*thread.cpu, Thread::address(i),
                                     std::min(kCall, pages_of(thread) - i), {})
                 .error == Errc::kOk,
         "to the device");
}
void to_system(Thread& thread) {
  constexpr unsigned kCall = 16;
  for (unsigned i = 0; i < pages_of(thread); i += kCall)
    need(thread.mirror
                 ->migrate_to_system(*thread.cpu, Thread::address(i),
                                     std::min(kCall, pages_of(thread) - i))
                 .error == Errc::kOk,
         "to the system");
}

}  // namespace

std::vector<Operation> operations(Threads&) {
  const auto one_page_a_call = [](Thread& thread) {
    for (unsigned i = 0; i < pages_of(thread); ++i) advise(thread, i, 1, Advice::kDontneed);
  };
  const auto get_and_put = [](Thread& thread) {
    for (unsigned i = 0; i < pages_of(thread); ++i) {
      grab(thread, i, true, kFollGet);
      put_user_page(*thread.cpu, thread.pfns[i]);
    }
  };
  const auto hold = [](Thread& thread) {
    fill(thread);
    get_each(thread);
    empty(thread);
  };
  const auto pin_fast = [](Thread& thread) { pin_each(thread, true); };
  const auto pin_slow = [](Thread& thread) { pin_each(thread, false); };
  const auto fill_and_fork = [](Thread& thread) {
    fill(thread);
    fork_child(thread);
  };
  const auto pageout = [](Thread& thread) {
    advise(thread, 0, pages_of(thread), Advice::kPageout);
  };
  const auto fill_and_pageout = [pageout](Thread& thread) {
    fill(thread);
    pageout(thread);
  };
  const auto fill_and_move = [](Thread& thread) {
    fill(thread);
    to_device(thread);
  };
  // Transfers and accesses of a page at most. What takes lru_lock for each page, as the kernel
  // does, stands out; swap has one lock for all.
  return {
      {"fault", empty, store_each, nothing, 0.12, 1.2},
      {"load of a page that is mapped", fill, load_each, nothing, 0, 0},
      {"unmap, all in a call", fill, empty, nothing, 0.22, 1.3},
      {"unmap, one page a call", fill, one_page_a_call, nothing, 1.4, 8.5},
      {"get and put", fill, get_and_put, nothing, 0, 0},
      {"last put", hold, put_each, nothing, 1.4, 8},
      {"pin and unpin, fast", fill, pin_fast, nothing, 0, 0},
      {"pin and unpin, slow", fill, pin_slow, nothing, 0, 0},
      {"fork", fill, fork_child, exit_child, 0.05, 0.1},
      {"exit of the child", fill_and_fork, exit_child, nothing, 0.3, 1.7},
      {"copy on write", fill_and_fork, store_each, exit_child, 0.25, 4},
      {"pageout", fill, pageout, nothing, 3.6, 16},
      {"swapin", fill_and_pageout, load_each, nothing, 2.3, 8},
      {"to the device, 16 pages a call", fill, to_device, to_system, 0.7, 5},
      {"to the system, 16 pages a call", fill_and_move, to_system, nothing, 0.5, 3.2},
  };
}

std::vector<Operation> pin_operations(Threads& threads) {
  const auto pin_unpin = [&threads](const Thread& thread, Pfn pfn) {
    Pins& pins = threads.assembly().pins();
    for (unsigned i = 0; i < pages_of(thread); ++i) {
      need(pins.try_pin_speculative(pfn, 1, thread.index) == Errc::kOk, "pin");
      need(pins.unpin(pfn, 1, thread.index).error == Errc::kOk, "unpin");
    }
  };
  // Noted with a reference on it, which is given back at once: it is mapped.
  const auto note_first = [](Thread& thread) {
    fill(thread);
    grab(thread, 0, true, kFollGet);
    put_user_page(*thread.cpu, thread.pfns[0]);
  };
  static Pfn everybodys;
  const auto note_one = [note_first](Thread& thread) {
    note_first(thread);
    if (thread.index == 0) everybodys = thread.pfns[0];
  };
  // A scheme that takes pages off their lists takes lru_lock for each first and last pin.
  const bool isolates = threads.assembly().pins().isolates();
  return {{"pin and unpin by pfn, a page of its own", note_first,
           [pin_unpin](Thread& thread) { pin_unpin(thread, thread.pfns[0]); }, nothing,
           isolates ? 15.0 : 0.0, isolates ? 58.0 : 0.0},
          {"pin and unpin by pfn, one page of all", note_one,
           [pin_unpin](Thread& thread) { pin_unpin(thread, everybodys); }, nothing}};
}

}  // namespace sharing
