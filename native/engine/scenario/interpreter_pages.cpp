// Operations on pages by pfn: set_up_page, get_page, pin_page and what goes with them.
#include "engine/scenario/interpreter.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Interpreter::set_up_pages(const Op& op) {
  PageSetup setup;
  setup.type = op.type;
  setup.order = op.order;
  return pages_.box().setup_range(Pfn{op.pfn}, pages_to_set_up(op), setup);
}

/// A page that the thread holds in the way that the operation needs or gives back.
Result<Pfn> Interpreter::held_page(const Op& op) {
  if (op.referenced) return pages_.any_referenced();
  switch (op.code) {
    case OpCode::kPutPage: return pages_.any_referenced();
    case OpCode::kPutbackPage: return pages_.any_isolated();
    default: return pages_.any_pinned();
  }
}

/// kFault: nothing is mapped there now. It may be somebody else's at once.
Result<Pfn> Interpreter::mapped_page(const Op& op) {
  if (!has_processes()) return Errc::kInval;
  Process* const process = find(op.proc);
  if (process == nullptr) return Errc::kInval;
  SharedGuard alive(process->life.of(thread_));
  if (process->exited) return Errc::kInval;
  const std::uint64_t address =
      kBufferBase + op.buf * kBufferStride + Process::first_page(op) * kPageBytes;
  const PageTable& table = process->mm->page_table;
  SharedGuard guard(process->mm->mmap_lock);
  const unsigned token = machine().rcu.read_lock(cpu().index);
  const PteSlot pmd = table.find_pmd(address);
  Result<Pfn> found = Errc::kFault;
  if (pmd) {
    if (const Pte leaf = pmd.get(); leaf.present() && leaf.huge()) {
      found = huge_pfn(leaf, address);
    } else if (const PteSlot slot = table.find(address)) {
      if (const Pte pte = slot.get(); pte.present()) found = pte.pfn();
    }
  }
  machine().rcu.read_unlock(token);
  return found;
}

Result<Pfn> Interpreter::page_of(const Op& op) {
  if (op.pick == PagePick::kSame) return pages_.same();
  if (op.pick == PagePick::kHeld) return held_page(op);
  if (op.has_buf) return mapped_page(op);
  // Others are the machine's, and whose they are differs from run to run.
  const Pfn pfn{op.pfn + Process::first_page(op)};
  return pfn.value < pages_.box().placed_pages() ? Result<Pfn>(pfn) : Errc::kRange;
}

OpRecord Interpreter::run_on_page(const Op& op) {
  OpRecord result;
  result.keys = kKeyRet;
  result.ret = Errc::kInval;
  if (!in_range(op) || (op.pick != PagePick::kGiven && !is_chosen_late(op.pick))) return result;
  if (op.code == OpCode::kSetUpPage) {
    result.ret = op.has_pfn ? set_up_pages(op) : Errc::kInval;
    return result;
  }
  const auto page = page_of(op);
  if (!page) {
    result.ret = page.error;
    return result;
  }
  const Pfn pfn = page.value;
  pages_.set_last(pfn);
  const std::uint64_t times = op.has_n ? op.n : 1;
  if (times > kRefcountMax) return result;
  const auto n = static_cast<std::uint32_t>(times);
  Box& box = pages_.box();
  switch (op.code) {
    case OpCode::kReleasePage: result.ret = pages_.release(pfn); break;
    case OpCode::kFreezePage: result.ret = pages_.freeze(pfn); break;
    case OpCode::kGetPage: result.ret = pages_.get(pfn, n); break;
    case OpCode::kPutPage: result.ret = pages_.put(pfn, n); break;
    case OpCode::kPinPage:
      result.ret = op.referenced ? pages_.pin_referenced(pfn, n) : pages_.pin(pfn, n);
      break;
    case OpCode::kUnpinPage: result.ret = pages_.unpin(pfn, n); break;
    case OpCode::kIsolatePage: result.ret = pages_.isolate(pfn); break;
    case OpCode::kPutbackPage: result.ret = pages_.putback(pfn); break;
    case OpCode::kMaybePinned: {
      const auto answer = pages_.maybe_pinned(pfn);
      result.ret = answer.error;
      if (answer) result.v = {answer.value ? 1U : 0U};
      break;
    }
    default: {
      const auto count = box.pins(pfn);
      result.ret = count.error;
      if (count) result.v = {count.value.pins, count.value.exact ? 1U : 0U};
      break;
    }
  }
  if (!result.v.empty()) result.keys |= kKeyV;
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
