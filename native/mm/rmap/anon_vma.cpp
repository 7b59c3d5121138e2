#include "mm/rmap/anon_vma.h"

#include <algorithm>
#include <utility>

#include "mm/folio_state.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

AnonVma* new_anon_vma(Cpu& cpu, AnonVma* parent) {
  if (cpu.fails(FailSite::kSlab)) return nullptr;
  AnonVma* anon_vma = cpu.machine.anon_vmas.alloc();
  if (anon_vma == nullptr) return nullptr;
  anon_vma->root = parent != nullptr ? parent->root.get() : anon_vma;
  anon_vma->parent = parent != nullptr ? parent : anon_vma;
  ++anon_vma->root->family;
  ++anon_vma->parent->children;
  anon_vma->known_root.store(anon_vma->root);
  anon_vma->references.store(1);  // last: from here on a walk may hold it
  return anon_vma;
}

/// The family's lock held for writing.
void link(AnonVma& anon_vma, Vma& vma) {
  anon_vma.insert(vma);
  vma.chain.push_back(&anon_vma);
}

/// Two neighbours that could become one vma, protections and soft-dirty aside.
bool compatible(const Vma& before, const Vma& after) {
  return before.end == after.start && before.file == after.file &&
         before.file_handle == after.file_handle &&
         ((before.flags ^ after.flags) & ~(kVmAccessFlags | kVmSoftDirty)) == 0 &&
         after.pgoff == before.pgoff + before.pages();
}

AnonVma* reusable(Vma* neighbour) {
  return neighbour->chain.size() == 1 ? neighbour->anon_vma.load() : nullptr;
}

AnonVma* find_mergeable(const Vma& vma) {
  Vma* next = vma.mm->next_of(vma);
  if (next != nullptr && compatible(vma, *next))
    if (AnonVma* anon_vma = reusable(next)) return anon_vma;
  Vma* prev = vma.mm->prev_of(vma);
  if (prev != nullptr && compatible(*prev, vma)) return reusable(prev);
  return nullptr;
}

}  // namespace

void AnonVma::insert(Vma& vma) {
  const auto behind_equals =
      std::upper_bound(tree.begin(), tree.end(), vma.pgoff.get(),
                       [](std::uint64_t pgoff, const Vma* other) { return pgoff < other->pgoff; });
  tree.insert(behind_equals, &vma);
}

void AnonVma::remove(Vma& vma) { tree.erase_value(&vma); }

void AnonVma::recycle() {
  known_root.store(nullptr);
  root = nullptr;
  parent = nullptr;
  children = 0;
  family = 0;
  active_vmas = 0;
  tree.clear();
}

Errc anon_vma_prepare(Cpu& cpu, Vma& vma) {
  if (vma.anon_vma.load() != nullptr) return Errc::kOk;
  Guard guard(vma.mm->anon_vma_lock);
  if (vma.anon_vma.load() != nullptr) return Errc::kOk;
  AnonVma* anon_vma = find_mergeable(vma);
  if (anon_vma == nullptr) anon_vma = new_anon_vma(cpu, nullptr);
  if (anon_vma == nullptr) return Errc::kNoMem;
  Guard tree_guard(anon_vma->lock());
  link(*anon_vma, vma);
  ++anon_vma->active_vmas;
  vma.anon_vma.store(anon_vma);
  return Errc::kOk;
}

void anon_vma_clone(Vma& to, const Vma& from, bool may_reuse) {
  if (from.chain.empty()) return;
  Guard guard(from.chain.front()->lock());
  for (AnonVma* anon_vma : from.chain) {
    link(*anon_vma, to);
    // An anon_vma whose process is gone and that has one child at most can serve
    // the new one: chains of forks do not grow without end.
    if (may_reuse && to.anon_vma.load() == nullptr && anon_vma->children < 2 &&
        anon_vma->active_vmas == 0)
      to.anon_vma.store(anon_vma);
  }
  if (AnonVma* own = to.anon_vma.load()) ++own->active_vmas;
}

Errc anon_vma_fork(Cpu& cpu, Vma& child, const Vma& parent) {
  AnonVma* of_parent = parent.anon_vma.load();
  child.anon_vma.store(nullptr);
  child.chain.clear();
  if (of_parent == nullptr) return Errc::kOk;
  anon_vma_clone(child, parent, true);
  if (child.anon_vma.load() != nullptr) return Errc::kOk;
  {
    Guard guard(of_parent->lock());
    if (AnonVma* anon_vma = new_anon_vma(cpu, of_parent)) {
      link(*anon_vma, child);
      ++anon_vma->active_vmas;
      child.anon_vma.store(anon_vma);
      return Errc::kOk;
    }
  }
  unlink_anon_vmas(cpu.machine, child);  // the parent's, which know it already
  return Errc::kNoMem;
}

void unlink_anon_vmas(Machine& machine, Vma& vma) {
  if (vma.chain.empty()) return;
  AnonVma* root = vma.chain.front()->root;
  std::vector<AnonVma*> empty;
  {
    Guard guard(root->lock());
    if (AnonVma* own = vma.anon_vma.load()) --own->active_vmas;
    for (AnonVma* anon_vma : vma.chain) {
      anon_vma->remove(vma);
      if (!anon_vma->tree.empty()) continue;
      --anon_vma->parent->children;
      empty.push_back(anon_vma);
    }
  }
  vma.chain.clear();
  vma.anon_vma.store(nullptr);
  for (AnonVma* anon_vma : empty) put_anon_vma(machine, *anon_vma);
}

bool try_get_anon_vma(AnonVma& anon_vma) {
  std::uint32_t found = anon_vma.references.load();
  while (found != 0)
    if (anon_vma.references.compare_exchange(found, found + 1)) return true;
  return false;
}

MappedGuard::MappedGuard(Machine& machine, Page folio, const AnonVma& anon_vma) {
  // Whatever this is by now, it is an anon_vma (ObjectPool), and what it leads to is one.
  AnonVma* root = anon_vma.known_root.load();
  if (root == nullptr || !root->own_lock().try_lock_shared()) return;
  lock_ = &root->own_lock();
  // Mapped, so what maps it is linked, and stays so.
  if (folio_mapped(machine, folio) && anon_vma.known_root.load() == root) return;
  std::exchange(lock_, nullptr)->unlock_shared();
}

void put_anon_vma(Machine& machine, AnonVma& anon_vma) {
  if (anon_vma.references.fetch_sub(1) != 1) return;
  AnonVma* root = anon_vma.root;
  bool is_last = false;
  {
    Guard guard(root->lock());
    is_last = --root->family == 0;
  }
  if (&anon_vma != root) machine.anon_vmas.free(&anon_vma);
  if (is_last) machine.anon_vmas.free(root);
}

bool anon_vmas_mergeable(const AnonVma* a, const AnonVma* b, const Vma* vma) {
  if ((a == nullptr || b == nullptr) && (vma == nullptr || vma->chain.size() == 1)) return true;
  return a == b;
}

}  // namespace pagebox::inline PAGEBOX_ENV
