// What a scenario expects of its operations: the first that comes otherwise is a row of the audit.
#include <algorithm>
#include <string>

#include "engine/scenario/interpreter.h"
#include "engine/scenario/op_text.h"

namespace pagebox::inline PAGEBOX_ENV {

OpRecord Interpreter::checked(const Op& op, OpRecord result) {
  if ((op.must || op.has_expect) && !broken_) compare(op, result);
  return result;
}

void Interpreter::compare(const Op& op, const OpRecord& record) {
  const auto is_signal = [](FaultResult each) { return each != FaultResult::kOk; };
  if (op.must) {
    const auto signal = std::ranges::find_if(record.signals, is_signal);
    if (record.ret != Errc::kOk)
      broken_ = {op, 0, static_cast<std::uint64_t>(record.ret), true};
    else if (signal != record.signals.end())
      broken_ = {op, 0, static_cast<std::uint64_t>(*signal), true};
    if (broken_) return;
  }
  if (!op.has_expect) return;
  for (std::size_t i = 0; i < record.v.size(); ++i) {
    if (i < record.signals.size() && is_signal(record.signals[i])) continue;
    if (record.v[i] == op.expect + i) continue;
    broken_ = {op, op.expect + i, record.v[i], false};
    return;
  }
}

void Interpreter::tell_broken(AuditSink& sink) const {
  if (!broken_) return;
  const Op& op = broken_->op;
  sink.add(Invariant::kAsExpected, AuditPlace::nowhere(), broken_->is_error ? "ret" : "v",
           broken_->expected, broken_->found, [&] {
             return thread_ == 0 ? op_text(op)
                                 : "thread " + std::to_string(thread_) + ", " + op_text(op);
           });
}

}  // namespace pagebox::inline PAGEBOX_ENV
