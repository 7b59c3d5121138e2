#include "addon/shared_box.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace pagebox::addon {

namespace {

struct Entry {
  std::string token;
  std::weak_ptr<SharedBox> box;
};

struct Registry {
  std::mutex lock;
  std::vector<Entry> entries;
};

Registry& registry() {
  static auto* const kept = new Registry;  // see the header
  return *kept;
}

/// 128 random bits: a token cannot be guessed from another one.
std::string new_token() {
  std::array<std::uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  std::string token;
  for (const std::uint8_t byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

}  // namespace

std::string token_of(const std::shared_ptr<SharedBox>& box) {
  Registry& boxes = registry();
  const std::lock_guard guard(boxes.lock);
  for (const Entry& entry : boxes.entries)
    if (entry.box.lock() == box) return entry.token;
  std::erase_if(boxes.entries, [](const Entry& entry) { return entry.box.expired(); });
  boxes.entries.push_back({new_token(), box});
  return boxes.entries.back().token;
}

std::shared_ptr<SharedBox> find_box(const std::string& token) {
  if (token.empty()) return nullptr;
  Registry& boxes = registry();
  const std::lock_guard guard(boxes.lock);
  for (const Entry& entry : boxes.entries)
    if (entry.token == token) return entry.box.lock();
  return nullptr;
}

}  // namespace pagebox::addon
