// The batches of Pins. Without a ledger they are one call of the kernel; with
// one they go page by page, since each failure must stay out of the record.
#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Pfns = std::span<const std::uint32_t>;

/// step(pfn) returns Result<bool>, true where a last reference went.
template <class Step>
BatchResult one_by_one(Pfns pfns, std::span<std::uint32_t> freed, Step step) {
  BatchResult result;
  for (std::size_t i = 0; i < pfns.size(); ++i) {
    const Result<bool> done = step(Pfn{pfns[i]});
    if (done) {
      if (done.value && !freed.empty()) freed[result.freed] = pfns[i];
      result.freed += done.value ? 1 : 0;
    } else if (result.failed++ == 0) {
      result.first_failed = i;
      result.first_error = done.error;
    }
  }
  result.done = pfns.size() - result.failed;
  return result;
}

Result<bool> pinned(Errc error) {
  if (error != Errc::kOk) return error;
  return false;
}

std::uint32_t* where(std::span<std::uint32_t> freed) {
  return freed.empty() ? nullptr : freed.data();
}

}  // namespace

BatchResult Pins::try_pin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->try_pin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return one_by_one(pfns, {}, [&](Pfn pfn) { return pinned(try_pin_speculative(pfn, 1, shard)); });
}

BatchResult Pins::pin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->pin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return one_by_one(pfns, {}, [&](Pfn pfn) { return pinned(pin_referenced(pfn, 1, shard)); });
}

BatchResult Pins::unpin_many(Pfns pfns, unsigned shard, std::span<std::uint32_t> freed) {
  if (options_.ledger == nullptr)
    return kernel_->unpin_many(frame_, pfns.data(), pfns.size(), shard, where(freed));
  return one_by_one(pfns, freed, [&](Pfn pfn) { return unpin(pfn, 1, shard); });
}

BatchResult Pins::try_pin_unpin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->try_pin_unpin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return one_by_one(pfns, {}, [&](Pfn pfn) -> Result<bool> {
    if (const Errc error = try_pin_speculative(pfn, 1, shard); error != Errc::kOk) return error;
    return unpin(pfn, 1, shard);
  });
}

BatchResult Pins::pin_unpin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->pin_unpin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return one_by_one(pfns, {}, [&](Pfn pfn) -> Result<bool> {
    if (const Errc error = pin_referenced(pfn, 1, shard); error != Errc::kOk) return error;
    return unpin(pfn, 1, shard);
  });
}

BatchResult Pins::get_many(Pfns pfns) {
  return kernel_->get_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}
BatchResult Pins::put_many(Pfns pfns, std::span<std::uint32_t> freed) {
  return kernel_->put_many(frame_, pfns.data(), pfns.size(), 0, where(freed));
}
BatchResult Pins::get_put_many(Pfns pfns) {
  return kernel_->get_put_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}
BatchResult Pins::maybe_pinned_many(Pfns pfns) const {
  return kernel_->maybe_pinned_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}

BatchResult Pins::try_pin_all(Pfns pfns, unsigned shard, std::span<std::uint32_t> freed) {
  BatchResult result;
  for (; result.done < pfns.size(); ++result.done) {
    const Errc error = try_pin_speculative(Pfn{pfns[result.done]}, 1, shard);
    if (error == Errc::kOk) continue;
    result.failed = 1;
    result.first_failed = result.done;
    result.first_error = error;
    result.freed = unpin_many(pfns.first(result.done), shard, freed).freed;
    result.done = 0;
    return result;
  }
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
