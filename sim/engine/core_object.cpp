#include "sim/engine/core_object.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "sim/engine/core_counters.hpp"

namespace assay {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw CoreRefused("core " + path.string() + ": " + why);
}

/// dlopen's own words for these are poor ("invalid ELF header"), so look first.
void check_elf_header(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  const bool whole = file.gcount() == sizeof header;
  if (!whole || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse(path, "is not an ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) {
    refuse(path, "is not built for x86-64; build the core for the machine that runs the simulator");
  }
  if (header.e_type != ET_DYN) refuse(path, "is not a shared object; link the core with -shared");
}

/// The loader knows a file that it has loaded already by its name and by its number: a copy without a name has neither.
int copy_of(const std::filesystem::path& path) {
  const int from = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int to = memfd_create("assay-core", MFD_CLOEXEC);
  struct stat status {};
  bool is_whole = from >= 0 && to >= 0 && fstat(from, &status) == 0;
  for (off_t left = status.st_size; is_whole && left > 0;) {
    const ssize_t done = sendfile(to, from, nullptr, static_cast<size_t>(left));
    is_whole = done > 0;
    left -= done;
  }
  if (from >= 0) close(from);
  if (!is_whole) {
    if (to >= 0) close(to);
    refuse(path, std::string("cannot be copied for a second machine: ") + std::strerror(errno));
  }
  return to;
}

/// Copies whole segments, what a sanitizer keeps between variables included: neither memcpy nor a loop may do that.
void copy_raw(void* to, const void* from, size_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

struct Segments {
  uintptr_t base;
  std::vector<std::span<std::byte>> writable;
  uintptr_t end = 0;
};

/// Writable segments without their RELRO part, which is read-only once relocated.
int collect_segments(dl_phdr_info* info, size_t, void* argument) {
  auto& found = *static_cast<Segments*>(argument);
  if (info->dlpi_addr != found.base) return 0;
  const std::span headers(info->dlpi_phdr, info->dlpi_phnum);
  uintptr_t relro_end = 0;
  for (const auto& header : headers) {
    constexpr uintptr_t kPageMask = ASSAY_PAGE_SIZE - 1;
    if (header.p_type == PT_GNU_RELRO) relro_end = (header.p_vaddr + header.p_memsz + kPageMask) & ~kPageMask;
  }
  for (const auto& header : headers) {
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t end = header.p_vaddr + header.p_memsz;
    found.end = std::max(found.end, found.base + end);
    if ((header.p_flags & PF_W) == 0) continue;
    const uintptr_t start = std::clamp(relro_end, header.p_vaddr, end);
    if (start < end) found.writable.emplace_back(reinterpret_cast<std::byte*>(found.base + start), end - start);
  }
  return 1;
}

/// What is counted while a core is fuzzed or measured must survive when the core goes back.
std::vector<std::span<std::byte>> without_counters(const Segments& all, const std::vector<CounterRange>& counters) {
  std::vector<std::span<std::byte>> left;
  for (std::span<std::byte> segment : all.writable) {
    for (const CounterRange& counter : counters) {
      const uintptr_t offset = all.base + counter.start - reinterpret_cast<uintptr_t>(segment.data());
      if (offset >= segment.size()) continue;
      left.push_back(segment.first(offset));
      segment = segment.subspan(std::min<size_t>(segment.size(), offset + counter.bytes));
    }
    left.push_back(segment);
  }
  return left;
}

}  // namespace

CoreObject::CoreObject(const std::filesystem::path& path) : path_(path) {
  check_elf_header(path_);
  load();
  try {
    find_symbol();
    check_versions();
    find_segments();
  } catch (...) {
    unload();
    throw;
  }
  initial_data_ = save_data();
}

CoreObject::~CoreObject() {
  unload();
}

void CoreObject::load() {
  // An absolute name keeps dlopen from searching the library path.
  std::string name = std::filesystem::absolute(path_);
  if (void* const loaded = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)) {
    dlclose(loaded);
    copy_ = copy_of(path_);
    name = "/proc/self/fd/" + std::to_string(copy_);
  }
  handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ != nullptr) return;
  const std::string why = dlerror();
  if (copy_ >= 0) close(copy_);
  refuse(path_, "cannot be loaded: " + why);
}

void CoreObject::unload() {
  dlclose(handle_);
  // Not before: the name of the next copy must be another one.
  if (copy_ >= 0) close(copy_);
}

void CoreObject::find_symbol() {
  void* const symbol = dlsym(handle_, ASSAY_CORE_SYMBOL);
  if (symbol == nullptr) refuse(path_, "exports no symbol " ASSAY_CORE_SYMBOL "; see sim/port/README.md");
  Dl_info info{};
  void* found = nullptr;
  const int known = dladdr1(symbol, &info, &found, RTLD_DL_SYMENT);
  const auto* const entry = static_cast<const Elf64_Sym*>(found);
  if (known != 0 && entry != nullptr && entry->st_size != 0 && entry->st_size < sizeof(assay_core)) {
    refuse(path_, "its " ASSAY_CORE_SYMBOL " has " + std::to_string(entry->st_size) + " bytes, not " +
                      std::to_string(sizeof(assay_core)) + "; rebuild it with this port.h");
  }
  core_ = static_cast<const assay_core*>(symbol);
}

void CoreObject::check_versions() const {
  const auto ours = std::to_string(ASSAY_PORT_MAJOR) + "." + std::to_string(ASSAY_PORT_MINOR);
  const auto theirs = std::to_string(core_->major) + "." + std::to_string(core_->minor);
  if (core_->major != ASSAY_PORT_MAJOR || core_->minor > ASSAY_PORT_MINOR) {
    refuse(path_, "was built for port version " + theirs + ", this host speaks " + ours +
                      "; rebuild it with this host's sim/port/port.h");
  }
  if (core_->boot == nullptr || core_->build_first_domain == nullptr || core_->enter == nullptr) {
    refuse(path_, "leaves boot, build_first_domain or enter null");
  }
}

void CoreObject::find_segments() {
  link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0) refuse(path_, std::string("cannot be inspected: ") + dlerror());
  Segments found{map->l_addr, {}};
  dl_iterate_phdr(collect_segments, &found);
  base_ = found.base;
  end_ = found.end;
  const std::vector<CounterRange> counters = counters_of(path_);
  writable_ = without_counters(found, counters);
  const auto places = std::ranges::find(counters, kPlacesSection, &CounterRange::section);
  if (places != counters.end()) places_ = {reinterpret_cast<uint8_t*>(base_ + places->start), places->bytes};
  std::ranges::fill(places_, 0);  // it may have been loaded before
}

CoreObject::Data CoreObject::save_data() const {
  size_t bytes = 0;
  for (const auto& segment : writable_) bytes += segment.size();
  Data data(bytes);
  size_t to = 0;
  for (const auto& segment : writable_) {
    copy_raw(data.data() + to, segment.data(), segment.size());
    to += segment.size();
  }
  return data;
}

void CoreObject::restore_data(const Data& data) const {
  size_t from = 0;
  for (const auto& segment : writable_) {
    copy_raw(segment.data(), data.data() + from, segment.size());
    from += segment.size();
  }
}

std::string CoreObject::describe_address(uintptr_t address) const {
  if (address < base_ || address >= end_) return {};
  std::array<char, 24> offset{};
  std::snprintf(offset.data(), offset.size(), "+0x%llx", static_cast<unsigned long long>(address - base_));
  return path_.filename().string() + offset.data();
}

}  // namespace assay
