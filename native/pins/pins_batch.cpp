// The batches of Pins. Without a ledger they are one call of the kernel. With one they go
// in runs: a run of the kernel up to the first page that fails, which says the heads, and
// one visit to the ledger for all of them. What failed is then done alone.
#include <algorithm>
#include <array>

#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Pfns = std::span<const std::uint32_t>;
using Heads = std::span<std::uint32_t>;

/// Pages of one run: what lies between the descriptor and its entry in the ledger. Few enough
/// that both stay in a near cache, and many for one round of the ledger's locks.
constexpr std::size_t kRun = 1024;

void add_failure(BatchResult& result, std::size_t index, Errc error) {
  if (result.failed++ != 0) return;
  result.first_failed = index;
  result.first_error = error;
}

std::uint32_t* where(Heads freed) { return freed.empty() ? nullptr : freed.data(); }

std::uint32_t count_of(Pfns counts, std::size_t i) { return counts.empty() ? 1 : counts[i]; }

Heads behind(Heads freed, std::uint64_t used) {
  return freed.empty() ? freed : freed.subspan(used);
}

}  // namespace

/// Pins of a run that the ledger has too: how many, of those that `heads` names.
std::size_t Pins::record_run(Pfns heads, unsigned shard) {
  std::size_t good = heads.size();
  // Others than pins and gets count too, and may have come in between.
  for (std::size_t i = 0; i < good; ++i)
    if (frame_.memmap->page(Pfn{heads[i]}).refcount() < 0) [[unlikely]]
      good = i;
  Errc error = Errc::kOk;
  good = options_.ledger->add_many(shard, heads.first(good), error);
  for (std::size_t i = good; i < heads.size(); ++i) undo(Pfn{heads[i]}, 1, shard);
  return good;
}

/// step(first, heads) after each run that is pinned and recorded.
template <class Step>
BatchResult Pins::pin_in_runs(PinWay way, Pfns pfns, unsigned shard, bool stop_at_failure,
                              Step step) {
  const PinKernel::Run run = way == PinWay::kSpeculative ? kernel_->try_pin_run : kernel_->pin_run;
  std::array<std::uint32_t, kRun> heads;
  BatchResult result;
  for (std::size_t i = 0; i < pfns.size();) {
    const Pfns wanted = pfns.subspan(i, std::min(kRun, pfns.size() - i));
    Errc error = Errc::kOk;
    std::size_t good =
        run(frame_, wanted.data(), wanted.size(), shard,
            options_.ledger == nullptr ? kNoLimit : kFarBelowLimit, heads.data(), error);
    if (options_.ledger != nullptr) good = record_run(Pfns(heads).first(good), shard);
    step(i, Pfns(heads).first(good));
    i += good;
    if (good == wanted.size()) continue;
    // Alone, since there it may be promised what it needs, and says why if it is not.
    if (options_.ledger != nullptr)
      error = way == PinWay::kSpeculative ? try_pin_speculative(Pfn{pfns[i]}, 1, shard)
                                          : pin_referenced(Pfn{pfns[i]}, 1, shard);
    if (error == Errc::kOk) {
      const auto head = static_cast<std::uint32_t>(head_of(Pfn{pfns[i]}).value);
      step(i, Pfns(&head, 1));
    } else {
      add_failure(result, i, error);
      if (stop_at_failure) return result;
    }
    ++i;
  }
  result.done = pfns.size() - result.failed;
  return result;
}

/// Pins that the ledger no longer has, given back to the descriptors.
void Pins::unpin_heads(Pfns heads, std::size_t first, unsigned shard, Heads freed,
                       BatchResult& result) {
  if (heads.empty()) return;
  const BatchResult part = kernel_->unpin_many(frame_, heads.data(), heads.size(), shard,
                                               where(behind(freed, result.freed)));
  result.freed += part.freed;
  if (part.failed == 0) return;
  if (result.failed == 0) {
    result.first_failed = first + part.first_failed;
    result.first_error = part.first_error;
  }
  result.failed += part.failed;
}

