#include "engine/scenario/explore_messages.h"

#include "base/bytes_io.h"
#include "engine/scenario/op_row.h"
#include "page/behaviour.h"
#include "page/flag.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

// Another number with each change of what follows.
constexpr std::uint64_t kVersion = 9;
constexpr std::uint64_t kMagic = 0x78'6f'62'65'67'61'70;  // "pagebox"

enum class Kind : std::uint64_t {
  kRequest = 1,
  kFinding,
  kCount,
  kSummary,
  kText,
  kResults,
  kSeen
};

template <class Io, class T>
void flag_place(Io& io, const char* name, T& flag) {
  io.signed_number(name, flag.word);
  io.signed_number(name, flag.bit);
  io.text(name, flag.field);
}

template <class Io, class T>
void scheme_fields(Io& io, T& scheme) {
  io.text("scheme.name", scheme.name);
  io.text("scheme.summary", scheme.summary);
  io.text("scheme.source", scheme.source);
  io.number("scheme.protocol", scheme.protocol, kProtocols - 1);
  io.number("scheme.place", scheme.place, kCountPlaces - 1);
  io.number("scheme.count_word", scheme.count_word);
  io.number("scheme.count_shift", scheme.count_shift);
  io.number("scheme.count_bits", scheme.count_bits);
  io.text("scheme.count_field", scheme.count_field);
  io.number("scheme.count_in_free_bits", scheme.count_in_free_bits, 1);
  io.number("scheme.packed_bits", scheme.packed_bits);
  io.number("scheme.at_limit", scheme.at_limit, kAtLimitNames.size() - 1);
  io.list("scheme.states", scheme.states, [](auto& each, auto& state) {
    each.text("scheme.states.name", state.name);
    flag_place(each, "scheme.states.place", state.place);
    each.number("scheme.states.sets", state.sets.bits);
    each.number("scheme.states.clears", state.clears.bits);
  });
  flag_place(io, "scheme.pinned", scheme.pinned);
  flag_place(io, "scheme.was_lru", scheme.was_lru);
  io.number("scheme.refs_per_pin", scheme.refs_per_pin);
  io.number("scheme.max_pins", scheme.max_pins);
  io.number("scheme.answer", scheme.answer, kPinAnswerNames.size() - 1);
  io.text("scheme.false_positives", scheme.false_positives);
  io.text("scheme.locks", scheme.locks);
  io.number("scheme.min_word_bytes", scheme.min_word_bytes);
  io.number("scheme.types", scheme.types.bits);
  io.number("scheme.effects", scheme.effects.bits);
  io.number("scheme.quirks", scheme.quirks.bits);
}

