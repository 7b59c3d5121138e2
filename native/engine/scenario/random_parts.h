// What random operations are made of: the usual mapping of a letter, what is taken and
// given back, which operations name a letter or a device.
#pragma once

#include <array>
#include <cstdint>

#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

struct TakeAndGive {
  OpCode take, give;
};
inline constexpr std::array<TakeAndGive, 3> kHolds = {
    {{OpCode::kPinPage, OpCode::kUnpinPage},
     {OpCode::kGetPage, OpCode::kPutPage},
     {OpCode::kIsolatePage, OpCode::kPutbackPage}}};

inline constexpr std::array<MapKind, 7> kLetterKinds = {
    MapKind::kAnonPrivate, MapKind::kAnonShared, MapKind::kFilePrivate, MapKind::kFileShared,
    MapKind::kDiskPrivate, MapKind::kDiskShared, MapKind::kAnonPrivate};
constexpr MapKind kind_of_letter(unsigned buf) { return kLetterKinds[buf % kLetterKinds.size()]; }

constexpr bool is_shared_mapping(MapKind kind) {
  return kind == MapKind::kAnonShared || kind == MapKind::kFileShared ||
         kind == MapKind::kDiskShared;
}

/// The device that pages of a letter move to, as a rule: two that take each other's pages
/// would mostly find nothing to take.
constexpr unsigned usual_device(std::uint32_t shared_process, unsigned buf) {
  return (shared_process + buf / 2) % kDevices;
}

inline Op usual_mapping(unsigned buf, std::uint64_t pages) {
  Op op;
  op.code = OpCode::kMmap;
  op.buf = static_cast<std::uint8_t>(buf);
  op.kind = kind_of_letter(buf);
  op.pages = pages;
  op.prot = kProtRead | kProtWrite;
  op.file = static_cast<std::uint8_t>(buf % kDiskFiles);
  op.has_fill = true;
  op.fill = 1000 + buf * 100;
  return op;
}

constexpr bool is_device_op(OpCode code) {
  return code >= OpCode::kDevRead && code <= OpCode::kCloseDev;
}

constexpr bool takes_letter(OpCode code) {
  switch (code) {
    case OpCode::kRelease:
    case OpCode::kOpenDev:
    case OpCode::kCloseDev:
    case OpCode::kFork:
    case OpCode::kExit:
    case OpCode::kUnpin:
    case OpCode::kPinRead:
    case OpCode::kPinWrite:
    case OpCode::kFile:
    case OpCode::kFileRead:
    case OpCode::kClearRefs: return false;
    default: return code < OpCode::kCompact;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