BatchResult Pins::try_pin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->try_pin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return pin_in_runs(PinWay::kSpeculative, pfns, shard, false, [](std::size_t, Pfns) {});
}

BatchResult Pins::pin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->pin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return pin_in_runs(PinWay::kReferenced, pfns, shard, false, [](std::size_t, Pfns) {});
}

BatchResult Pins::unpin_many(Pfns pfns, unsigned shard, Heads freed) {
  if (options_.ledger == nullptr)
    return kernel_->unpin_many(frame_, pfns.data(), pfns.size(), shard, where(freed));
  std::array<std::uint32_t, kRun> heads;
  BatchResult result;
  for (std::size_t i = 0; i < pfns.size();) {
    const Pfns wanted = pfns.subspan(i, std::min(kRun, pfns.size() - i));
    Errc error = Errc::kOk;
    std::size_t good =
        kernel_->heads_run(frame_, wanted.data(), wanted.size(), heads.data(), error);
    // What leads to no head is nobody's.
    if (good < wanted.size() && error == Errc::kCorrupt) error = Errc::kNotPinned;
    good = options_.ledger->remove_many(shard, Pfns(heads).first(good), error);
    unpin_heads(Pfns(heads).first(good), i, shard, freed, result);
    if (good < wanted.size()) add_failure(result, i + good, error);
    i += good + (good < wanted.size() ? 1 : 0);
  }
  result.done = pfns.size() - result.failed;
  return result;
}

BatchResult Pins::try_pin_unpin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->try_pin_unpin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return pin_unpin_in_runs(PinWay::kSpeculative, pfns, shard);
}

BatchResult Pins::pin_unpin_many(Pfns pfns, unsigned shard) {
  if (options_.ledger == nullptr)
    return kernel_->pin_unpin_many(frame_, pfns.data(), pfns.size(), shard, nullptr);
  return pin_unpin_in_runs(PinWay::kReferenced, pfns, shard);
}

BatchResult Pins::pin_unpin_in_runs(PinWay way, Pfns pfns, unsigned shard) {
  BatchResult unpinned;
  BatchResult result = pin_in_runs(way, pfns, shard, false, [&](std::size_t first, Pfns heads) {
    Errc error = Errc::kOk;
    const std::size_t good = options_.ledger->remove_many(shard, heads, error);
    if (good < heads.size()) add_failure(unpinned, first + good, error);
    unpin_heads(heads.first(good), first, shard, {}, unpinned);
  });
  result.freed = unpinned.freed;
  if (unpinned.failed != 0) {
    if (result.failed == 0 || unpinned.first_failed < result.first_failed) {
      result.first_failed = unpinned.first_failed;
      result.first_error = unpinned.first_error;
    }
    result.failed += unpinned.failed;
    result.done = pfns.size() - result.failed;
  }
  return result;
}

BatchResult Pins::get_many(Pfns pfns) {
  return kernel_->get_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}
BatchResult Pins::put_many(Pfns pfns, Heads freed) {
  return kernel_->put_many(frame_, pfns.data(), pfns.size(), 0, where(freed));
}
BatchResult Pins::get_put_many(Pfns pfns) {
  return kernel_->get_put_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}
BatchResult Pins::maybe_pinned_many(Pfns pfns) const {
  return kernel_->maybe_pinned_many(frame_, pfns.data(), pfns.size(), 0, nullptr);
}

BatchResult Pins::try_pin_all(Pfns pfns, unsigned shard, Heads freed, Pfns counts) {
  BatchResult result;
  if (counts.empty())
    result = pin_in_runs(PinWay::kSpeculative, pfns, shard, true, [](std::size_t, Pfns) {});
  else
    for (; result.done < pfns.size(); ++result.done) {
      const std::size_t i = result.done;
      const Errc error = try_pin_speculative(Pfn{pfns[i]}, counts[i], shard);
      if (error == Errc::kOk) continue;
      add_failure(result, i, error);
      break;
    }
  if (result.failed == 0) return result;
  const Pfns pinned = pfns.first(result.first_failed);
  const BatchResult undone = counts.empty() ? unpin_many(pinned, shard, freed)
                                            : unpin_each(pinned, shard, freed, counts, {});
  result.freed = undone.freed;
  result.done = 0;
  return result;
}