template <class Io, class T>
void layout_fields(Io& io, T& layout) {
  io.text("layout.name", layout.name);
  io.text("layout.summary", layout.summary);
  io.number("layout.word_bytes", layout.word_bytes, 8);
  io.number("layout.stride_bytes", layout.stride_bytes);
  auto& kconfig = layout.kconfig;
  io.text("layout.kconfig", kconfig.name);
  io.number("layout.kconfig.section_bits", kconfig.section_bits);
  io.number("layout.kconfig.node_bits", kconfig.node_bits);
  io.number("layout.kconfig.zone_bits", kconfig.zone_bits);
  io.number("layout.kconfig.last_cpupid_bits", kconfig.last_cpupid_bits);
  io.number("layout.kconfig.lru_gen_bits", kconfig.lru_gen_bits);
  io.number("layout.kconfig.memcg", kconfig.memcg, 1);
  io.number("layout.kconfig.lru_refs_bits", kconfig.lru_refs_bits);
  io.number("layout.kconfig.align_bytes", kconfig.align_bytes);
  io.number("layout.kconfig.kasan_tag_bits", kconfig.kasan_tag_bits);
  io.number("layout.kconfig.zone_normal", kconfig.zone_normal);
  io.number("layout.kconfig.zone_device", kconfig.zone_device);
  auto& era = layout.era;
  io.text("layout.era", era.kernel);
  io.number("layout.era.rules", era.rules.bits);
  io.number("layout.era.buddy_type", era.buddy_type);
  io.number("layout.era.table_type", era.table_type);
  io.number("layout.era.slab_type", era.slab_type);
  io.number("layout.era.hugetlb_type", era.hugetlb_type);
  io.number("layout.types", layout.types.bits);
  io.number("layout.compound_types", layout.compound_types.bits);
  io.list("layout.flags", layout.flags, [](auto& each, auto& flag) {
    each.number("layout.flags", flag.flag, kFlagNames.size() - 1);
    each.number("layout.flags", flag.bit);
  });
  io.list("layout.other_flags", layout.other_flags, [](auto& each, auto& flag) {
    each.text("layout.other_flags", flag.name);
    each.number("layout.other_flags", flag.bit);
  });
  io.number("layout.anon_exclusive_flag", layout.anon_exclusive_flag, kFlagNames.size() - 1);
  io.number("layout.compound_head", layout.compound_head,
            static_cast<unsigned>(CompoundHead::kMask));
  io.number("layout.byte_order", layout.byte_order, static_cast<unsigned>(ByteOrder::kBig));
  io.list("layout.fields", layout.fields, [](auto& each, auto& field) {
    each.text("layout.fields.name", field.name);
    each.number("layout.fields.offset_bytes", field.offset_bytes);
    each.number("layout.fields.shift", field.shift);
    each.number("layout.fields.bits", field.bits);
    each.number("layout.fields.kind", field.kind, static_cast<unsigned>(FieldKind::kConstant));
    each.number("layout.fields.types", field.types.bits);
    each.text("layout.fields.meaning", field.meaning);
    each.number("layout.fields.contested", field.contested, 1);
    each.number("layout.fields.object", field.object, kObjectKinds - 1);
  });
  io.number("layout.pincount.tail", layout.pincount.tail);
  io.number("layout.pincount.offset_bytes", layout.pincount.offset_bytes);
  io.number("layout.pincount.min_order", layout.pincount.min_order);
  io.number("layout.pincount.shift", layout.pincount.shift);
  io.number("layout.pincount.bits", layout.pincount.bits);
  io.number("layout.mapcount_offset", layout.mapcount_offset);
  io.number("layout.refcount_offset", layout.refcount_offset);
  io.number("layout.counter_offset", layout.counter_offset);
  io.number("layout.order_offset", layout.order_offset);
}

template <class Io, class T>
void rows(Io& io, const char* name, T& numbers) {
  io.list(name, numbers, [name](auto& each, auto& number) { each.real(name, number); });
}

template <class Io, class T>
void texts(Io& io, const char* name, T& values) {
  io.list(name, values, [name](auto& each, auto& value) { each.text(name, value); });
}

template <class Io, class T>
void bounded(Io& io, T& value, const ExploreLimit& limit) {
  io.number(limit.name, value, limit.max);
}

template <class Io, class T>
void behaviour_fields(Io& io, T& behaviour) {
  // No rules: the layout's.
  bool has_rules = behaviour.rules.has_value();
  KernelRules rules = behaviour.rules.value_or(KernelRules{});
  io.number("behaviour.rules", has_rules, 1);
  io.number("behaviour.rules", rules.bits);
  io.number("behaviour.quirks", behaviour.quirks.bits);
  io.number("behaviour.options", behaviour.options.bits);
  if constexpr (!std::is_const_v<T>)
    behaviour.rules = has_rules ? std::optional(rules) : std::nullopt;
}

