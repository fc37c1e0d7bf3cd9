#include "hv/mm/translations.hpp"

namespace hv {

namespace {

uint64_t everybody = 0;
uint64_t wanted = 0;
bool stale = false;
void (*complete_flushes)() = nullptr;

}  // namespace

void translations_init() {
  everybody = wanted = 0;
  stale = false;
  complete_flushes = nullptr;
}

void set_flush_hook(void (*complete)()) {
  complete_flushes = complete;
}

void translations_left_stale() {
  stale = true;
}

void forget_stale_translations() {
  if (!stale) return;
  stale = false;
  ++everybody;
  want_flush();
}

void flush_stale_translations() {
  forget_stale_translations();
  if (complete_flushes != nullptr) complete_flushes();
}

uint64_t translations_version() {
  return everybody;
}

uint64_t flushes_wanted() {
  return wanted;
}

void want_flush() {
  ++wanted;
}

void flush_translations(DomainMemory& memory) {
  ++memory.tlb_version;
  want_flush();
}

}  // namespace hv
