// Writing through indices: bounds, and adding where several threads may meet.

/// An index with negative ones counted from the end; one out of range stops the kernel.
__device__ inline long chosen(long index, long size) {
  if (index < -size || index >= size) __trap();
  return index < 0 ? index + size : index;
}


/// `*place += value` as one step, for any type of 1, 2, 4 or 8 bytes.
template <class T>
__device__ inline void add_to(T *place, math_t<T> value) {
  if constexpr (same<T, float>::value || same<T, double>::value) {
    atomicAdd(place, value);
  } else if constexpr (sizeof(T) == 8) {
    atomicAdd((unsigned long long *)place, (unsigned long long)value);
  } else {
    unsigned *word = (unsigned *)((unsigned long)place & ~3ul);
    const unsigned shift = ((unsigned long)place & 3) * 8;
    const unsigned mask = sizeof(T) == 4 ? ~0u : ((1u << sizeof(T) * 8 % 32) - 1) << shift;
    unsigned old = *word, seen;
    do {
      seen = old;
      T current;
      unsigned bits = (seen & mask) >> shift;
      __builtin_memcpy(&current, &bits, sizeof(T));
      current = to<T>(to<math_t<T>>(current) + value);
      bits = 0;
      __builtin_memcpy(&bits, &current, sizeof(T));
      old = atomicCAS(word, seen, (seen & ~mask) | (bits << shift));
    } while (old != seen);
  }
}
