#include "explore/verdict.h"

#include <algorithm>
#include <cstring>

#include "base/model/leaks.h"
#include "base/model/run_memory.h"
#include "base/rng.h"
#include "engine/scenario/in_order.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/op_text.h"
#include "explore/page_fields.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Of pages in use: a free one may still hold what freed it, callbacks' addresses
/// among that, which differ from process to process.
std::uint64_t hash_words(const Memmap& memmap) {
  std::uint64_t hash = 0;
  for (Pfn pfn; pfn.value < memmap.capacity(); pfn.value += 1) {
    const Page page = memmap.page(pfn);
    if (page.refcount() <= 0) continue;
    const std::size_t stride = memmap.shape().stride_bytes;
    for (std::size_t at = 0; at < stride; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, page.at() + at, std::min<std::size_t>(8, stride - at));
      hash = add_to_hash(hash, word);
    }
  }
  return hash;
}

}  // namespace

std::uint64_t hash_record(std::uint64_t hash, const OpRecord& record) {
  const bool counts = (record.pages | record.bytes | record.cpages | record.faults) != 0;
  hash = add_to_hash(hash, std::uint64_t{record.keys} << 32 |
                               static_cast<std::uint64_t>(record.ret) << 2 |
                               (record.fault ? 2 : 0) | (counts ? 1 : 0));
  if (counts)
    for (const std::uint64_t count : {record.pages, record.bytes, record.cpages, record.faults})
      hash = add_to_hash(hash, count);
  for (const std::uint64_t word : record.v) hash = add_to_hash(hash, word);
  for (const FaultResult signal : record.signals)
    hash = add_to_hash(hash, static_cast<std::uint64_t>(signal));
  for (const std::uint8_t code : record.prot) hash = add_to_hash(hash, code);
  for (const PagemapEntry& entry : record.entries)
    hash = add_to_hash(hash, static_cast<std::uint64_t>(entry.state) << 32 | entry.mapcount);
  return hash;
}

/// The strings are not the machine's: they outlive it.
Verdict judge(Sandbox& sandbox, const ExploreSettings& settings, std::vector<std::string>* trace) {
  Verdict verdict;
  if (settings.scenario != nullptr && !settings.scenario->after.empty())
    run_after(sandbox, *settings.scenario, settings.workload_seed,
              *static_cast<LivelockWatch*>(active_patience),
              [&](const Op& op, std::size_t, OpRecord&& record) {
                verdict.words = hash_record(verdict.words, record);
                const OutsideRunMemory outside;
                if ((settings.outcomes & kOfAfter) != 0) verdict.after.push_back(OpRecord(record));
                if (trace != nullptr && trace->size() < kMostNotes)
                  trace->push_back("after: " + op_text(op) + " " + result_text(record));
              });
  if (settings.outcomes != 0 && !settings.fields.empty()) {
    const OutsideRunMemory outside;
    verdict.fields = fields_of(sandbox, settings.fields);
  }
  AuditReport audit = sandbox.audit();
  verdict.words = add_to_hash(verdict.words, hash_words(sandbox.box().memmap()));
  const bool alive = !audit.clean();
  sandbox.finish();
  if (!alive) audit = sandbox.audit();
  if (!audit.clean()) {
    const OutsideRunMemory outside;
    const AuditRow& row = audit.rows.front();
    verdict.outcome = Outcome::kViolation;
    verdict.text = row_text(row) + (alive ? "" : ", when all had exited");
    // Copied as what lies outside of the machine's memory.
    verdict.row = AuditRow{
        row.invariant, row.place, std::string(row.field.data(), row.field.size()),
        row.expected,  row.found, std::string(row.explanation.data(), row.explanation.size())};
    return verdict;
  }
  const std::string leaks = sandbox.leaks();
  if (leaks.empty()) return verdict;
  const OutsideRunMemory outside;
  verdict.outcome = Outcome::kLeak;
  verdict.text.assign(leaks.data(), leaks.size());
  return verdict;
}

}  // namespace pagebox::inline PAGEBOX_ENV