template <class Io, class T>
void request_fields(Io& io, T& request) {
  namespace limits = explore_limits;
  layout_fields(io, request.layout);
  scheme_fields(io, request.scheme);
  behaviour_fields(io, request.behaviour);
  io.number("what", request.what, static_cast<unsigned>(ExploreWhat::kRandom));
  rows(io, "setup", request.setup);
  io.list("threads", request.threads,
          [](auto& each, auto& thread) { rows(each, "threads", thread); });
  rows(io, "after", request.after);
  io.number("hugePages", request.huge_pages, 1);
  io.number("outcomes", request.outcomes, kAllOutcomesOf);
  texts(io, "fields", request.fields);
  bounded(io, request.thread_count, limits::kThreads);
  bounded(io, request.ops, limits::kOps);
  io.list("mixes", request.mixes, [](auto& each, auto& mix) {
    each.list("mixes", mix.weights, [](auto& of, auto& weight) { of.number("mixes", weight); });
  });
  io.number("processes", request.random.processes, kMaxSharedProcesses);
  io.number("buffers", request.random.buffers, kMaxRandomBuffers);
  io.number("pagesEach", request.random.pages, kMaxRandomPages);
  io.number("failing", request.random.failing, kAllFail);
  bounded(io, request.random.folios, limits::kPinFolios);
  bounded(io, request.random.order, limits::kPinOrder);
  io.number("pages", request.pages);
  io.text("strategy", request.strategy);
  io.number("bounded", request.bounded, 1);
  bounded(io, request.bound, limits::kBound);
  bounded(io, request.depth, limits::kDepth);
  io.number("seed", request.seed);
  io.number("workloadSeed", request.workload_seed);
  io.number("schedulesEach", request.schedules_each);
  bounded(io, request.schedules, limits::kSchedules);
  bounded(io, request.first_run, limits::kRun);
  bounded(io, request.max_steps, limits::kSteps);
  bounded(io, request.most_findings, limits::kFindings);
  bounded(io, request.memory_bytes, limits::kMemory);
  io.number("restore", request.restore, 1);
  io.number("steps", request.steps, 1);
  io.number("task", request.task, static_cast<unsigned>(ExploreTask::kPrograms));
  io.list("choices", request.choices,
          [](auto& each, auto& choice) { each.number("choices", choice); });
  io.list("programOps", request.program_ops,
          [](auto& each, auto& code) { each.number("programOps", code, kOpCodes - 1); });
  io.number("shard", request.shard, limits::kShards.max);
  io.number("shards", request.shards, limits::kShards.max);
  io.number("tellHashes", request.tell_hashes, 1);
}

template <class Io, class T>
void finding_fields(Io& io, T& finding) {
  io.number("run", finding.run);
  io.number("program", finding.program);
  io.number("scheduleHash", finding.schedule_hash);
  io.text("outcome", finding.outcome);
  io.text("text", finding.text);
  io.text("strategy", finding.strategy);
  io.list("row", finding.row, [](auto& each, auto& of) {
    each.number("row.invariant", of.row.invariant, kInvariants - 1);
    each.number("row.place", of.row.place.kind, kPlaceKindNames.size() - 1);
    each.number("row.at", of.row.place.at);
    each.number("row.process", of.row.place.process);
    each.text("row.list", of.list);
    each.text("row.field", of.row.field);
    each.number("row.expected", of.row.expected);
    each.number("row.found", of.row.found);
    each.text("row.explanation", of.row.explanation);
  });
  texts(io, "trace", finding.trace);
  io.list("choices", finding.choices,
          [](auto& each, auto& choice) { each.number("choices", choice); });
  io.list("steps", finding.steps, [](auto& each, auto& step) {
    each.number("steps.thread", step.thread);
    each.text("steps.access", step.access);
    each.text("steps.place", step.place);
    each.number("steps.has_values", step.has_values, 1);
    each.number("steps.before", step.before);
    each.number("steps.after", step.after);
    each.text("steps.before_text", step.before_text);
    each.text("steps.after_text", step.after_text);
    each.text("steps.lock", step.lock);
    each.text("steps.lock_event", step.lock_event);
    each.number("steps.noted", step.noted);
  });
  io.number("switches", finding.switches);
  io.number("skipped", finding.skipped);
  io.number("differs", finding.differs, 1);
  texts(io, "setup", finding.setup);
  texts(io, "programThreads", finding.program_threads);
}

template <class Io, class T>
void count_fields(Io& io, T& count) {
  io.text("outcome", count.outcome);
  io.number("schedules", count.schedules);
}

