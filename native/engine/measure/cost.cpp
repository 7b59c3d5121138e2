#include "engine/measure/cost.h"

#include <algorithm>
#include <new>
#include <optional>
#include <span>

#include "base/barrier.h"
#include "base/host/threads.h"
#include "base/reason.h"
#include "engine/measure/limit_loops.h"
#include "engine/race/clock.h"
#include "engine/race/race.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// Indices of one sample at most; longer ones go over them again.
constexpr std::size_t kMaxIndices = std::size_t{1} << 20;
/// Drawn at once where that is timed: they stay in the nearest cache.
constexpr std::size_t kDrawnAtOnce = 2048;

using Pfns = std::span<const std::uint32_t>;

}  // namespace

class CostSampler::Impl {
 public:
  /// `other`: the scheme to measure, if it is not the box's own.
  Impl(std::shared_ptr<Box> box, std::unique_ptr<Pins> other, const CostSettings& settings)
      : box_(std::move(box)),
        other_(std::move(other)),
        pins_(other_ != nullptr ? *other_ : box_->scheme()),
        frame_(pins_.frame()),
        settings_(settings) {
    if (!settings.prefetch) frame_.prefetch_pages = 0;
    if (settings.pattern == Pattern::kZipf) zipf_ = std::make_unique<ZipfTable>(settings.box.pages);
    for (unsigned i = 0; i < settings.threads; ++i) {
      // The same distribution for both loops, but not the same draws: the list schemes
      // leave the pages in the order of their last draws, and who came second with the
      // same ones would find its neighbours in the cache.
      const std::uint64_t seed = settings.seed + (settings.loop == CostLoop::kLimit ? 1 : 0);
      streams_.emplace_back(settings.pattern, Pfn{0}, settings.box.pages, seed, i, settings.threads,
                            zipf_.get());
    }
    indices_.resize(settings.threads);
    limit_ = limit_loop(pins_, settings.op, settings.prefetch);
    mix_ = limit_mix(pins_, settings.prefetch);
    undo_ = limit_loop(pins_, settings.op == PinOp::kPin ? PinOp::kUnpin : PinOp::kPin);
  }

  /// All that a loop touches is there before it is timed.
  Errc populate() { return pins_.populate_outside(box_->settings().huge_pages); }

  bool has_limit() const { return limit_ != nullptr; }
  const std::shared_ptr<Box>& box() const { return box_; }
  std::uint64_t pages() const { return settings_.box.pages; }

