#include "addon/tables.h"

#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/codes.h"
#include "addon/explore_object.h"
#include "addon/layout_value.h"
#include "addon/names.h"
#include "addon/random_ops_value.h"
#include "addon/status.h"
#include "engine/audit/invariants.h"
#include "engine/race/race.h"
#include "engine/scenario/explore_messages.h"
#include "engine/scenario/ops.h"
#include "engine/scenario/pattern.h"
#include "engine/scenario/pin_op.h"
#include "mm/pagemap.h"
#include "page/address.h"
#include "page/shape.h"
#include "pins/registry.h"

namespace pagebox::addon {

namespace {

/// By value; names that begin otherwise than with E are pagebox's own.
napi_value errnos(const JsValues& js) {
  constexpr std::array kAll = {
      Errc::kPerm,        Errc::kNoEnt,       Errc::kIntr,     Errc::kIo,
      Errc::kNxIo,        Errc::kBadF,        Errc::kAgain,    Errc::kNoMem,
      Errc::kAcces,       Errc::kFault,       Errc::kBusy,     Errc::kExist,
      Errc::kNoDev,       Errc::kNotDir,      Errc::kIsDir,    Errc::kInval,
      Errc::kNFile,       Errc::kMFile,       Errc::kTxtBsy,   Errc::kFBig,
      Errc::kNoSpc,       Errc::kSPipe,       Errc::kRoFs,     Errc::kRange,
      Errc::kNameTooLong, Errc::kLoop,        Errc::kOverflow, Errc::kOpNotSupp,
      Errc::kRemoteIo,    Errc::kDQuot,       Errc::kCanceled, Errc::kCorrupt,
      Errc::kNotPinned,   Errc::kPinLimit,    Errc::kRefused,  Errc::kNotReferenced,
      Errc::kNoThread,    Errc::kOutOfMemory, Errc::kLivelock};
  return js.list(kAll, [&](Errc code) {
    return JsObject(js)
        .number("code", static_cast<int>(code))
        .text("name", errc_name(code))
        .value();
  });
}

napi_value addresses(const JsValues& js, const char* layout_name) {
  const Layout* layout = find_layout(layout_name);
  const AddressMap map(shape_of(*layout));
  napi_value bases = js.array();
  for (unsigned i = 0; i < kObjectKinds; ++i)
    js.set(bases, i, js.big(map.of_object(static_cast<ObjectKind>(i), 0)));
  return JsObject(js)
      .big("pageBase", map.of_page(Pfn{0}))
      .set("objectBases", bases)
      .big("objectBytes",
           map.of_object(ObjectKind::kAnonVma, 1) - map.of_object(ObjectKind::kAnonVma, 0))
      .big("objectsPerKind", map.objects_per_kind())
      .big("listPoison1", map.list_poison1())
      .big("listPoison2", map.list_poison2())
      .big("tailMapping", map.tail_mapping())
      .value();
}

napi_value statuses(const JsValues& js) {
  return JsObject(js)
      .number("badFirst", kBadFirst)
      .number("badSecond", kBadSecond)
      .number("closed", kClosedBox)
      .number("busy", kBusyBox)
      .number("sigsegv", kSigsegv)
      .number("sigbus", kSigbus)
      .value();
}

napi_value limits(const JsValues& js) {
  return JsObject(js)
      .number("boxPages", std::uint64_t{1} << 32)
      .number("pins", kRefcountMax)
      .number("rangePages", kMostRangePages)
      .number("heldPages", kMostHeldPages)
      .number("scenarioPages", kMaxMachinePages)
      .number("scenarioProcesses", kMaxSharedProcesses)
      .number("scenarioBuffers", kMaxRandomBuffers)
      .number("scenarioPagesEach", kMaxRandomPages)
      .value();
}

/// The first layout with words of that many bytes: addresses depend on nothing else.
const char* layout_of_words(unsigned word_bytes) {
  for (const Layout& layout : builtin_layouts())
    if (layout.word_bytes == word_bytes) return layout.name.c_str();
  return "";
}

constexpr std::string_view kUnreadable = "not as TypeScript declares it";

}  // namespace

napi_value tables(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    (void)info;
    const JsValues js(env);
    return JsObject(js)
        .set("pageTypes", js.texts(kPageTypeNames))
        .set("compoundTypes", page_types(js, kCompoundTypes))
        .set("lruTypes", page_types(js, kLruTypes))
        .set("mappedTypes", page_types(js, kMappedTypes))
        .set("fieldKinds", js.texts(kFieldKindNames))
        .set("objectKinds", js.texts(kObjectKindNames))
        .set("flagNames", js.texts(kFlagNames))
        .set("lruKinds", js.texts(kLruKindNames))
        .set("protocols", js.texts(kProtocolNames))
        .set("countPlaces", js.texts(kCountPlaceNames))
        .set("effects", js.texts(kPinEffectNames))
        .set("atLimits", js.texts(kAtLimitNames))
        .set("pinEvents", js.texts(kPinEventNames))
        .set("rules", rules_value(js))
        .set("ruleSets", rule_sets_value(js))
        .set("quirks", quirks_value(js))
        .set("machineOptions", machine_options_value(js))
        .set("patterns", js.texts(kPatternNames))
        .set("pinOps", js.texts(kPinOpNames))
        .set("advices", js.texts(kAdviceNames))
        .set("pagemapStates", js.texts(kPagemapStateNames))
        .set("kpageFlags", js.texts(kKpageFlagNames))
        .set("deviceMemories",
             js.list(kDeviceMemoryTable,
                     [&](const DeviceMemoryInfo& each) { return js.text(each.name); }))
        .set("invariants",
             js.list(kInvariantTable,
                     [&](const InvariantInfo& each) {
                       return JsObject(js)
                           .text("name", each.name)
                           .text("subject",
                                 kInvariantSubjectNames[static_cast<unsigned>(each.subject)])
                           .text("summary", each.summary)
                           .value();
                     }))
        .set("auditPlaces", js.texts(kPlaceKindNames))
        .set("errnos", errnos(js))
        .set("addresses", JsObject(js)
                              .set("4", addresses(js, layout_of_words(4)))
                              .set("8", addresses(js, layout_of_words(8)))
                              .value())
        .set("layouts", js.list(builtin_layouts(),
                                [&](const Layout& layout) { return layout_value(js, layout); }))
        .set("schemes", js.list(builtin_schemes(),
                                [&](const SchemeSpec& scheme) { return scheme_value(js, scheme); }))
        .set("exploreLimits", explore_limits_value(js))
        .set("exploreStrategies", js.texts(kStrategyNames))
        .set("backings", js.texts(kBackingNames))
        .set("prots", js.texts(kProtNames))
        .set("gupFlags", js.texts(kGupNames))
        .set("pagemapWords", js.texts(kPagemapWordNames))
        .set("pagemapBits", js.texts(kPagemapBitNames))
        .set("statuses", statuses(js))
        .set("limits", limits(js))
        .number("pagesPerHugePage", kPagesPerPmd)
        .number("maxThreads", kMaxThreads)
        .number("maxScenarioThreads", kMaxScenarioThreads)
        .value();
  });
}

