// Where a thread of a scenario gets its operations from: a list that was written
// down, or a generator.
#pragma once

#include "engine/scenario/page_thread.h"

namespace pagebox::inline PAGEBOX_ENV {

class OpSource {
 public:
  virtual ~OpSource() = default;
  /// The next operation, barriers among them; false: the thread is done.
  virtual bool next(Op& op) = 0;
  /// For who can execute them: steps on pages that come next and whose results nobody
  /// asks for one by one, `limit` at most. Empty: next() has what comes.
  virtual void next_chunk(PageChunk& chunk, std::size_t /*limit*/) { chunk.size = 0; }
  /// What came of it.
  virtual void done(const Op& /*op*/, const OpRecord& /*record*/) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
