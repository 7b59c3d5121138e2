// Runs recorded scenarios and writes them with our results, in the recordings'
// own format, for any comparer to judge:
//   conform IN.jsonl OUT.jsonl [--scheme NAME] [--only NAME]
// IN is uncompressed, one scenario a line.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "engine/box/sandbox.h"
#include "pins/registry.h"
#include "tools/json.h"

using namespace pagebox;  // NOLINT: a program of its own

namespace {

template <std::size_t N>
std::uint8_t index_of(const std::array<std::string_view, N>& names, const std::string& name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return static_cast<std::uint8_t>(i);
  std::cerr << "unknown word: " << name << "\n";
  std::exit(2);
}

class OpReader {
 public:
  Op read(const Json& json) {
    Op op;
    const std::string& name = json.at("op").text;
    for (unsigned i = 0; i < kOpCodes; ++i)
      if (kOpTable[i].name == name) op.code = static_cast<OpCode>(i);
    op.proc = proc(json.text_or("proc", "p"));
    op.child = proc(json.text_or("child", "p"));
    op.buf = letter(json.text_or("buf", "a"));
    op.to = letter(json.text_or("to", "a"));
    op.has_page = json.has("page");
    op.has_n = json.has("n");
    op.has_fill = json.has("fill");
    op.page = json.number_or("page", 0);
    op.n = json.number_or("n", 0);
    op.pages = json.number_or("pages", 0);
    op.fpage = json.number_or("fpage", 0);
    op.value = json.number_or("value", 0);
    op.fill = json.number_or("fill", 0);
    op.dev = static_cast<std::uint8_t>(json.number_or("dev", 0));
    op.file = static_cast<std::uint8_t>(json.number_or("file", 0));
    op.id = static_cast<std::int64_t>(json.number_or("id", 0));
    op.write = json.number_or("write", 0) != 0;
    op.fast = json.number_or("fast", 0) != 0;
    op.longterm = json.number_or("longterm", 0) != 0;
    const std::string prot = json.text_or("prot", "");
    if (prot.find('r') != std::string::npos) op.prot |= kProtRead;
    if (prot.find('w') != std::string::npos) op.prot |= kProtWrite;
    if (json.has("kind"))
      op.kind = static_cast<MapKind>(index_of(kMapKindNames, json.at("kind").text));
    if (json.has("advice"))
      op.advice = static_cast<Advice>(index_of(kAdviceNames, json.at("advice").text));
    if (json.has("mode"))
      op.mode = static_cast<GupMode>(index_of(kGupModeNames, json.at("mode").text));
    if (json.has("via")) op.via = static_cast<PinVia>(index_of(kPinViaNames, json.at("via").text));
    return op;
  }

