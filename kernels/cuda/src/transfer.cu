// What goes between the program and the device: a few bytes up, in a kernel's argument, and whether numbers are finite, which is read with
// what comes down next.
#include "device.cuh"

// Put is bytes for device memory. to is a multiple of 4, and so is what is put there but for the last ones.
template <int N> struct Put {
  unsigned char *to;
  int64_t bytes;
  unsigned words[N];
};

template <int N> FN void put(const Put<N> &a) {
  int whole = int(a.bytes / 4);
  for (int i = threadIdx.x; i < whole; i += blockDim.x) reinterpret_cast<unsigned *>(a.to)[i] = a.words[i];
  int rest = int(a.bytes % 4);
  if (int(threadIdx.x) < rest) a.to[4 * whole + threadIdx.x] = a.words[whole] >> 8 * threadIdx.x;
}

KERNEL(64, put_256)(Put<64> a) { put(a); }
EXPORT(put_256)
KERNEL(256, put_4000)(Put<1000> a) { put(a); }
EXPORT(put_4000)

// Find is an array, and two words for each of its rows.
struct Find {
  const float *x;
  int64_t x_row;
  unsigned *found;
  int cols, unused;
};

// find_non_finite writes the column of the first number of a row that is infinite or NaN, or 0xffffffff, and the number's bits: x itself may
// be written over before anybody reads what was found. A block is one row.
KERNEL(256, find_non_finite)(Find a) {
  SHARED(unsigned, least, 256);
  const float *x = a.x + blockIdx.x * a.x_row;
  int t = threadIdx.x;
  unsigned mine = 0xffffffffu;
  for (int i = t; i < a.cols; i += blockDim.x) {
    float v = x[i];
    if (sub_rn(v, v) != 0 && unsigned(i) < mine) mine = i;
  }
  least[t] = mine;
  SYNC();
  for (int step = blockDim.x / 2; step > 0; step /= 2) {
    if (t < step && least[t + step] < least[t]) least[t] = least[t + step];
    SYNC();
  }
  if (t == 0) {
    a.found[2 * blockIdx.x] = least[0];
    a.found[2 * blockIdx.x + 1] = least[0] == 0xffffffffu ? 0 : bits_of(x[least[0]]);
  }
}
EXPORT(find_non_finite)
