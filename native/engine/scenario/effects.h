// Which results of a scenario the pin scheme's visible effects can have changed.
//
// mm notes each moment at which it acted otherwise because of the scheme
// (mm/divergence.h). From there the effect follows the page: to the places where
// it is mapped, to what is mapped at those places later, through mremap, into the
// pins that were taken there and into the files that were written from there. It
// ends when the mapping or the page does. An effect that only changes what an
// observer reads (PG_lru, the map count) follows nothing. Where an operation ended
// otherwise than in the recording, what it did or left undone is its whole range.
//
// A place is a virtual page number: a fork's addresses are its parent's, so what
// differs in one process may differ in its relatives.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "engine/scenario/interpreter.h"
#include "mm/divergence.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Of one operation, as sets of PinEffect that the scheme declares.
struct OpEffects {
  /// Of all that the operation works on.
  PinEffectSet all;
  /// Of each page of its range; empty for operations without one.
  std::vector<PinEffectSet> pages;
};

/// How far an operation came, as a number: below 0 if it failed, else how many pages
/// or bytes it had, 0 if it does not say. Recordings are read the same way.
double progress_of(const OpRecord& record);

class EffectTracker {
 public:
  /// Effects outside of `declared` explain nothing, and are not followed.
  EffectTracker(Processes& processes, Interpreter& interpreter, PinEffectSet declared);
  ~EffectTracker();
  EffectTracker(const EffectTracker&) = delete;
  EffectTracker& operator=(const EffectTracker&) = delete;

  /// Executes one operation. `recorded`: progress_of() the kernel's result; not a
  /// number: unknown.
  OpRecord run(const Op& op, double recorded, OpEffects& effects);

 private:
  using Bits = std::uint32_t;
  template <class Key>
  using Marks = std::map<Key, Bits>;
  using PinKey = std::pair<std::uint32_t, std::int64_t>;  // process, id
  struct Range {
    std::uint64_t first = 0, pages = 0;  // virtual page numbers
  };

  void look();
  void look_at_files(const Vma& vma);
  void look_at_huge(const Mm& mm, const Vma& vma);
  /// What a fault at a place where something differs may map besides, or not.
  Marks<std::uint64_t> around(const Op& op, Range range) const;
  void spread();
  void follow(const Op& op, Range range);
  void forget();
  OpEffects effects_of(const Op& op, Range range) const;
  Bits held_by(const Op& op) const;
  static Bits bits_of(const auto& marks, const auto& key) {
    const auto at = marks.find(key);
    return at == marks.end() ? 0 : at->second;
  }

  Processes& processes_;
  Machine& machine_;
  Interpreter& interpreter_;
  const Bits declared_;
  DivergenceLog log_;
  /// Where each head is, or was before the operation, mapped.
  std::map<Pfn, std::set<std::uint64_t>> mapped_;
  Marks<std::uint64_t> places_;
  Marks<Pfn> heads_;
  Marks<std::uint64_t> seen_;  // by an observer, in this operation
  Marks<PinKey> pins_;
  using FilePage = std::pair<unsigned, std::uint64_t>;  // number and page
  Marks<FilePage> files_;
  struct FilePlace {
    std::uint64_t place = 0;
    FilePage page;
    bool shared = false;  // what is written there is the file's
  };
  std::vector<FilePlace> file_places_;  // where the disk files are mapped
  Bits gup_test_ = 0;                   // the driver holds one set of pages at a time
};

}  // namespace pagebox::inline PAGEBOX_ENV