 private:
  static std::uint8_t letter(const std::string& name) {
    return static_cast<std::uint8_t>(name[0] - 'a');
  }
  std::uint32_t proc(const std::string& name) {
    if (name == "p") return 0;
    return procs_.emplace(name, static_cast<std::uint32_t>(procs_.size() + 1)).first->second;
  }
  std::map<std::string, std::uint32_t> procs_;
};

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string signal_name(FaultResult result) {
  return result == FaultResult::kSigbus ? "\"SIGBUS\"" : "\"SIGSEGV\"";
}

std::string ret_text(const OpRecord& result) {
  if (result.fault) return "\"fault\"";
  if (result.ret == Errc::kOk) return "\"ok\"";
  if (static_cast<int>(result.ret) == 29) return "\"E29\"";  // the recordings' driver has no name
  return quoted(errc_name(result.ret));
}

std::string entry_text(const PagemapEntry& entry) {
  std::string out = "{\"st\":" + quoted(kPagemapStateNames[static_cast<unsigned>(entry.state)]);
  if (entry.state != PagemapState::kNone) {
    out += std::string(",\"ex\":") + (entry.exclusive ? "1" : "0");
    out += std::string(",\"file\":") + (entry.file ? "1" : "0");
  }
  out += std::string(",\"sd\":") + (entry.soft_dirty ? "1" : "0");
  if (entry.uffd_wp) out += ",\"wp\":1";
  if (entry.has_mapcount) out += ",\"mc\":" + std::to_string(entry.mapcount);
  if (entry.has_flags) {
    std::string flags;
    for (unsigned bit = 0; bit < kKpageFlagNames.size(); ++bit)
      if ((entry.flags >> bit & 1) != 0)
        flags += (flags.empty() ? "" : "|") + std::string(kKpageFlagNames[bit]);
    out += ",\"kf\":" + quoted(flags);
  }
  return out + "}";
}

std::string snapshot_text(std::uint8_t code) {
  if (code == kSnapError) return "\"ERROR\"";
  if (code == kSnapNone) return "\"NONE\"";
  std::string place;
  if ((code & kSnapPmd) != 0) place = "PMD|";
  switch (code & 0xf0) {
    case kSnapZero: place = "ZERO|"; break;
    case kSnapPrivateLocal: place = "PRIV_LOCAL|"; break;
    case kSnapPrivateRemote: place = "PRIV_REMOTE|"; break;
    case kSnapCoherentLocal: place = "COH_LOCAL|"; break;
    case kSnapCoherentRemote: place = "COH_REMOTE|"; break;
    default: break;
  }
  return quoted(place + ((code & kSnapWrite) != 0 ? "W" : "R"));
}

template <class List, class Fn>
std::string list_text(const List& list, Fn&& fn) {
  std::string out = "[";
  for (std::size_t i = 0; i < list.size(); ++i) out += (i > 0 ? "," : "") + fn(i);
  return out + "]";
}

std::string result_text(const OpRecord& result) {
  if (!result.supported) return "{\"unsupported\":1}";
  std::string out = "{";
  const auto key = [&](std::string_view name, const std::string& value) {
    out += (out.size() > 1 ? "," : "") + quoted(name) + ":" + value;
  };
  if ((result.keys & kKeyRet) != 0) key("ret", ret_text(result));
  if ((result.keys & kKeySt) != 0)
    key("st", list_text(result.signals, [&](std::size_t i) {
          return result.signals[i] == FaultResult::kOk ? "\"ok\"" : signal_name(result.signals[i]);
        }));
  if ((result.keys & kKeyPages) != 0) key("pages", std::to_string(result.pages));
  if ((result.keys & kKeyBytes) != 0) key("bytes", std::to_string(result.bytes));
  if ((result.keys & kKeyCpages) != 0) key("cpages", std::to_string(result.cpages));
  if ((result.keys & kKeyFaults) != 0) key("faults", std::to_string(result.faults));
  if ((result.keys & kKeyProt) != 0)
    key("prot",
        list_text(result.prot, [&](std::size_t i) { return snapshot_text(result.prot[i]); }));
  if ((result.keys & kKeyV) != 0)
    key("v", list_text(result.v, [&](std::size_t i) {
          const bool signal = i < result.signals.size() && result.signals[i] != FaultResult::kOk;
          return signal ? signal_name(result.signals[i]) : std::to_string(result.v[i]);
        }));
  if ((result.keys & kKeyEntries) != 0)
    key("pages",
        list_text(result.entries, [&](std::size_t i) { return entry_text(result.entries[i]); }));
  return out + "}";
}

/// As progress_of(), of a recorded result.
double progress(const Json& result) {
  if (!result.has("ret")) return std::nan("");
  if (result.at("ret").text != "ok") return -1;
  for (const char* key : {"pages", "bytes", "cpages"})
    if (result.has(key)) return static_cast<double>(result.number_or(key, 0));
  return 0;
}

std::string effect_names(PinEffectSet set) {
  std::string out = "[";
  for (unsigned i = 0; i < kPinEffects; ++i)
    if (set.has(static_cast<PinEffect>(i)))
      out += (out.size() > 1 ? "," : "") + quoted(kPinEffectNames[i]);
  return out + "]";
}

/// What the scheme's declared effects touched: null, or all and page by page.
std::string effects_text(const OpEffects& effects) {
  if (effects.all.bits == 0) return "null";
  return "{\"all\":" + effect_names(effects.all) + ",\"pages\":" +
         list_text(effects.pages, [&](std::size_t i) { return effect_names(effects.pages[i]); }) +
         "}";
}

void check(Errc error) {
  if (error == Errc::kOk) return;
  std::cerr << "cannot make a machine: " << errc_name(error) << "\n";
  std::exit(3);
}

/// Prints what the audit finds; how many rows.
std::size_t audit(Sandbox& sandbox, const std::string& name) {
  const AuditReport report = sandbox.audit();
  for (const AuditRow& row : report.rows) std::cerr << name << ": " << row_text(row) << "\n";
  return report.rows_total;
}

}  // namespace

int main(int argc, char** argv) {
  std::string scheme = "refcount-bias", only;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--scheme" && i + 1 < argc)
      scheme = argv[++i];
    else if (word == "--only" && i + 1 < argc)
      only = argv[++i];
    else
      files.push_back(word);
  }
  if (files.size() != 2 || find_scheme(scheme) == nullptr) {
    std::cerr << "usage: conform IN.jsonl OUT.jsonl [--scheme NAME] [--only NAME]\n";
    return 2;
  }
  std::ifstream in(files[0]);
  std::ofstream out(files[1]);
  std::size_t findings = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    const Json scenario = parse_json(line);
    if (!only.empty() && scenario.at("name").text != only) continue;
    OpReader reader;
    std::vector<Op> ops;
    for (const Json& op : scenario.at("ops").items) ops.push_back(reader.read(op));
    SandboxSettings settings;
    settings.layout = *find_layout("linux-6.12");
    settings.scheme = *find_scheme(scheme);
    // Recordings whose kernel had huge pages on request say so by their operations.
    for (const Op& op : ops)
      if (op.code == OpCode::kMadvise && op.advice == Advice::kHugepage)
        settings.transparent_huge_pages = true;
    std::unique_ptr<Sandbox> sandbox;
    check(Sandbox::create(settings, sandbox));
    std::vector<OpEffects> effects;
    std::vector<double> recorded;
    for (const Json& result : scenario.at("results").items) recorded.push_back(progress(result));
    const std::vector<OpRecord> results = sandbox->run_all(ops, recorded, effects);
    const std::string& name = scenario.at("name").text;
    findings += audit(*sandbox, name);
    sandbox->finish();
    findings += audit(*sandbox, name + " at the end");
    out << "{\"name\":" << quoted(scenario.at("name").text) << ",\"ops\":" << scenario.at("ops").raw
        << ",\"results\":"
        << list_text(results, [&](std::size_t i) { return result_text(results[i]); })
        << ",\"effects\":"
        << list_text(effects, [&](std::size_t i) { return effects_text(effects[i]); }) << "}\n";
  }
  return findings == 0 ? 0 : 1;
}