napi_value check_layout_value(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const JsValues js(env);
    JsRead from(env, arguments<1>(env, info)[0]);
    const Layout layout = read_layout(from);
    std::vector<LayoutProblem> problems = check_layout(layout);
    if (!from.ok()) problems.push_back({"definition", "", std::string(kUnreadable)});
    return js.list(problems, [&](const LayoutProblem& problem) {
      return JsObject(js)
          .text("field", problem.field)
          .text("other", problem.other)
          .text("what", problem.what)
          .value();
    });
  });
}

napi_value check_scheme_value(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const JsValues js(env);
    JsRead from(env, arguments<1>(env, info)[0]);
    const SchemeSpec scheme = read_scheme(from);
    std::vector<SchemeProblem> problems = check_scheme(scheme);
    if (!from.ok()) problems.push_back({"definition", std::string(kUnreadable)});
    return js.list(problems, [&](const SchemeProblem& problem) {
      return JsObject(js).text("field", problem.field).text("what", problem.what).value();
    });
  });
}

napi_value layout_facts(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Layout layout;
    if (!read_layout_ref(env, arguments<1>(env, info)[0], layout))
      return failure(env, Errc::kInval, kUnreadable);
    return layout_value(JsValues(env), layout);
  });
}

napi_value scheme_facts(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    SchemeSpec scheme;
    if (!read_scheme_ref(env, arguments<1>(env, info)[0], scheme))
      return failure(env, Errc::kInval, kUnreadable);
    return scheme_value(JsValues(env), scheme);
  });
}

}  // namespace pagebox::addon