  Errc sample(std::uint64_t ops, CostSample& out) {
    const ExclusiveRun exclusive(box_->gate());
    if (!exclusive) return exclusive.error();
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(ops, kMaxIndices));
    for (unsigned i = 0; i < settings_.threads; ++i) {
      indices_[i].resize(size);
      if (!settings_.draws) streams_[i].fill(indices_[i]);
    }
    out = {};
    return settings_.threads == 1 ? run_alone(ops, out) : run_together(ops, out);
  }

 private:
  struct alignas(64) Share {
    std::uint64_t ns = 0, cpu_ns = 0, ops = 0, retries = 0;
    CounterValues counted;
  };

  Errc run_alone(std::uint64_t ops, CostSample& out) {
    Share share;
    run(0, ops, share, &thread_cpu_ns);
    out = {share.ns, share.cpu_ns, share.ops, share.retries, share.counted};
    return Errc::kOk;
  }

  Errc run_together(std::uint64_t ops, CostSample& out) {
    std::vector<Share> shares(settings_.threads);
    Barrier barrier(settings_.threads);
    const Errc error = run_threads(
        settings_.threads,
        [&](unsigned thread) {
          if (barrier.wait()) run(thread, ops, shares[thread], &now_ns);
        },
        0, [&] { barrier.abandon(); });
    for (const Share& share : shares) {
      out.ns = std::max(out.ns, share.ns);
      out.cpu_ns += share.cpu_ns;
      out.ops = std::max(out.ops, share.ops);
      out.retries += share.retries;
      for (unsigned i = 0; i < kCounters; ++i)
        if (share.counted[i]) out.counted[i] = out.counted[i].value_or(0) + *share.counted[i];
    }
    return error;
  }

  void run(unsigned thread, std::uint64_t ops, Share& share, std::uint64_t (*clock)()) {
    std::optional<ThreadCounters> counters;
    if (settings_.counters) counters.emplace();
    CounterValues before;
    std::optional<LimitHeld> held;
    if (settings_.mix) held.emplace(settings_.seed, thread);
    while (share.ops < ops && !box_->gate().stop_requested()) {
      const Pfns pfns = Pfns(indices_[thread])
                            .first(static_cast<std::size_t>(
                                std::min<std::uint64_t>(ops - share.ops, indices_[thread].size())));
      // What is timed alone needs its counterpart untimed, before or after it; a mix has its own.
      if (settings_.op == PinOp::kUnpin) do_counterpart(pfns, thread);
      if (counters) before = counters->read();
      const std::uint64_t begin_cpu = thread_cpu_ns(), begin = clock();
      share.retries +=
          settings_.draws ? draw_and_do(thread, pfns.size(), held) : do_timed(pfns, thread, held);
      share.ns += clock() - begin;
      share.cpu_ns += thread_cpu_ns() - begin_cpu;
      if (counters) add_counted(share.counted, before, counters->read());
      if (settings_.op == PinOp::kPin && !settings_.mix) do_counterpart(pfns, thread);
      share.ops += pfns.size();
    }
    if (held) (void)undo_(pins_.frame(), held->heads.data(), held->size, thread);
  }

  /// Returns what was refused.
  std::uint64_t do_timed(Pfns pfns, unsigned thread, std::optional<LimitHeld>& held) {
    if (held) return mix_(pins_.frame(), pfns.data(), pfns.size(), thread, *held);
    switch (settings_.loop) {
      case CostLoop::kScheme: return do_scheme(settings_.op, pfns, thread);
      case CostLoop::kLimit: return do_limit(limit_, settings_.op, pfns, thread);
      case CostLoop::kNone: return do_nothing(pfns);
    }
    return 0;
  }

  std::uint64_t draw_and_do(unsigned thread, std::size_t size, std::optional<LimitHeld>& held) {
    std::uint64_t refused = 0;
    for (std::size_t part = 0; size != 0; size -= part) {
      part = std::min(size, kDrawnAtOnce);
      const auto drawn = std::span(indices_[thread]).first(part);
      streams_[thread].fill(drawn);
      refused += do_timed(drawn, thread, held);
    }
    return refused;
  }

  void do_counterpart(Pfns pfns, unsigned thread) {
    const PinOp other = settings_.op == PinOp::kPin ? PinOp::kUnpin : PinOp::kPin;
    if (settings_.loop == CostLoop::kScheme) (void)do_scheme(other, pfns, thread);
    if (settings_.loop == CostLoop::kLimit) (void)do_limit(undo_, other, pfns, thread);
  }

  std::uint64_t do_scheme(PinOp op, Pfns pfns, unsigned shard) {
    if (pins_.ledger() != nullptr) return do_recorded(op, pfns, shard);
    const PinKernel& kernel = pins_.kernel();
    const auto batch = op == PinOp::kPin               ? kernel.try_pin_many
                       : op == PinOp::kUnpin           ? kernel.unpin_many
                       : op == PinOp::kReferencedUnpin ? kernel.pin_unpin_many
                       : op == PinOp::kMaybePinned     ? kernel.maybe_pinned_many
                       : op == PinOp::kGetPut          ? kernel.get_put_many
                                                       : kernel.try_pin_unpin_many;
    return batch(frame_, pfns.data(), pfns.size(), shard, nullptr).failed;
  }

  /// With a ledger, as the box's own calls go.
  std::uint64_t do_recorded(PinOp op, Pfns pfns, unsigned shard) {
    switch (op) {
      case PinOp::kPin: return pins_.try_pin_many(pfns, shard).failed;
      case PinOp::kUnpin: return pins_.unpin_many(pfns, shard).failed;
      case PinOp::kReferencedUnpin: return pins_.pin_unpin_many(pfns, shard).failed;
      case PinOp::kMaybePinned: return pins_.maybe_pinned_many(pfns).failed;
      case PinOp::kGetPut: return pins_.get_put_many(pfns).failed;
      default: return pins_.try_pin_unpin_many(pfns, shard).failed;
    }
  }

  std::uint64_t do_limit(LimitLoop loop, PinOp op, Pfns pfns, unsigned shard) {
    const std::uint64_t result = loop(pins_.frame(), pfns.data(), pfns.size(), shard);
    return op == PinOp::kMaybePinned ? 0 : result;
  }

  static std::uint64_t do_nothing(Pfns pfns) {
    std::uint64_t sum = 0;
    for (const std::uint32_t pfn : pfns) {
      sum += pfn;
      asm volatile("" : "+r"(sum));  // each index is consumed, one by one
    }
    return 0;
  }

  std::shared_ptr<Box> box_;
  std::unique_ptr<Pins> other_;
  Pins& pins_;
  PinFrame frame_;
  CostSettings settings_;
  std::unique_ptr<ZipfTable> zipf_;
  std::vector<PatternStream> streams_;
  std::vector<std::vector<std::uint32_t>> indices_;
  LimitLoop limit_ = nullptr, undo_ = nullptr;
  LimitMix mix_ = nullptr;
};

