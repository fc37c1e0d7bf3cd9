/// Memory for the core's own objects: everything comes from the host's arena, so that a snapshot of the arena is a
/// snapshot of the core. Size classes with free lists; exhaustion is an ordinary null (ENOMEM to a guest).
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace hv {

/// Takes over the arena of the machine that boots. Everything allocated before is forgotten.
void arena_init();
/// Zeroed memory; null when the arena is full. Aligned to the largest power of two that divides its size class, a page
/// at most: what is as large as a power of two is aligned to that, and everything to 32 bytes.
void* arena_alloc(size_t bytes);
/// `bytes` must be what was asked for.
void arena_free(void* memory, size_t bytes);
/// Bytes handed out, size classes counted whole: what an audit compares before and after.
size_t arena_in_use();

template <typename T, typename... Args>
T* arena_new(Args&&... args) {
  void* memory = arena_alloc(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T(std::forward<Args>(args)...);
}

template <typename T>
void arena_delete(T* object) {
  if (object == nullptr) return;
  object->~T();
  arena_free(object, sizeof(T));
}

/// A zero-initialised array of trivially destructible objects.
template <typename T>
T* arena_array(size_t count) {
  return static_cast<T*>(arena_alloc(count * sizeof(T)));
}
template <typename T>
void arena_array_free(T* array, size_t count) {
  if (array != nullptr) arena_free(array, count * sizeof(T));
}

}  // namespace hv
