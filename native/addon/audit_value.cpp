#include "addon/audit_value.h"

namespace pagebox::addon {
namespace {

napi_value place_value(const JsValues& js, const AuditPlace& place) {
  JsObject object(js);
  object.text("kind", kPlaceKindNames[static_cast<unsigned>(place.kind)]);
  switch (place.kind) {
    case PlaceKind::kNowhere: break;
    case PlaceKind::kPage: object.number("pfn", place.at); break;
    case PlaceKind::kSwapSlot: object.number("slot", place.at); break;
    case PlaceKind::kAddress:
      object.big("address", place.at).number("process", place.process);
      break;
    case PlaceKind::kList: object.text("list", place.list); break;
  }
  return object.value();
}

}  // namespace

napi_value audit_row_value(const JsValues& js, const AuditRow& row) {
  return JsObject(js)
      .text("invariant", invariant_name(row.invariant))
      .set("place", place_value(js, row.place))
      .number("pfn", row.place.kind == PlaceKind::kPage ? static_cast<double>(row.place.at) : -1.0)
      .text("field", row.field)
      .big("expected", row.expected)
      .big("found", row.found)
      .text("explanation", row.explanation)
      .value();
}

napi_value audit_rows_value(const JsValues& js, const std::vector<AuditRow>& rows) {
  return js.list(rows, [&](const AuditRow& row) { return audit_row_value(js, row); });
}

napi_value audit_value(const JsValues& js, const AuditReport& report) {
  return JsObject(js)
      .set("rows", audit_rows_value(js, report.rows))
      .number("rowsTotal", report.rows_total)
      .number("pages", report.pages)
      .set("unknown", js.texts(report.unknown))
      .value();
}

}  // namespace pagebox::addon
