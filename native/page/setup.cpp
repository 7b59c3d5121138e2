#include "page/setup.h"

#include <algorithm>
#include <cstring>

#include "base/memory_changes.h"
#include "page/device_base.h"
#include "page/device_type.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Kind = ObjectKind;

/// Tails are set up as the anonymous folio that they belong to.
PageType type_of_head(PageType type) {
  const bool huge = type == PageType::kTail || type == PageType::kSecondTail;
  return huge ? PageType::kCompoundHead : type;
}

struct Writer {
  Memmap& memmap;
  Page page;
  PageType type;

  const Shape& shape() const { return memmap.shape(); }
  std::uint64_t object(Kind kind, std::uint64_t index = 0) const {
    return memmap.addresses().of_object(kind, index);
  }
  void put(std::uint16_t offset, std::uint64_t value) const {
    if (offset != 0) page.set_word_at(offset, value);
  }
  void put_type(std::uint32_t value) const {
    page.set_mapcount_raw(static_cast<std::int32_t>(value != 0 ? value : 0xffffffff));
  }

  void user(std::uint16_t mapping, std::uint16_t index, std::uint16_t memcg) const {
    page.set(Flag::kUptodate);
    const bool anon = kAnonTypes.has(type);
    if (anon) page.set(Flag::kSwapBacked);
    put(mapping, anon ? object(Kind::kAnonVma) | kMappingAnon : object(Kind::kAddressSpace));
    put(index, memmap.pfn_of(page).value);
    put(memcg, object(Kind::kMemCgroup));
  }
  void device() const {
    page.set(Flag::kReserved);
    put(shape().pgmap, object(Kind::kDevPagemap, pagemap_index(device_memory(type), 0)));
    // Each page its own, and not the first: whose low half is all zero hides damage.
    const std::uint64_t nth = 1 + memmap.pfn_of(page).value;
    put(shape().driver_data,
        object(Kind::kDriverData, nth % memmap.addresses().objects_per_kind()));
    if (type == PageType::kP2pdma) return;
    const bool dax = type == PageType::kFsdax || type == PageType::kDevdax;
    user(shape().device_mapping, shape().device_index, dax ? 0 : shape().memcg);
  }
  void slab() const {
    page.set(Flag::kSlab);
    put_type(shape().slab_type);
    const Layout& layout = memmap.layout();
    for (const Field& field : layout.fields) {
      if (!field.types.has(PageType::kSlab)) continue;
      if (field.kind == FieldKind::kPointer) put(field.offset_bytes, object(field.object));
      // On no partial list: the links name the page itself, as INIT_LIST_HEAD leaves them.
      const std::uint64_t own = memmap.addresses().of_page(memmap.pfn_of(page));
      if (field.kind == FieldKind::kListNext) put(field.offset_bytes, own + field.offset_bytes);
      if (field.kind == FieldKind::kListPrev)
        put(field.offset_bytes, own + field.offset_bytes - layout.word_bytes);
      // 16 of 32 objects in use.
      if (field.name == "inuse") put_field(page, field, 16);
      if (field.name == "objects") put_field(page, field, 32);
    }
  }
  void page_table() const {
    put_type(shape().table_type);
    put(shape().pt_mm, object(Kind::kMm));
    put(shape().memcg, object(Kind::kMemCgroup));
  }
  void free_block() const {
    put_type(shape().buddy_type);
    const std::uint64_t anchor = object(Kind::kLruAnchor, free_anchor_index(0));
    page.set_word_at(shape().free_list.next, anchor);
    page.set_word_at(shape().free_list.prev, anchor);
  }
};

void set_mappings(Memmap& memmap, Page head, const PageSetup& setup) {
  const auto raw = static_cast<std::int32_t>(setup.mapcount - 1);
  if (setup.order == 0) return head.set_mapcount_raw(raw);
  const Shape& shape = memmap.shape();
  const Page tail = memmap.page(memmap.pfn_of(head) + 1);
  const auto count = static_cast<std::uint32_t>(raw);
  if (shape.entire_mapcount != 0) atomics::store(tail.u32(shape.entire_mapcount), count);
  if (shape.large_mapcount != 0) atomics::store(tail.u32(shape.large_mapcount), count);
  if (shape.nr_pages_mapped != 0)
    atomics::store(tail.u32(shape.nr_pages_mapped), setup.mapcount != 0 ? kEntirelyMapped : 0U);
}

}  // namespace

std::int32_t own_references(const Shape& shape, const PageSetup& setup) {
  const PageType type = type_of_head(setup.type);
  if (type == PageType::kFree) return 0;
  if (!kMappedTypes.has(type)) return 1;
  const auto mappings = static_cast<std::int32_t>(setup.mapcount);
  if (type == PageType::kFile) return mappings + (1 << setup.order);
  if (!kZoneDeviceTypes.has(type)) return std::max(mappings, 1);
  const DeviceMemory memory = device_memory(type);
  const std::int32_t base = memory == DeviceMemory::kGeneric ? kGenericBase
                            : is_hmm(memory)                 ? shape.private_base
                                                             : shape.zone_device_base;
  return std::max(mappings + base, 1);
}

