// As many simulated threads as wanted, each with a processor and an address space of its own,
// on one machine; what they do runs as fibers of the model, in turns drawn by a seed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "counter.h"
#include "engine/box/assembly.h"
#include "mm/mm.h"
#include "zone_device/mirror.h"
#include "zone_device/mirror_device.h"

namespace sharing {

struct Settings {
  unsigned threads = 2;
  unsigned pages = 124;  ///< of each thread
  unsigned batch = pagebox::Allocator::kBatch;
  std::string scheme = "refcount-bias";
};

/// What one of them has.
struct Thread {
  unsigned index = 0;
  pagebox::Cpu* cpu = nullptr;
  std::unique_ptr<pagebox::Mm> mm, child;
  pagebox::Mirror* mirror = nullptr;
  std::vector<pagebox::Pfn> pfns;  ///< that an operation before has noted

  static constexpr std::uint64_t kBase = 0x2000'0000'0000;
  static std::uint64_t address(unsigned page) { return kBase + page * pagebox::kPageBytes; }
};

class Threads {
 public:
  explicit Threads(const Settings& settings);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  const Settings& settings() const { return settings_; }
  pagebox::Machine& machine() { return *assembly_.machine(); }
  pagebox::Assembly& assembly() { return assembly_; }
  /// All at once, in turns; what the observer is told, if there is one.
  void run(const std::function<void(Thread&)>& body, pagebox::RunObserver* observer = nullptr);
  /// What lies at an address that a run has told of, by its kind.
  std::string name(const std::byte* at);

 private:
  std::string name_of_page(std::uint64_t offset) const;

  const Settings settings_;
  pagebox::Assembly assembly_;
  std::unique_ptr<pagebox::MirrorDevice> device_;
  std::vector<Thread> threads_;
  pagebox::ModelRunner runner_;
  std::uint64_t runs_ = 0;
};

/// A failed operation would be counted as a cheap one.
void need(bool done, const char* what);

}  // namespace sharing
