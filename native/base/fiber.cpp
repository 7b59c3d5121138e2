#include "base/fiber.h"

#include <sys/mman.h>
#include <cstdint>
#include <cstring>
#include <utility>

// The callee-saved registers of the two System V / AAPCS64 conventions. `enter`
// is where a prepared stack begins: it finds entry and argument in two of them.
#define SWITCH PAGEBOX_SYMBOL("switch_stack")
#define ENTER PAGEBOX_SYMBOL("enter_stack")

// clang-format off
#if defined(__x86_64__)
asm(".text\n"
    ".p2align 4\n"
    ".globl " SWITCH "\n"
    ".hidden " SWITCH "\n"
    ".type " SWITCH ", @function\n"
    SWITCH ":\n"
    ".cfi_startproc\n"
    "  endbr64\n"
    "  pushq %rbp\n"
    "  pushq %rbx\n"
    "  pushq %r12\n"
    "  pushq %r13\n"
    "  pushq %r14\n"
    "  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n"
    "  popq %r14\n"
    "  popq %r13\n"
    "  popq %r12\n"
    "  popq %rbx\n"
    "  popq %rbp\n"
    "  retq\n"  // foreseen: the call that the processor saw last came from the same few places
    ".cfi_endproc\n"
    ".size " SWITCH ", .-" SWITCH "\n"
    ".p2align 4\n"
    ".globl " ENTER "\n"
    ".hidden " ENTER "\n"
    ".type " ENTER ", @function\n"
    ENTER ":\n"
    ".cfi_startproc\n"
    ".cfi_undefined rip\n"
    "  endbr64\n"
    "  movq %r12, %rdi\n"
    "  callq *%rbx\n"
    "  ud2\n"
    ".cfi_endproc\n"
    ".size " ENTER ", .-" ENTER "\n");
#elif defined(__aarch64__)
asm(".text\n"
    ".p2align 4\n"
    ".globl " SWITCH "\n"
    ".hidden " SWITCH "\n"
    ".type " SWITCH ", %function\n"
    SWITCH ":\n"
    "  hint #34\n"  // bti c
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp, #0]\n"
    "  stp x21, x22, [sp, #16]\n"
    "  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n"
    "  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n"
    "  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n"
    "  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n"
    "  str x9, [x0]\n"
    "  mov sp, x1\n"
    "  ldp x19, x20, [sp, #0]\n"
    "  ldp x21, x22, [sp, #16]\n"
    "  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n"
    "  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n"
    "  ldp d10, d11, [sp, #112]\n"
    "  ldp d12, d13, [sp, #128]\n"
    "  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n"
    ".size " SWITCH ", .-" SWITCH "\n"
    ".p2align 4\n"
    ".globl " ENTER "\n"
    ".hidden " ENTER "\n"
    ".type " ENTER ", %function\n"
    ENTER ":\n"
    ".cfi_startproc\n"
    ".cfi_undefined x30\n"
    "  hint #36\n"  // bti j
    "  mov x0, x20\n"
    "  blr x19\n"
    "  brk #0\n"
    ".cfi_endproc\n"
    ".size " ENTER ", .-" ENTER "\n");
#else
#error "fibers are written for x86-64 and aarch64"
#endif
// clang-format on

namespace pagebox::inline PAGEBOX_ENV {

void enter_stack() asm(ENTER);

namespace {

constexpr std::size_t kGuardBytes = 4096;

}  // namespace

FiberStack::~FiberStack() {
  if (memory_.data() != nullptr) sanitizer::unpoison(memory_.data(), memory_.size_bytes());
#ifdef PAGEBOX_TSAN
  if (context_.tsan != nullptr) __tsan_destroy_fiber(context_.tsan);
#endif
}

Errc FiberStack::create(unsigned index) {
  auto memory = Mapping::reserve(kGuardBytes + kStackBytes);
  if (!memory) return memory.error;
  memory_ = std::move(memory.value);
  if (mprotect(memory_.data(), kGuardBytes, PROT_NONE) != 0) return Errc::kNoMem;
  const std::size_t stagger = std::size_t{index} % 16 * 256;
  top_ = memory_.data() + memory_.size_bytes() - stagger;
#ifdef PAGEBOX_ASAN
  context_.stack_bottom = memory_.data() + kGuardBytes;
  context_.stack_bytes = kStackBytes - stagger;
#endif
  return Errc::kOk;
}

void FiberStack::prepare(void (*entry)(void*), void* arg) {
  sanitizer::unpoison(memory_.data() + kGuardBytes, kStackBytes);
#ifdef PAGEBOX_ASAN
  context_.fake_stack = nullptr;
#endif
#ifdef PAGEBOX_TSAN
  if (context_.tsan != nullptr) __tsan_destroy_fiber(context_.tsan);
  context_.tsan = __tsan_create_fiber(0);
#endif
  // What switch_stack() will load, in its order. After that the stack pointer is
  // top_ - 16, a multiple of 16, as a call wants it.
#if defined(__x86_64__)
  std::uintptr_t frame[7] = {};
  frame[3] = reinterpret_cast<std::uintptr_t>(arg);           // r12
  frame[4] = reinterpret_cast<std::uintptr_t>(entry);         // rbx
  frame[6] = reinterpret_cast<std::uintptr_t>(&enter_stack);  // the return address
#else
  std::uintptr_t frame[20] = {};
  frame[0] = reinterpret_cast<std::uintptr_t>(entry);          // x19
  frame[1] = reinterpret_cast<std::uintptr_t>(arg);            // x20
  frame[11] = reinterpret_cast<std::uintptr_t>(&enter_stack);  // x30
#endif
  std::byte* at = top_ - 16 - sizeof frame;
  std::memcpy(at, frame, sizeof frame);
  context_.stack_pointer = at;
}

}  // namespace pagebox::inline PAGEBOX_ENV