template <class Io, class T>
void summary_fields(Io& io, T& summary) {
  io.number("schedules", summary.schedules);
  io.number("abandoned", summary.abandoned);
  io.number("distinct", summary.distinct);
  io.number("steps", summary.steps);
  io.number("ops", summary.ops);
  io.number("hash", summary.hash);
  io.number("complete", summary.complete, 1);
  io.number("gaveUp", summary.gave_up, 1);
  io.number("memoryFull", summary.memory_full, 1);
  io.number("seenFull", summary.seen_full, 1);
  io.number("restored", summary.restored, 1);
  io.number("classes", summary.classes);
  io.real("estimate", summary.estimate);
  io.real("explored", summary.explored);
  io.number("hasBound", summary.has_bound, 1);
  io.number("bound", summary.bound);
  io.text("guarantee", summary.guarantee);
  io.real("missedAtMost", summary.missed_at_most);
  io.number("begunPrograms", summary.begun_programs);
  io.number("allPrograms", summary.all_programs);
  io.number("completePrograms", summary.complete_programs);
  io.number("violatedPrograms", summary.violated_programs);
  io.number("largest", summary.largest);
  io.list("drawn", summary.drawn, [](auto& each, auto& count) { count_fields(each, count); });
  io.number("fibers", summary.fibers);
  io.number("fiberSteps", summary.fiber_steps);
  io.number("programs", summary.programs);
  io.list("hashes", summary.hashes, [](auto& each, auto& hash) { each.number("hashes", hash); });
}

/// Where a page lies is no part of it.
template <class Io, class T>
void record_fields(Io& io, T& record) {
  io.number("record.keys", record.keys);
  io.number("record.supported", record.supported, 1);
  io.number("record.fault", record.fault, 1);
  io.number("record.ret", record.ret);
  io.number("record.pages", record.pages);
  io.number("record.bytes", record.bytes);
  io.number("record.cpages", record.cpages);
  io.number("record.faults", record.faults);
  io.list("record.v", record.v, [](auto& each, auto& word) { each.number("record.v", word); });
  io.list("record.signals", record.signals, [](auto& each, auto& signal) {
    each.number("record.signals", signal, static_cast<unsigned>(FaultResult::kOom));
  });
  io.list("record.entries", record.entries, [](auto& each, auto& entry) {
    each.number("entries.state", entry.state, kPagemapStateNames.size() - 1);
    each.number("entries.soft_dirty", entry.soft_dirty, 1);
    each.number("entries.exclusive", entry.exclusive, 1);
    each.number("entries.file", entry.file, 1);
    each.number("entries.uffd_wp", entry.uffd_wp, 1);
    each.number("entries.has_mapcount", entry.has_mapcount, 1);
    each.number("entries.mapcount", entry.mapcount);
    each.number("entries.has_flags", entry.has_flags, 1);
    each.number("entries.flags", entry.flags);
  });
  io.list("record.prot", record.prot, [](auto& each, auto& code) { each.number("prot", code); });
}

template <class Io, class T>
void results_fields(Io& io, T& results) {
  io.list("results.threads", results.threads, [](auto& each, auto& thread) {
    each.list("results.threads", thread, [](auto& of, auto& record) { record_fields(of, record); });
  });
  io.list("results.after", results.after,
          [](auto& each, auto& record) { record_fields(each, record); });
  io.list("results.fields", results.fields, [](auto& each, auto& page) {
    each.text("fields.place", page.place);
    each.list("fields.values", page.values, [](auto& of, auto& value) {
      of.number("fields.isThere", value.is_there, 1);
      of.number("fields.isSigned", value.is_signed, 1);
      of.number("fields.value", value.value);
    });
  });
}

template <class Io, class T>
void seen_fields(Io& io, T& seen) {
  results_fields(io, seen.results);
  io.number("seen.schedules", seen.schedules);
  io.number("seen.run", seen.run);
  io.number("seen.program", seen.program);
  io.list("seen.choices", seen.choices,
          [](auto& each, auto& choice) { each.number("seen.choices", choice); });
}

