#include "addon/record_value.h"

#include <string>

namespace pagebox::addon {
namespace {

std::string ret_of(const OpRecord& record) {
  if (record.fault) return "fault";
  if (record.ret == Errc::kOk) return "ok";
  // ESPIPE: the recordings' driver had no name for it and wrote the number.
  constexpr int kEspipe = 29;
  if (static_cast<int>(record.ret) == kEspipe) return "E29";
  return std::string(errc_name(record.ret));
}

std::string_view signal_name(FaultResult result) {
  if (result == FaultResult::kOk) return "ok";
  if (result == FaultResult::kOom) return "OOM";
  return result == FaultResult::kSigbus ? "SIGBUS" : "SIGSEGV";
}

std::string flags_of(std::uint32_t flags) {
  std::string text;
  for (unsigned bit = 0; bit < kKpageFlagNames.size(); ++bit) {
    if ((flags >> bit & 1) == 0) continue;
    if (!text.empty()) text += '|';
    text += kKpageFlagNames[bit];
  }
  return text;
}

napi_value entry_value(const JsValues& js, const PagemapEntry& entry) {
  JsObject page(js);
  page.text("st", kPagemapStateNames[static_cast<unsigned>(entry.state)]);
  if (entry.state != PagemapState::kNone)
    page.number("ex", int{entry.exclusive}).number("file", int{entry.file});
  page.number("sd", int{entry.soft_dirty});
  if (entry.uffd_wp) page.number("wp", 1);
  if (entry.has_mapcount) page.number("mc", entry.mapcount);
  if (entry.has_flags) page.text("kf", flags_of(entry.flags));
  return page.value();
}

std::string snapshot_text(std::uint8_t code) {
  if (code == kSnapError) return "ERROR";
  if (code == kSnapNone) return "NONE";
  std::string place = (code & kSnapPmd) != 0 ? "PMD|" : "";
  switch (code & 0xf0) {
    case kSnapZero: place = "ZERO|"; break;
    case kSnapPrivateLocal: place = "PRIV_LOCAL|"; break;
    case kSnapPrivateRemote: place = "PRIV_REMOTE|"; break;
    case kSnapCoherentLocal: place = "COH_LOCAL|"; break;
    case kSnapCoherentRemote: place = "COH_REMOTE|"; break;
    default: break;
  }
  return place + ((code & kSnapWrite) != 0 ? "W" : "R");
}

napi_value words_value(const JsValues& js, const OpRecord& record) {
  napi_value list = js.array(record.v.size());
  for (std::size_t i = 0; i < record.v.size(); ++i) {
    const bool signal = i < record.signals.size() && record.signals[i] != FaultResult::kOk;
    js.set(list, i, signal ? js.text(signal_name(record.signals[i])) : js.number(record.v[i]));
  }
  return list;
}

}  // namespace

napi_value record_value(const JsValues& js, const OpRecord& record) {
  if (!record.supported) return js.null();
  const auto has = [&](ResultKey key) { return (record.keys & key) != 0; };
  JsObject result(js);
  if (has(kKeyRet)) result.text("ret", ret_of(record));
  if (has(kKeySt))
    result.set("st", js.list(record.signals,
                             [&](FaultResult each) { return js.text(signal_name(each)); }));
  if (has(kKeyPages)) result.number("pages", record.pages);
  if (has(kKeyBytes)) result.number("bytes", record.bytes);
  if (has(kKeyCpages)) result.number("cpages", record.cpages);
  if (has(kKeyFaults)) result.number("faults", record.faults);
  if (has(kKeyProt))
    result.set("prot", js.list(record.prot,
                               [&](std::uint8_t code) { return js.text(snapshot_text(code)); }));
  if (has(kKeyV)) result.set("v", words_value(js, record));
  if (has(kKeyEntries))
    result.set("pages", js.list(record.entries,
                                [&](const PagemapEntry& each) { return entry_value(js, each); }));
  return result.value();
}

}  // namespace pagebox::addon
