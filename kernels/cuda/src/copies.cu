// Copies of many arrays in one launch, which the kernel's argument holds: the new keys and values of a batch go to their pages.
#include "device.cuh"

struct ArrayCopy {
  float *to;
  const float *from;
  int to_row, from_row, rows, cols;
};

template <int N> struct ArrayCopies {
  ArrayCopy each[N]; // one for each blockIdx.y
};

template <int N> FN void copy_arrays(const ArrayCopies<N> &a) {
  const ArrayCopy &c = a.each[blockIdx.y];
  EACH(i, int64_t(c.rows) * c.cols) { c.to[i / c.cols * c.to_row + i % c.cols] = c.from[i / c.cols * c.from_row + i % c.cols]; }
}

KERNEL(256, copy_arrays_4)(ArrayCopies<4> a) { copy_arrays(a); }
EXPORT(copy_arrays_4)
KERNEL(256, copy_arrays_100)(ArrayCopies<100> a) { copy_arrays(a); }
EXPORT(copy_arrays_100)