void put_field(Page page, const Field& field, std::uint64_t value) {
  const unsigned word_bytes = page.shape().word_bytes;
  const unsigned shift = field.offset_bytes % word_bytes * 8U + field.shift;
  const std::uint64_t mask = (field.bits >= 64 ? ~0ULL : (1ULL << field.bits) - 1) << shift;
  const unsigned word = field.offset_bytes / word_bytes;
  page.set_word(word, (page.word(word) & ~mask) | (value << shift & mask));
}

Errc clear_page(Memmap& memmap, Zone& zone, Pfn pfn) {
  const Page page = compound_head(memmap, memmap.page(pfn));
  if (page.test(Flag::kLru)) {
    const Result<bool> isolated = zone.isolate(page);
    if (!isolated) return isolated.error;
  }
  const std::uint64_t pages = 1ULL << folio_order(memmap, page);
  const std::uint64_t left = memmap.capacity() - memmap.pfn_of(page).value;
  // No one else may know the page: plain stores.
  const std::uint64_t bytes = std::min(pages, left) * memmap.shape().stride_bytes;
  memory_changes(page.at(), bytes);
  std::memset(page.at(), 0, bytes);
  return Errc::kOk;
}

Errc setup_page(Memmap& memmap, Zone& zone, Pfn pfn, const PageSetup& setup) {
  if (!has_page(memmap.layout(), setup.type, setup.order)) return Errc::kRefused;
  if (setup.order > kMaxOrder || setup.mapcount > 0x7fffffff) return Errc::kInval;
  const std::uint64_t pages = 1ULL << setup.order;
  if (pfn.value % pages != 0 || pfn.value >= memmap.capacity() ||
      pages > memmap.capacity() - pfn.value)
    return Errc::kInval;

  const PageType type = type_of_head(setup.type);
  const bool device = kZoneDeviceTypes.has(type);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const Pfn each = pfn + i;
    if (memmap.touched(each)) {
      if (const Errc error = clear_page(memmap, zone, each); error != Errc::kOk) return error;
    }
    memmap.init_descriptor(each, device ? kZoneDevice : kZoneNormal);
  }

  const Page head = memmap.page(pfn);
  prep_compound(memmap, pfn, setup.order);
  const Writer writer{memmap, head, type};
  const Shape& shape = memmap.shape();
  if (device)
    writer.device();
  else if (type == PageType::kSlab)
    writer.slab();
  else if (type == PageType::kPageTable)
    writer.page_table();
  else if (type == PageType::kFree)
    writer.free_block();
  else
    writer.user(shape.mapping, shape.index, shape.memcg);

  if (kMappedTypes.has(type)) set_mappings(memmap, head, setup);
  if (setup.on_lru && kLruTypes.has(type)) {
    const Guard guard(zone.lru_lock());
    if (const Errc error = zone.add(head, Zone::kind_of(head)); error != Errc::kOk) return error;
  }
  // Last: from now on anybody may pin it, and a scheme may take the links for that.
  head.set_refcount(own_references(shape, setup));
  return Errc::kOk;
}

namespace {

PageType classify_device(const Memmap& memmap, Page page) {
  const Shape& shape = memmap.shape();
  const auto word = [&](std::uint16_t offset) { return offset == 0 ? 0 : page.word_at(offset); };
  const auto index = memmap.addresses().object_at(ObjectKind::kDevPagemap, word(shape.pgmap));
  const bool anon = (word(shape.device_mapping) & kMappingAnon) != 0 ||
                    (shape.device_mapping == 0 && page.test(Flag::kSwapBacked));
  const unsigned memory = index ? device_memory_of(*index) : 0;
  const DeviceMemoryInfo& row = kDeviceMemoryTable[memory < kDeviceMemories ? memory : 0];
  return anon ? row.page : row.file;
}

}  // namespace

PageType classify(const Memmap& memmap, Pfn pfn) {
  const Page page = memmap.page(pfn);
  const Shape& shape = memmap.shape();
  if (is_tail(page)) {
    const Page head = compound_head(memmap, page);
    return pfn - memmap.pfn_of(head) == 2 ? PageType::kSecondTail : PageType::kTail;
  }
  if (shape.in_device_zone(page.flags())) return classify_device(memmap, page);

  const auto type = static_cast<std::uint32_t>(page.mapcount_raw());
  // Since v6.11 the top byte says it, and what lies below is the type's own.
  const auto is = [&](std::uint32_t value) {
    return value != 0 && (value << 8 == 0 ? type >> 24 == value >> 24 : type == value);
  };
  if (page.test(Flag::kSlab) || is(shape.slab_type)) return PageType::kSlab;
  if (is(shape.table_type)) return PageType::kPageTable;
  if (is(shape.buddy_type) || page.refcount() == 0) return PageType::kFree;
  const std::uint64_t mapping = shape.mapping == 0 ? 0 : page.mapping();
  const bool file = mapping != 0 && (mapping & kMappingAnon) == 0;
  if (file) return PageType::kFile;
  return page.test(Flag::kHead) ? PageType::kCompoundHead : PageType::kAnon;
}

}  // namespace pagebox::inline PAGEBOX_ENV
