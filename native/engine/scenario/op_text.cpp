#include "engine/scenario/op_text.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }
std::string letter(unsigned buf) { return quoted(std::string(1, static_cast<char>('a' + buf))); }
std::string process(std::uint32_t proc) {
  return proc == 0 ? quoted("p") : quoted("p" + std::to_string(proc));
}

/// Empty: absent.
std::string field_text(const Op& op, std::string_view field) {
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  const auto flag = [](bool is_set) { return std::string(is_set ? "1" : ""); };
  if (field == "buf") return op.has_pfn || is_chosen_late(op.pick) ? "" : letter(op.buf);
  if (field == "pfn") return op.has_pfn ? number(op.pfn) : "";
  if (field == "type") return quoted(kPageTypeNames[static_cast<unsigned>(op.type)]);
  if (field == "order") return op.order != 0 ? number(op.order) : "";
  if (field == "referenced") return flag(op.referenced);
  if (field == "to") return letter(op.to);
  if (field == "page")
    return op.pick != PagePick::kGiven ? quoted(kPagePickNames[static_cast<unsigned>(op.pick)])
           : op.has_page               ? number(op.page)
                                       : "";
  if (field == "n") return op.has_n || op.code == OpCode::kRepeat ? number(op.n) : "";
  if (field == "pages") return is_page_op(op.code) && op.pages == 0 ? "" : number(op.pages);
  if (field == "fpage") return number(op.fpage);
  if (field == "value") return number(op.value);
  if (field == "fill") return op.has_fill ? number(op.fill) : "";
  if (field == "file") return number(op.file);
  if (field == "dev") return number(op.dev);
  if (field == "id") return number(static_cast<std::uint64_t>(op.id));
  if (field == "child") return process(op.child);
  if (field == "kind") return quoted(kMapKindNames[static_cast<unsigned>(op.kind)]);
  if (field == "advice") return quoted(kAdviceNames[static_cast<unsigned>(op.advice)]);
  if (field == "mode") return quoted(kGupModeNames[static_cast<unsigned>(op.mode)]);
  if (field == "via") return quoted(kPinViaNames[static_cast<unsigned>(op.via)]);
  if (field == "write") return flag(op.write);
  if (field == "fast") return flag(op.fast);
  if (field == "longterm") return flag(op.longterm);
  if (field == "evict") return flag(op.evict);
  if (field == "keep") return flag(op.keep);
  if (field == "site") return quoted(kFailSiteNames[static_cast<unsigned>(op.site)]);
  if (field == "nth") return op.nth != 1 ? number(op.nth) : "";
  if (field == "times") return op.times != 1 ? number(op.times) : "";
  if (field == "prot")
    return quoted(std::string((op.prot & kProtRead) != 0 ? "r" : "") +
                  ((op.prot & kProtWrite) != 0 ? "w" : ""));
  return "";
}

}  // namespace

std::string op_text(const Op& op) {
  const OpInfo& info = kOpTable[static_cast<unsigned>(op.code)];
  std::string out = "{\"op\":" + quoted(info.name);
  if (op.proc != 0) out += ",\"proc\":" + process(op.proc);
  for (std::string_view left = info.fields; !left.empty();) {
    const std::size_t end = std::min(left.find(' '), left.size());
    std::string_view field = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (field.starts_with('[')) field = field.substr(1, field.size() - 2);
    if (const std::string text = field_text(op, field); !text.empty())
      out += "," + quoted(field) + ":" + text;
  }
  if (op.has_expect) out += ",\"expect\":" + std::to_string(op.expect);
  if (op.must) out += ",\"must\":1";
  if (op.stop_at != StopPoint::kNowhere)
    out += ",\"stop_at\":" + quoted(kStopPoints[static_cast<unsigned>(op.stop_at)].name);
  return out + "}";
}

std::string result_text(const OpRecord& record) {
  if (!record.supported) return "unsupported";
  if (record.fault) return "fault";
  std::string out(record.ret == Errc::kOk ? "ok" : errc_name(record.ret));
  if ((record.keys & kKeyPages) != 0) out += " pages " + std::to_string(record.pages);
  if ((record.keys & kKeyCpages) != 0) out += " cpages " + std::to_string(record.cpages);
  if ((record.keys & kKeyBytes) != 0) out += " bytes " + std::to_string(record.bytes);
  for (const std::uint64_t word : record.v) out += " " + std::to_string(word);
  return out;
}

}  // namespace pagebox::inline PAGEBOX_ENV
