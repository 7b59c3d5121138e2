#include "addon/explore_result_value.h"

#include "addon/audit_value.h"
#include "addon/record_value.h"

namespace pagebox::addon {
namespace {

napi_value step_value(const JsValues& js, const ExploreStep& step) {
  JsObject object(js);
  object.number("thread", step.thread)
      .text("access", step.access)
      .text("place", step.place)
      .number("noted", step.noted);
  if (step.has_values)
    object.big("before", step.before)
        .big("after", step.after)
        .text("beforeText", step.before_text)
        .text("afterText", step.after_text);
  if (!step.lock.empty()) object.text("lock", step.lock).text("lockEvent", step.lock_event);
  return object.value();
}

napi_value row_value(const JsValues& js, const ExploreFinding& finding) {
  if (finding.row.empty()) return js.null();
  AuditRow row = finding.row.front().row;
  row.place.list = finding.row.front().list;
  return audit_row_value(js, row);
}

napi_value fields_value(const JsValues& js, const PageFields& page) {
  return JsObject(js)
      .text("place", page.place)
      .set("values", js.list(page.values,
                             [&](const PageFields::Value& each) {
                               return each.is_there ? js.big(each.value) : js.null();
                             }))
      .set("signed",
           js.list(page.values,
                   [&](const PageFields::Value& each) { return js.boolean(each.is_signed); }))
      .value();
}

napi_value seen_value(const JsValues& js, const ExploreSeen& seen) {
  const auto records = [&](const std::vector<OpRecord>& list) {
    return js.list(list, [&](const OpRecord& each) { return record_value(js, each); });
  };
  return JsObject(js)
      .set("threads", js.list(seen.results.threads, records))
      .set("after", records(seen.results.after))
      .set("fields", js.list(seen.results.fields,
                             [&](const PageFields& page) { return fields_value(js, page); }))
      .number("count", seen.schedules)
      .number("run", seen.run)
      .number("program", seen.program)
      .set("choices",
           js.list(seen.choices, [&](std::uint64_t choice) { return js.number(choice); }))
      .value();
}

napi_value finding_value(const JsValues& js, const ExploreFinding& finding) {
  return JsObject(js)
      .number("run", finding.run)
      .number("program", finding.program)
      .big("scheduleHash", finding.schedule_hash)
      .text("outcome", finding.outcome)
      .text("text", finding.text)
      .text("strategy", finding.strategy)
      .set("row", row_value(js, finding))
      .set("trace", js.texts(finding.trace))
      .set("choices",
           js.list(finding.choices, [&](std::uint64_t choice) { return js.number(choice); }))
      .set("steps",
           js.list(finding.steps, [&](const ExploreStep& step) { return step_value(js, step); }))
      .number("switches", finding.switches)
      .number("skipped", finding.skipped)
      .boolean("differs", finding.differs)
      .set("setup", js.texts(finding.setup))
      .set("programThreads", js.texts(finding.program_threads))
      .value();
}

napi_value worth_value(const JsValues& js, const ExploreSummary& summary) {
  JsObject drawn(js);
  for (const ExploreCount& count : summary.drawn)
    drawn.number(count.outcome.c_str(), count.schedules);
  return JsObject(js)
      .set("drawn", drawn.value())
      .number("fibers", summary.fibers)
      .number("steps", summary.fiber_steps)
      .number("programs", summary.programs)
      .value();
}

}  // namespace

napi_value explored_value(const JsValues& js, const Explored& explored, double seconds) {
  JsObject outcomes(js);
  for (const ExploreCount& count : explored.outcomes)
    outcomes.number(count.outcome.c_str(), count.schedules);
  const ExploreSummary& summary = explored.summary;
  return JsObject(js)
      .number("schedules", summary.schedules)
      .number("abandoned", summary.abandoned)
      .number("distinct", summary.distinct)
      .number("steps", summary.steps)
      .number("ops", summary.ops)
      .big("hash", summary.hash)
      .boolean("complete", summary.complete)
      .number("classes", summary.classes)
      .number("estimate", summary.estimate)
      .number("explored", summary.explored)
      .number("bound", summary.has_bound ? static_cast<double>(summary.bound) : -1.0)
      .text("guarantee", summary.guarantee)
      .number("missedAtMost", summary.missed_at_most)
      .boolean("gaveUp", summary.gave_up)
      .boolean("memoryFull", summary.memory_full)
      .number("programs", summary.begun_programs)
      .number("allPrograms", summary.all_programs)
      .number("completePrograms", summary.complete_programs)
      .number("violatedPrograms", summary.violated_programs)
      .number("largest", summary.largest)
      .number("seconds", seconds)
      .set("outcomes", outcomes.value())
      .set("seen",
           js.list(explored.seen, [&](const ExploreSeen& each) { return seen_value(js, each); }))
      .boolean("seenFull", summary.seen_full)
      .set("worth", worth_value(js, summary))
      .set("hashes", js.list(summary.hashes, [&](std::uint64_t each) { return js.big(each); }))
      .set("first", js.list(explored.first,
                            [&](const ExploreFinding& each) { return finding_value(js, each); }))
      .value();
}

}  // namespace pagebox::addon