template <class T, class Fields>
std::vector<std::byte> write(Kind kind, const T& value, Fields fields) {
  BytesWriter io;
  io.number("magic", kMagic);
  io.number("version", kVersion);
  io.number("kind", kind);
  // The other half may be of another build: it refuses rows of another length.
  io.number("slots", kOpSlots.size());
  fields(io, value);
  return io.take();
}

template <class T, class Fields>
Errc read(Kind kind, std::span<const std::byte> bytes, T& out, std::string& why, Fields fields) {
  BytesReader io(bytes);
  const auto same = [&io](const char* name, std::uint64_t expected) {
    std::uint64_t found = 0;
    io.number(name, found);
    if (io.ok() && found != expected)
      io.fail(name, std::to_string(found) + ", not " + std::to_string(expected));
  };
  same("magic", kMagic);
  same("version", kVersion);
  same("kind", static_cast<std::uint64_t>(kind));
  same("slots", kOpSlots.size());
  out = T{};
  fields(io, out);
  io.end();
  why = io.why();
  return io.ok() ? Errc::kOk : Errc::kInval;
}

constexpr auto kRequestFields = [](auto& io, auto& value) { request_fields(io, value); };
constexpr auto kFindingFields = [](auto& io, auto& value) { finding_fields(io, value); };
constexpr auto kCountFields = [](auto& io, auto& value) { count_fields(io, value); };
constexpr auto kResultsFields = [](auto& io, auto& value) { results_fields(io, value); };
constexpr auto kSeenFields = [](auto& io, auto& value) { seen_fields(io, value); };
constexpr auto kSummaryFields = [](auto& io, auto& value) { summary_fields(io, value); };
constexpr auto kTextFields = [](auto& io, auto& value) { io.text("text", value); };

}  // namespace

std::vector<std::byte> write_message(const ExploreRequest& request) {
  return write(Kind::kRequest, request, kRequestFields);
}
std::vector<std::byte> write_message(const ExploreFinding& finding) {
  return write(Kind::kFinding, finding, kFindingFields);
}
std::vector<std::byte> write_message(const ExploreCount& count) {
  return write(Kind::kCount, count, kCountFields);
}
std::vector<std::byte> write_message(const ExploreSummary& summary) {
  return write(Kind::kSummary, summary, kSummaryFields);
}
std::vector<std::byte> write_message(const ExploreResults& results) {
  return write(Kind::kResults, results, kResultsFields);
}
std::vector<std::byte> write_message(const ExploreSeen& seen) {
  return write(Kind::kSeen, seen, kSeenFields);
}
std::vector<std::byte> write_message(const std::string& text) {
  return write(Kind::kText, text, kTextFields);
}

Errc read_message(std::span<const std::byte> bytes, ExploreRequest& out, std::string& why) {
  return read(Kind::kRequest, bytes, out, why, kRequestFields);
}
Errc read_message(std::span<const std::byte> bytes, ExploreFinding& out, std::string& why) {
  return read(Kind::kFinding, bytes, out, why, kFindingFields);
}
Errc read_message(std::span<const std::byte> bytes, ExploreCount& out, std::string& why) {
  return read(Kind::kCount, bytes, out, why, kCountFields);
}
Errc read_message(std::span<const std::byte> bytes, ExploreSummary& out, std::string& why) {
  return read(Kind::kSummary, bytes, out, why, kSummaryFields);
}
Errc read_message(std::span<const std::byte> bytes, ExploreResults& out, std::string& why) {
  return read(Kind::kResults, bytes, out, why, kResultsFields);
}
Errc read_message(std::span<const std::byte> bytes, ExploreSeen& out, std::string& why) {
  return read(Kind::kSeen, bytes, out, why, kSeenFields);
}
Errc read_message(std::span<const std::byte> bytes, std::string& out, std::string& why) {
  return read(Kind::kText, bytes, out, why, kTextFields);
}

}  // namespace pagebox::inline PAGEBOX_ENV
