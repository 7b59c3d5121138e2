#include "engine/scenario/livelock.h"

#include "engine/scenario/op_text.h"

namespace pagebox::inline PAGEBOX_ENV {

std::string livelock_text(const Livelock& livelock) {
  std::string text = livelock.op.empty() ? "the end of a round" : livelock.op;
  text += " waited for " + livelock.waits_for;
  if (livelock.page) text += ", page " + std::to_string(livelock.page->value);
  if (livelock.counted)
    text += ": expected " + std::to_string(livelock.expected) + " references, found " +
            std::to_string(livelock.found);
  return text;
}

std::optional<Pfn> LivelockWatch::page_at(const void* at) const {
  if (memmap_ == nullptr || at == nullptr) return std::nullopt;
  const auto base = reinterpret_cast<std::uintptr_t>(memmap_->base());
  const auto place = reinterpret_cast<std::uintptr_t>(at);
  if (place < base) return std::nullopt;
  const std::uint64_t pfn = (place - base) / memmap_->shape().stride_bytes;
  return pfn < memmap_->capacity() ? std::optional(Pfn{pfn}) : std::nullopt;
}

void LivelockWatch::gave_up(const GaveUp& what) {
  if (found_.size() == kMax) return;
  Livelock& livelock = found_.emplace_back();
  livelock.round = round_;
  livelock.thread = thread_;
  if (op_ != nullptr) livelock.op = op_text(*op_);
  livelock.waits_for = what.what;
  livelock.page = page_at(what.at);
  livelock.counted = what.counted;
  livelock.expected = what.expected;
  livelock.found = what.found;
}

}  // namespace pagebox::inline PAGEBOX_ENV
