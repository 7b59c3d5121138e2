// Descriptors of RAM and of devices written over under everything that walks them: what is
// read there is followed only as far as it leads to something.
#include "base/retry.h"
#include "base/rng.h"
#include "mm/gup/gup.h"
#include "mm/migrate.h"
#include "mm/swap/release.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

/// Nobody else runs: what is not there will not come.
struct NobodyElse final : Patience {
  unsigned limit_ms() const override { return kAlone; }
  void gave_up(const GaveUp&) override {}
};

struct DamagedPage {
  const char* layout;
  DeviceMemory memory;
  const char* scheme;
};
void PrintTo(const DamagedPage& where, std::ostream* out) {
  *out << where.layout << ", " << test_name(where.memory) << ", " << where.scheme;
}

constexpr std::uint64_t kPages = 24;

class Overwritten {
 public:
  Overwritten(const DamagedPage& where, std::uint64_t seed)
      : box_(where.memory, 2, kDevicePages, where.layout, false, where.scheme), rng_(seed) {
    for (unsigned i = 0; i < 2; ++i) open(box_.create_mm(kPages));
  }

  void run(unsigned steps) {
    for (unsigned step = 0; step < steps; ++step) {
      patience_.begin_operation();
      if (step > 8) overwrite();
      act();
    }
    audited_ = !box_.audit(mms()).empty();
    for (const Pfn pfn : pinned_) {
      patience_.begin_operation();
      unpin_user_page(box_.cpu(), pfn);
    }
    while (!users_.empty()) leave(users_.size() - 1);
    patience_.begin_operation();
    (void)box_.device->release(box_.cpu());
    lru_add_drain_all(box_.cpu());
    (void)box_.audit({});
    box_.device->abandon();
  }
  bool audited() const { return audited_; }

 private:
  struct User {
    std::unique_ptr<Mm> mm;
    Mirror* mirror;
  };

