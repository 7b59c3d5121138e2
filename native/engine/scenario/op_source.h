// Where a thread of a scenario gets its operations from: a list that was written
// down, or a generator.
#pragma once

#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

class OpSource {
 public:
  virtual ~OpSource() = default;
  /// The next operation, barriers among them; false: the thread is done.
  virtual bool next(Op& op) = 0;
  /// What came of it.
  virtual void done(const Op& /*op*/, const OpRecord& /*record*/) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
