#pragma once

#include "addon/js_value.h"
#include "engine/audit/audit.h"

namespace pagebox::addon {

napi_value audit_value(const JsValues& js, const AuditReport& report);

}  // namespace pagebox::addon
