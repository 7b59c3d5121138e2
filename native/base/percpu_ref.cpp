#include "base/percpu_ref.h"

namespace pagebox::inline PAGEBOX_ENV {

void PercpuRef::kill() {
  std::int64_t held = 0;
  for (Shard& shard : shards_) {
    // What the shard held is moved at the moment it stops counting: no reference
    // is counted twice or not at all.
    held += static_cast<std::int64_t>(shard.word.fetch_or(kDying) - kOffset);
  }
  dying_.fetch_add(held);
  drop(static_cast<std::int64_t>(kOffset) + 1);  // the offset and the initial reference
}

std::int64_t PercpuRef::count() const {
  if (is_dying()) return dying_.load();
  std::int64_t held = 1;
  for (const Shard& shard : shards_) {
    held += static_cast<std::int64_t>(shard.word.load() - kOffset);
  }
  return held;
}

void PercpuRef::reinit() {
  for (Shard& shard : shards_) shard.word.store(kOffset);
  dying_.store(static_cast<std::int64_t>(kOffset) + 1);
  zero_.reinit();
}

}  // namespace pagebox::inline PAGEBOX_ENV