  void open(std::unique_ptr<Mm> mm) {
    Mirror* mirror = box_.device->open(*mm);
    users_.push_back({std::move(mm), mirror});
  }
  void leave(std::size_t which) {
    patience_.begin_operation();
    if (users_[which].mirror != nullptr) users_[which].mirror->close(box_.cpu());
    box_.exit(*users_[which].mm);
    left_.push_back(std::move(users_[which].mm));
    users_.erase(users_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  std::vector<Mm*> mms() const {
    std::vector<Mm*> all;
    for (const User& user : users_) all.push_back(user.mm.get());
    return all;
  }

  Page any_page() {
    switch (rng_.below(3)) {
      case 0: return box_.machine->page({rng_.below(96)});
      case 1: return box_.machine->page({rng_.below(kRamPages)});
      default: return box_.machine->page({kRamPages + rng_.below(kDevicePages)});
    }
  }

  /// A word, half of one or all of them: special values, neighbours, others' addresses.
  void overwrite() {
    const Page to = any_page(), from = any_page();
    const unsigned word = static_cast<unsigned>(rng_.below(8));
    const unsigned other = static_cast<unsigned>(rng_.below(8));
    const std::uint64_t list_poison = 0xdead000000000100, own = to.word(word);
    const std::uint64_t values[] = {
        0,
        ~std::uint64_t{0},
        1,
        list_poison,
        rng_.next(),
        own + rng_.below(2048) - 1024,
        own ^ (std::uint64_t{1} << rng_.below(64)),
        from.word(word),
        to.word(other),
        from.word(other) | 1,
        box_.memmap->addresses().of_page(box_.memmap->pfn_of(from)),
        box_.memmap->addresses().of_page(box_.memmap->pfn_of(from)) | 1};
    if (rng_.below(16) == 0) {
      for (unsigned n = 0; n < 8; ++n) to.set_word(n, from.word(n));
    } else if (rng_.below(3) == 0) {
      atomics::store(to.u32(rng_.below(16) * 4),
                     static_cast<std::uint32_t>(rng_.below(2) == 0 ? rng_.below(4) : rng_.next()));
    } else {
      to.set_word(word, values[rng_.below(std::size(values))]);
    }
  }

  void act() {
    if (users_.empty()) open(box_.create_mm(kPages));
    const std::size_t which = rng_.below(users_.size());
    Mm& mm = *users_[which].mm;
    Mirror* mirror = users_[which].mirror;
    Cpu& cpu = box_.cpu(static_cast<unsigned>(rng_.below(2)));
    const std::uint64_t first = rng_.below(kPages), pages = 1 + rng_.below(kPages - first);
    const std::uint64_t address = kBase + first * kPageBytes;
    std::vector<std::byte> bytes(pages * kPageBytes);
    std::uint64_t word = 0;
    switch (rng_.below(18)) {
      case 0:
      case 1:
        for (std::uint64_t i = 0; i < pages; ++i)
          (void)store_word(cpu, mm, address + i * kPageBytes, ~0xf98ULL);
        break;
      case 2: (void)load_word(cpu, mm, address, word); break;
      case 3:
      case 4:
        if (mirror != nullptr) (void)mirror->migrate_to_device(cpu, address, pages, {});
        break;
      case 5:
        if (mirror != nullptr) (void)mirror->migrate_to_system(cpu, address, pages);
        break;
      case 6:
        if (mirror != nullptr) (void)mirror->write(cpu, address, pages, bytes);
        break;
      case 7:
        if (mirror != nullptr) (void)mirror->read(cpu, address, pages, bytes);
        break;
      case 8:
        if (mirror != nullptr) (void)mirror->exclusive(cpu, address, pages, {});
        break;
      case 9: box_.device->evict(cpu); break;
      case 10: (void)box_.device->release(cpu); break;
      case 11: (void)do_madvise(cpu, mm, address, pages, Advice::kPageout); break;
      case 12: (void)do_madvise(cpu, mm, address, pages, Advice::kDontneed); break;
      case 13: (void)compact_range(cpu, {0}, {128}); break;
      case 14: {
        std::vector<Pfn> out(pages);
        const GupResult got =
            pin_user_pages(cpu, mm, address, rng_.below(2) == 0 ? kFollWrite : 0, out);
        pinned_.insert(pinned_.end(), out.begin(),
                       out.begin() + static_cast<std::ptrdiff_t>(got.pages));
        break;
      }
      case 15:
        if (pinned_.empty()) break;
        unpin_user_page(cpu, pinned_.back());
        pinned_.pop_back();
        break;
      case 16: {
        if (users_.size() > 3) return leave(which);
        std::unique_ptr<Mm> child;
        if (Mm::create(cpu, child) != Errc::kOk) break;
        (void)dup_mmap(cpu, *child, mm);
        open(std::move(child));
        break;
      }
      default: folio_put(cpu, any_page()); break;
    }
  }

  NobodyElse patience_;
  PatienceScope scope_{patience_};
  DeviceBox box_;
  Rng rng_;
  std::vector<User> users_;
  std::vector<std::unique_ptr<Mm>> left_;
  std::vector<Pfn> pinned_;
  bool audited_ = false;
};

class DescriptorDamage : public ::testing::TestWithParam<DamagedPage> {};

TEST_P(DescriptorDamage, EndsAndIsTold) {
  const char* more = std::getenv("PAGEBOX_DAMAGE_ROUNDS");
  const std::uint64_t rounds = more != nullptr ? std::strtoull(more, nullptr, 10) : 12;
  std::uint64_t told = 0;
  for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
    SCOPED_TRACE(seed);
    Overwritten machine(GetParam(), seed);
    machine.run(120);
    told += machine.audited() ? 1 : 0;
  }
  EXPECT_EQ(told, rounds);
}

INSTANTIATE_TEST_SUITE_P(
    Machines, DescriptorDamage,
    ::testing::Values(DamagedPage{"linux-6.12", DeviceMemory::kPrivate, "refcount-bias"},
                      DamagedPage{"linux-6.12", DeviceMemory::kCoherent, "folio-pincount"},
                      DamagedPage{"linux-4.20", DeviceMemory::kPrivate, "refcount"},
                      DamagedPage{"linux-4.20", DeviceMemory::kPublic, "refcount-bias"},
                      DamagedPage{"linux-4.20-zd", DeviceMemory::kPrivate, "lru-overlay"},
                      DamagedPage{"linux-4.20", DeviceMemory::kCoherent, "mapcount-overlay"}));

}  // namespace
}  // namespace pagebox::testing
