#include "addon/audit_value.h"

namespace pagebox::addon {

napi_value audit_value(const JsValues& js, const AuditReport& report) {
  return JsObject(js)
      .set("rows", js.list(report.rows,
                           [&](const AuditRow& row) {
                             return JsObject(js)
                                 .text("invariant", invariant_name(row.invariant))
                                 .number("pfn", row.pfn == kNoPfn
                                                    ? -1.0
                                                    : static_cast<double>(row.pfn.value))
                                 .text("field", row.field)
                                 .big("expected", row.expected)
                                 .big("found", row.found)
                                 .text("explanation", row.explanation)
                                 .value();
                           }))
      .number("rowsTotal", report.rows_total)
      .number("pages", report.pages)
      .set("unknown", js.texts(report.unknown))
      .value();
}

}  // namespace pagebox::addon
