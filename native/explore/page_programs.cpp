#include "explore/page_programs.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using enum OpCode;

constexpr auto kVocabulary =
    std::to_array<OpCode>({kGetPage, kPutPage, kPinPage, kUnpinPage, kMaybePinned, kIsolatePage,
                           kPutbackPage, kReleasePage, kFreezePage});
/// What is taken, and what gives it back.
constexpr auto kPairs = std::to_array<std::pair<OpCode, OpCode>>(
    {{kGetPage, kPutPage}, {kPinPage, kUnpinPage}, {kIsolatePage, kPutbackPage}});

bool has(std::span<const OpCode> ops, OpCode code) {
  return std::ranges::find(ops, code) != ops.end();
}

bool may_follow(const PagePrograms::Sequence& begun, OpCode code) {
  if (code == kReleasePage) return !has(begun, kReleasePage);
  for (const auto& [take, give] : kPairs)
    if (code == give) return std::ranges::count(begun, take) > std::ranges::count(begun, give);
  return true;
}

std::vector<PagePrograms::Sequence> make_sequences(std::span<const OpCode> ops, unsigned length) {
  std::vector<PagePrograms::Sequence> all = {{}};
  for (unsigned i = 0; i < length; ++i) {
    std::vector<PagePrograms::Sequence> longer;
    for (const PagePrograms::Sequence& begun : all)
      for (const OpCode code : ops)
        if (may_follow(begun, code)) {
          longer.push_back(begun);
          longer.back().push_back(code);
        }
    all = std::move(longer);
  }
  return all;
}

/// Of `threads` out of so many sequences, in any order.
double count_of(double sequences, std::uint64_t threads) {
  double count = 1;
  for (std::uint64_t i = 0; i < threads; ++i)
    count = count * (sequences + static_cast<double>(i)) / static_cast<double>(i + 1);
  return count;
}

}  // namespace

std::span<const OpCode> PagePrograms::vocabulary() { return kVocabulary; }

std::string PagePrograms::check(std::span<const OpCode> ops, std::uint64_t threads,
                                std::uint64_t length) {
  if (threads < 1 || threads > kMaxThreads) return "threads: 1 to " + std::to_string(kMaxThreads);
  if (length < 1 || length > kMaxLength)
    return "operations of each thread: 1 to " + std::to_string(kMaxLength);
  if (ops.empty()) return "operations: none";
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const std::string name(kOpTable[static_cast<unsigned>(ops[i])].name);
    if (!has(kVocabulary, ops[i])) return "operations: programs have no " + name;
    if (has(ops.subspan(0, i), ops[i])) return "operations: " + name + " twice";
  }
  // A thread that gives back has taken: without its partner it is none.
  for (const auto& [take, give] : kPairs)
    if (has(ops, give) && !has(ops, take))
      return "operations: " + std::string(kOpTable[static_cast<unsigned>(give)].name) +
             " without " + std::string(kOpTable[static_cast<unsigned>(take)].name);
  const auto sequences = make_sequences(ops, static_cast<unsigned>(length)).size();
  if (sequences == 0) return "operations: no program of this length";
  if (count_of(static_cast<double>(sequences), threads) > static_cast<double>(kMost))
    return "programs: more than " + std::to_string(kMost) + "; fewer operations or threads";
  return "";
}

PagePrograms::PagePrograms(std::span<const OpCode> ops, unsigned threads, unsigned length,
                           std::uint64_t pfn)
    : threads_(threads), pfn_(pfn), sequences_(make_sequences(ops, length)) {
  std::vector<std::uint32_t> chosen;
  add_from(0, chosen);
  // A prime that does not divide their number, so that each comes once.
  for (const std::uint64_t prime : {7919U, 7907U, 7901U, 1U})
    if (stride_ = prime; std::gcd(prime, size()) == 1) break;
}

void PagePrograms::add_from(std::size_t first, std::vector<std::uint32_t>& chosen) {
  if (chosen.size() == threads_) {
    if (is_fair(chosen)) programs_.insert(programs_.end(), chosen.begin(), chosen.end());
    return;
  }
  for (std::size_t i = first; i < sequences_.size(); ++i) {
    chosen.push_back(static_cast<std::uint32_t>(i));
    add_from(i, chosen);
    chosen.pop_back();
  }
}

bool PagePrograms::is_fair(std::span<const std::uint32_t> chosen) const {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!has(sequences_[chosen[i]], kReleasePage)) continue;
    for (std::size_t j = 0; j < chosen.size(); ++j)
      if (i != j &&
          (has(sequences_[chosen[j]], kReleasePage) || has(sequences_[chosen[j]], kFreezePage)))
        return false;
  }
  return true;
}

std::uint64_t PagePrograms::in_turn(std::uint64_t i) const { return i * stride_ % size(); }

std::vector<PagePrograms::Sequence> PagePrograms::sequences_of(std::uint64_t program) const {
  std::vector<Sequence> out;
  out.reserve(threads_);
  for (unsigned i = 0; i < threads_; ++i)
    out.push_back(sequences_[programs_[program * threads_ + i]]);
  return out;
}

std::vector<std::vector<Op>> PagePrograms::threads_of(std::uint64_t program) const {
  std::vector<std::vector<Op>> out;
  for (const Sequence& sequence : sequences_of(program)) {
    std::vector<Op>& ops = out.emplace_back();
    for (const OpCode code : sequence) {
      Op op;
      op.code = code;
      op.pfn = pfn_;
      op.has_pfn = true;
      ops.push_back(op);
    }
  }
  return out;
}

}  // namespace pagebox::inline PAGEBOX_ENV
