#pragma once

#include <vector>

#include "addon/js_value.h"
#include "engine/audit/audit_row.h"

namespace pagebox::addon {

napi_value audit_row_value(const JsValues& js, const AuditRow& row);
napi_value audit_rows_value(const JsValues& js, const std::vector<AuditRow>& rows);
napi_value audit_value(const JsValues& js, const AuditReport& report);

}  // namespace pagebox::addon
