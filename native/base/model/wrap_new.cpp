// `new` and `delete` of the whole library, led here by the linker (wrap_new.ld): one look
// at a thread's word, and where no RunMemory is in use the C++ library's own. A vector's
// code is one for both halves, so both come here; only the model ever has one in use.
#include <cstddef>
#include <new>

#include "base/model/run_memory.h"

using pagebox::run_memory_in_use;
using pagebox::RunMemory;

// The names are the linker's: `--wrap=f` makes f __wrap_f, and what was f __real_f.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

void* __real__Znwm(std::size_t);
void* __real__Znam(std::size_t);
void* __real__ZnwmRKSt9nothrow_t(std::size_t, const std::nothrow_t&);
void* __real__ZnamRKSt9nothrow_t(std::size_t, const std::nothrow_t&);
void* __real__ZnwmSt11align_val_t(std::size_t, std::align_val_t);
void* __real__ZnamSt11align_val_t(std::size_t, std::align_val_t);
void __real__ZdlPv(void*);
void __real__ZdlPvm(void*, std::size_t);
void __real__ZdaPv(void*);
void __real__ZdaPvm(void*, std::size_t);
void __real__ZdlPvRKSt9nothrow_t(void*, const std::nothrow_t&);
void __real__ZdaPvRKSt9nothrow_t(void*, const std::nothrow_t&);
void __real__ZdlPvSt11align_val_t(void*, std::align_val_t);
void __real__ZdlPvmSt11align_val_t(void*, std::size_t, std::align_val_t);
void __real__ZdaPvSt11align_val_t(void*, std::align_val_t);
void __real__ZdaPvmSt11align_val_t(void*, std::size_t, std::align_val_t);

}  // extern "C"

namespace {

void* allocate(std::size_t bytes, std::size_t alignment = 16) {
  void* at = run_memory_in_use->allocate(bytes, alignment);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

bool released(void* at) {
  if (!RunMemory::owns(at)) [[likely]]
    return false;
  RunMemory::release(at);
  return true;
}

}  // namespace

extern "C" {

void* __wrap__Znwm(std::size_t bytes) {
  return run_memory_in_use == nullptr ? __real__Znwm(bytes) : allocate(bytes);
}
void* __wrap__Znam(std::size_t bytes) {
  return run_memory_in_use == nullptr ? __real__Znam(bytes) : allocate(bytes);
}
void* __wrap__ZnwmRKSt9nothrow_t(std::size_t bytes, const std::nothrow_t& nothrow) {
  return run_memory_in_use == nullptr ? __real__ZnwmRKSt9nothrow_t(bytes, nothrow)
                                      : run_memory_in_use->allocate(bytes, 16);
}
void* __wrap__ZnamRKSt9nothrow_t(std::size_t bytes, const std::nothrow_t& nothrow) {
  return run_memory_in_use == nullptr ? __real__ZnamRKSt9nothrow_t(bytes, nothrow)
                                      : run_memory_in_use->allocate(bytes, 16);
}
void* __wrap__ZnwmSt11align_val_t(std::size_t bytes, std::align_val_t alignment) {
  return run_memory_in_use == nullptr ? __real__ZnwmSt11align_val_t(bytes, alignment)
                                      : allocate(bytes, static_cast<std::size_t>(alignment));
}
void* __wrap__ZnamSt11align_val_t(std::size_t bytes, std::align_val_t alignment) {
  return run_memory_in_use == nullptr ? __real__ZnamSt11align_val_t(bytes, alignment)
                                      : allocate(bytes, static_cast<std::size_t>(alignment));
}
void __wrap__ZdlPv(void* at) {
  if (!released(at)) __real__ZdlPv(at);
}
void __wrap__ZdlPvm(void* at, std::size_t bytes) {
  if (!released(at)) __real__ZdlPvm(at, bytes);
}
void __wrap__ZdaPv(void* at) {
  if (!released(at)) __real__ZdaPv(at);
}
void __wrap__ZdaPvm(void* at, std::size_t bytes) {
  if (!released(at)) __real__ZdaPvm(at, bytes);
}
void __wrap__ZdlPvRKSt9nothrow_t(void* at, const std::nothrow_t& nothrow) {
  if (!released(at)) __real__ZdlPvRKSt9nothrow_t(at, nothrow);
}
void __wrap__ZdaPvRKSt9nothrow_t(void* at, const std::nothrow_t& nothrow) {
  if (!released(at)) __real__ZdaPvRKSt9nothrow_t(at, nothrow);
}
void __wrap__ZdlPvSt11align_val_t(void* at, std::align_val_t alignment) {
  if (!released(at)) __real__ZdlPvSt11align_val_t(at, alignment);
}
void __wrap__ZdlPvmSt11align_val_t(void* at, std::size_t bytes, std::align_val_t alignment) {
  if (!released(at)) __real__ZdlPvmSt11align_val_t(at, bytes, alignment);
}
void __wrap__ZdaPvSt11align_val_t(void* at, std::align_val_t alignment) {
  if (!released(at)) __real__ZdaPvSt11align_val_t(at, alignment);
}
void __wrap__ZdaPvmSt11align_val_t(void* at, std::size_t bytes, std::align_val_t alignment) {
  if (!released(at)) __real__ZdaPvmSt11align_val_t(at, bytes, alignment);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