CostSampler::CostSampler() = default;
CostSampler::~CostSampler() = default;

Errc CostSampler::create(const CostSettings& settings, std::unique_ptr<CostSampler>& out,
                         std::string* reason) {
  CostSettings sized = settings;
  sized.box.shards = std::max(settings.box.shards, settings.threads);
  std::shared_ptr<Box> box;
  if (const Errc error = Box::create(sized.box, box, reason); error != Errc::kOk) return error;
  const std::uint64_t step = std::uint64_t{1} << settings.setup.order;
  const std::uint64_t pages = settings.box.pages / step * step;
  if (pages == 0) return explain(Errc::kInval, reason, "pages: less than one folio");
  if (const Errc error = box->setup_range(Pfn{0}, pages, settings.setup); error != Errc::kOk)
    return explain(error, reason, "setup: not in this layout, or misaligned");
  sized.box.pages = pages;
  return create_on(std::move(box), sized, out, reason);
}

Errc CostSampler::create_on(std::shared_ptr<Box> box, const CostSettings& settings,
                            std::unique_ptr<CostSampler>& out, std::string* reason) {
  if (settings.threads == 0 || settings.threads > kMaxThreads)
    return explain(Errc::kInval, reason, "threads: 1 to 256");
  switch (settings.op) {
    case PinOp::kGet:
    case PinOp::kPut:
    case PinOp::kIsolatePutback: return explain(Errc::kInval, reason, "op: has no batch kernel");
    default: break;
  }
  if (settings.draws && (settings.op == PinOp::kPin || settings.op == PinOp::kUnpin) &&
      !settings.mix)
    return explain(Errc::kInval, reason,
                   "draws: not of a pin or an unpin alone, whose other half needs the same pages");
  if (settings.mix && settings.loop != CostLoop::kLimit)
    return explain(Errc::kInval, reason,
                   "loop: pins and unpins in random order are a race's; by hand: limit");
  if (settings.box.pages == 0 || settings.box.pages > box->memmap().pages())
    return explain(Errc::kInval, reason, "pages: 1 to the pages of the box");
  std::unique_ptr<Pins> other;
  if (!(settings.box.scheme == box->settings().scheme)) {
    if (box->ledger() != nullptr)
      return explain(Errc::kInval, reason, "scheme: the ledger here is another scheme's");
    const unsigned shards = std::max(settings.box.shards, settings.threads);
    const Errc error = box->make_pins(settings.box.scheme, shards, other);
    if (error != Errc::kOk) return explain(error, reason, "scheme: not on these descriptors");
  }
  try {
    std::unique_ptr<CostSampler> sampler(new CostSampler);
    sampler->impl_ = std::make_unique<Impl>(std::move(box), std::move(other), settings);
    if (settings.loop == CostLoop::kLimit && !sampler->impl_->has_limit())
      return explain(Errc::kInval, reason, "loop: none was written for this scheme, layout and op");
    if (const Errc error = sampler->impl_->populate(); error != Errc::kOk)
      return explain(error, reason, "out of memory");
    out = std::move(sampler);
  } catch (const std::bad_alloc&) {
    return explain(Errc::kNoMem, reason, "out of memory");
  }
  return Errc::kOk;
}

Errc CostSampler::create_beside(const CostSettings& settings, std::unique_ptr<CostSampler>& out,
                                std::string* reason) const {
  CostSettings here = settings;
  here.box.pages = impl_->pages();
  // The scheme of the box was sized for its own number of threads.
  if (here.box.scheme == impl_->box()->settings().scheme &&
      here.threads > impl_->box()->settings().shards)
    return explain(Errc::kInval, reason, "threads: more than the descriptors were prepared for");
  return create_on(impl_->box(), here, out, reason);
}

Errc CostSampler::sample(std::uint64_t ops, CostSample& out) {
  try {
    return impl_->sample(ops, out);
  } catch (const std::bad_alloc&) {
    return Errc::kOutOfMemory;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
