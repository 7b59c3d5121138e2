// The operations whose sharing is counted, and how much of it there may be.
#pragma once

#include <functional>
#include <vector>

#include "threads.h"

namespace sharing {

struct Operation {
  const char* name;
  /// Not counted; what it needs is there then, as an operation before leaves it.
  std::function<void(Thread&)> before;
  std::function<void(Thread&)> body;
  /// Not counted.
  std::function<void(Thread&)> after;
  /// Transfers of one thread's operation at most, however many threads there are; below 0: it
  /// works on what is everybody's, and has no bound.
  double most = -1;
  /// Accesses to lines that others write, likewise.
  double most_accesses = -1;
};

/// Per page, in address spaces and on processors of their own.
std::vector<Operation> operations(Threads& threads);
/// A pin and an unpin by pfn, on a page of each thread's own and on one page of all.
std::vector<Operation> pin_operations(Threads& threads);

}  // namespace sharing
