// Every program of a few operations on one page, for threads that are alike, up to what makes no
// difference; and what is left out because a driver that does it is wrong itself.
//
// - Of a length: shorter ones are begins of those, and a question, which changes nothing, can
//   stand for the rest.
// - Threads in any order are one program.
// - Who gives back has taken: put after get, unpin after pin, putback after isolate, in a thread.
// - The page is freed once: its own reference is one.
// - Who freezes counts on that reference, which in a kernel the folio lock keeps there: nobody
//   else frees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

class PagePrograms {
 public:
  using Sequence = std::vector<OpCode>;
  static constexpr unsigned kMaxThreads = 3, kMaxLength = 4;
  /// More are not made.
  static constexpr std::uint64_t kMost = std::uint64_t{1} << 26;

  /// What programs may be made of.
  static std::span<const OpCode> vocabulary();
  /// Empty: they can be made; else what is wrong, and allowed.
  static std::string check(std::span<const OpCode> ops, std::uint64_t threads,
                           std::uint64_t length);

  /// What passes check(). `pfn` is the page.
  PagePrograms(std::span<const OpCode> ops, unsigned threads, unsigned length, std::uint64_t pfn);

  std::uint64_t size() const { return programs_.size() / threads_; }
  /// Number `i` of an order that soon has some of each kind, and each once.
  std::uint64_t in_turn(std::uint64_t i) const;
  std::vector<Sequence> sequences_of(std::uint64_t program) const;
  std::vector<std::vector<Op>> threads_of(std::uint64_t program) const;

 private:
  void add_from(std::size_t first, std::vector<std::uint32_t>& chosen);
  bool is_fair(std::span<const std::uint32_t> chosen) const;

  const unsigned threads_;
  const std::uint64_t pfn_;
  std::vector<Sequence> sequences_;
  std::vector<std::uint32_t> programs_;  // sequences, `threads_` of each program
  std::uint64_t stride_ = 1;
};

}  // namespace pagebox::inline PAGEBOX_ENV
