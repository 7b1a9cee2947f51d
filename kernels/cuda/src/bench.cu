// Random weights for measuring, made where they are used, and what a GPU can do at most.
#include "elements.cuh"

// mix64 is the finalizer of SplitMix64: num.Mix64.
FN uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

// RandomHalves is kernels.RandomWeights in two bytes each.
struct RandomHalves {
  uint16_t *out;
  const uint16_t *values; // 4096
  uint64_t key;
  int64_t n;
};

KERNEL(256, random_halves)(RandomHalves a) {
  EACH(i, (a.n + 3) / 4) {
    uint64_t x = mix64(a.key + i);
    uint2 four = {a.values[x >> 4 & 4095] | unsigned(a.values[x >> 20 & 4095]) << 16, a.values[x >> 36 & 4095] | unsigned(a.values[x >> 52]) << 16};
    if (4 * i + 4 <= a.n) {
      reinterpret_cast<uint2 *>(a.out)[i] = four;
    } else {
      for (int j = 0; 4 * i + j < a.n; j++) a.out[4 * i + j] = uint16_t((j < 2 ? four.x : four.y) >> j % 2 * 16);
    }
  }
}
EXPORT(random_halves)

// RandomPanels is kernels.RandomWeights as packed weights of 8 or of 4 bits.
struct RandomPanels {
  uint8_t *weights;
  uint16_t *scales;
  uint8_t *more; // sub-scales, of 4 bits
  uint64_t key;
  int64_t n_weights, n_scales, n_more;
  int rows, cols, blocks, bits, scale;
};

KERNEL(256, random_panels)(RandomPanels a) {
  int size = 128 * a.bits; // of a block
  EACH(i, a.n_weights / 8) {
    uint64_t x = mix64(a.key + i), out = 0;
    int64_t block = i * 8 / size;
    int at = int(i * 8 % size);
    for (int j = 0; j < 8; j++) {
      unsigned q = x >> 8 * j & 255;
      int64_t row = block / a.blocks * 32 + (at + j) % 128 / 4, step = block % a.blocks * 32 + at / 128 * 4 + j % 4;
      if (a.bits == 8) {
        if (row >= a.rows || step >= a.cols || q == 0) q = 128;
      } else {
        if (row >= a.rows || step >= a.cols) q = (q & 0xf0) | 8;
        if (row >= a.rows || step + 16 >= a.cols) q = (q & 0x0f) | 0x80;
      }
      out |= uint64_t(q) << 8 * j;
    }
    reinterpret_cast<uint2 *>(a.weights)[i] = {unsigned(out), unsigned(out >> 32)};
  }
  EACH(i, a.n_scales) a.scales[i] = uint16_t(a.scale + (mix64((a.key ^ uint64_t(1) << 63) + i) & 255));
  EACH(i, a.n_more) {
    uint64_t x = mix64((a.key ^ uint64_t(1) << 62) + i);
    int s = 8 + int(x & 7);
    a.more[i] = uint8_t(x >> 63 ? -s : s);
  }
}
EXPORT(random_panels)
