// Layouts and schemes from and to JavaScript.
#pragma once

#include "addon/js_read.h"
#include "addon/js_value.h"
#include "page/layout.h"
#include "pins/scheme.h"

namespace pagebox::addon {

napi_value page_types(const JsValues& js, PageTypeSet set);
PageTypeSet read_page_types(JsRead& from, const char* key);

/// With what follows from the layout filled in.
napi_value layout_value(const JsValues& js, const Layout& layout);
/// Not checked: see check_layout().
Layout read_layout(JsRead& from);
/// The property `key`: a built-in name, or a declaration.
Layout read_layout_ref(JsRead& from, const char* key);
/// The same of a value. False: neither.
bool read_layout_ref(napi_env env, napi_value value, Layout& out);

napi_value scheme_value(const JsValues& js, const SchemeSpec& scheme);
/// Completed, but not checked: see complete_scheme() and check_scheme().
SchemeSpec read_scheme(JsRead& from);
SchemeSpec read_scheme_ref(JsRead& from, const char* key);
bool read_scheme_ref(napi_env env, napi_value value, SchemeSpec& out);

}  // namespace pagebox::addon