BatchResult Pins::unpin_all(Pfns pfns, unsigned shard, Heads freed, Pfns counts) {
  if (options_.ledger == nullptr)
    return counts.empty() ? unpin_many(pfns, shard, freed)
                          : unpin_each(pfns, shard, freed, counts, {});
  BatchResult result;
  const std::size_t good = withdraw(pfns, counts, shard, result);
  if (result.failed != 0) {
    give_back(pfns.first(good), counts, shard);
    return result;
  }
  if (counts.empty()) {
    result = kernel_->unpin_many(frame_, pfns.data(), pfns.size(), shard, where(freed));
    return result;
  }
  for (std::size_t i = 0; i < pfns.size(); ++i)
    unpin_one_of(i, kernel_->unpin(frame_, pfns[i], counts[i], shard), pfns, freed, result);
  result.done = pfns.size() - result.failed;
  return result;
}

/// Out of the ledger, up to the first that it does not have: how many.
std::size_t Pins::withdraw(Pfns pfns, Pfns counts, unsigned shard, BatchResult& result) {
  std::array<std::uint32_t, kRun> heads;
  for (std::size_t i = 0; i < pfns.size();) {
    const Pfns wanted = pfns.subspan(i, std::min(kRun, pfns.size() - i));
    Errc error = Errc::kOk;
    const std::size_t found =
        kernel_->heads_run(frame_, wanted.data(), wanted.size(), heads.data(), error);
    std::size_t good = 0;
    if (counts.empty())
      good = options_.ledger->remove_many(shard, Pfns(heads).first(found), error);
    else
      while (good < found && (error = options_.ledger->remove(shard, Pfn{heads[good]},
                                                              counts[i + good])) == Errc::kOk)
        ++good;
    i += good;
    if (good == wanted.size()) continue;
    add_failure(result, i, error);
    return i;
  }
  return pfns.size();
}

/// What withdraw() took: nothing has happened.
void Pins::give_back(Pfns pfns, Pfns counts, unsigned shard) {
  // It keeps room for what was in it a moment ago.
  for (std::size_t i = 0; i < pfns.size(); ++i)
    (void)options_.ledger->add(shard, head_of(Pfn{pfns[i]}), count_of(counts, i));
}

void Pins::unpin_one_of(std::size_t i, Result<bool> last, Pfns pfns, Heads freed,
                        BatchResult& result) {
  if (!last) return add_failure(result, i, last.error);
  if (!last.value) return;
  if (!freed.empty()) freed[result.freed] = static_cast<std::uint32_t>(head_of(Pfn{pfns[i]}).value);
  ++result.freed;
}

BatchResult Pins::try_pin_each(Pfns pfns, unsigned shard, Pfns counts,
                               std::span<std::int32_t> errors) {
  BatchResult result;
  for (std::size_t i = 0; i < pfns.size(); ++i) {
    const Errc error = try_pin_speculative(Pfn{pfns[i]}, count_of(counts, i), shard);
    if (error != Errc::kOk) add_failure(result, i, error);
    if (!errors.empty()) errors[i] = static_cast<std::int32_t>(error);
  }
  result.done = pfns.size() - result.failed;
  return result;
}

BatchResult Pins::unpin_each(Pfns pfns, unsigned shard, Heads freed, Pfns counts,
                             std::span<std::int32_t> errors) {
  BatchResult result;
  for (std::size_t i = 0; i < pfns.size(); ++i) {
    const Result<bool> last = unpin(Pfn{pfns[i]}, count_of(counts, i), shard);
    unpin_one_of(i, last, pfns, freed, result);
    if (!errors.empty()) errors[i] = static_cast<std::int32_t>(last.error);
  }
  result.done = pfns.size() - result.failed;
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
