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

// Peak is what loops without a purpose take: the arithmetic and the reading that a GPU can do at most. out is written only where nobody
// expects it, so that nothing is left out.
struct Peak {
  float *out;
  const uint4 *in;
  int64_t n; // of in
  int steps, never;
};

enum { PEAK_FMA = 16, PEAK_MMA = 8 }; // independent chains

// peak_fma does steps * PEAK_FMA multiply-adds in each thread.
KERNEL(256, peak_fma)(Peak a) {
  float acc[PEAK_FMA], x = float_of(0x3f7fff00u + threadIdx.x), y = float_of(0x3f000000u + threadIdx.x);
#pragma unroll
  for (int i = 0; i < PEAK_FMA; i++) acc[i] = int_to_float(i);
#pragma unroll 8
  for (int s = 0; s < a.steps; s++) {
#pragma unroll
    for (int i = 0; i < PEAK_FMA; i++) acc[i] = fma_rn(acc[i], x, y);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < PEAK_FMA; i++) sum = add_rn(sum, acc[i]);
  if (bits_of(sum) == unsigned(a.never)) a.out[0] = sum;
}
EXPORT(peak_fma)

// peak_mma_s8 does steps * PEAK_MMA products of (16, 32) and (32, 8) bytes in each warp.
KERNEL(256, peak_mma_s8)(Peak a) {
  int d[PEAK_MMA][4], sum = 0;
  unsigned x[4], w[2];
#pragma unroll
  for (int i = 0; i < PEAK_MMA * 4; i++) d[i / 4][i % 4] = i;
#pragma unroll
  for (int i = 0; i < 4; i++) x[i] = unsigned(mix64(threadIdx.x * 8 + i)), w[i % 2] = unsigned(mix64(threadIdx.x * 8 + 4 + i));
#pragma unroll 2
  for (int s = 0; s < a.steps; s++) {
#pragma unroll
    for (int i = 0; i < PEAK_MMA; i++) MMA_S8(d[i], x, w);
  }
#pragma unroll
  for (int i = 0; i < PEAK_MMA * 4; i++) sum ^= d[i / 4][i % 4];
  if (sum == a.never) a.out[0] = int_to_float(sum);
}
EXPORT(peak_mma_s8)

// peak_mma_bf16 does steps * PEAK_MMA products of (16, 16) and (16, 8) bfloat16 in each warp.
KERNEL(256, peak_mma_bf16)(Peak a) {
  float d[PEAK_MMA][4], sum = 0;
  unsigned x[4], w[2];
#pragma unroll
  for (int i = 0; i < PEAK_MMA * 4; i++) d[i / 4][i % 4] = int_to_float(i);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    x[i] = (unsigned(mix64(threadIdx.x * 8 + i)) & 0x807f807fu) | 0x3f003f00u; // from 0.5 to 2, of either sign
    w[i % 2] = (unsigned(mix64(threadIdx.x * 8 + 4 + i)) & 0x807f807fu) | 0x3f003f00u;
  }
#pragma unroll 2
  for (int s = 0; s < a.steps; s++) {
#pragma unroll
    for (int i = 0; i < PEAK_MMA; i++) MMA_BF16(d[i], x, w);
  }
#pragma unroll
  for (int i = 0; i < PEAK_MMA * 4; i++) sum = add_rn(sum, d[i / 4][i % 4]);
  if (bits_of(sum) == unsigned(a.never)) a.out[0] = sum;
}
EXPORT(peak_mma_bf16)

// peak_read reads in from its beginning to its end, steps times.
KERNEL(256, peak_read)(Peak a) {
  unsigned x = 0;
  int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int s = 0; s < a.steps; s++) {
    int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i + 3 * stride < a.n; i += 4 * stride) {
      uint4 v[4];
#pragma unroll
      for (int j = 0; j < 4; j++) v[j] = a.in[i + j * stride];
#pragma unroll
      for (int j = 0; j < 4; j++) x ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
    }
    for (; i < a.n; i += stride) x ^= a.in[i].x ^ a.in[i].y ^ a.in[i].z ^ a.in[i].w;
    x = x << 1 | x >> 31;
  }
  if (x == unsigned(a.never)) a.out[0] = float_of(x);
}
EXPORT(peak_read)

// peak_nothing is what a launch alone costs.
KERNEL(32, peak_nothing)(Peak a) {
  if (a.steps < 0) a.out[0] = 0;
}
EXPORT(peak_nothing)

// FreeOrder is dst[r] = the sum over k of x[k] * w[r][k] in whatever order is the fastest, which is what law 1 forgoes: 128 threads read a
// row of bfloat16 from end to end, into sums side by side. Nothing computes with it; it is measured beside the products of one row.
struct FreeOrder {
  float *dst;
  const float *x;
  const uint16_t *w;
  int64_t w_row; // a multiple of 8
  int cols, steps;
};

KERNEL(128, free_order)(FreeOrder a) {
  SHARED(float, sums, 128);
  const uint4 *w = reinterpret_cast<const uint4 *>(a.w + blockIdx.x * a.w_row);
  const float4 *x = reinterpret_cast<const float4 *>(a.x);
  float acc[8];
#pragma unroll
  for (int i = 0; i < 8; i++) acc[i] = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < a.steps / 8; i += 128) {
    uint4 q = w[i];
    float4 near = x[2 * i], far = x[2 * i + 1];
    acc[0] = fma_rn(near.x, float_of(q.x << 16), acc[0]), acc[1] = fma_rn(near.y, float_of(q.x & 0xffff0000u), acc[1]);
    acc[2] = fma_rn(near.z, float_of(q.y << 16), acc[2]), acc[3] = fma_rn(near.w, float_of(q.y & 0xffff0000u), acc[3]);
    acc[4] = fma_rn(far.x, float_of(q.z << 16), acc[4]), acc[5] = fma_rn(far.y, float_of(q.z & 0xffff0000u), acc[5]);
    acc[6] = fma_rn(far.z, float_of(q.w << 16), acc[6]), acc[7] = fma_rn(far.w, float_of(q.w & 0xffff0000u), acc[7]);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 8; i++) sum = add_rn(sum, acc[i]);
  sums[threadIdx.x] = sum;
  for (int half = 64; half > 0; half /= 2) {
    SYNC();
    if (int(threadIdx.x) < half) sums[threadIdx.x] = add_rn(sums[threadIdx.x], sums[threadIdx.x + half]);
  }
  if (threadIdx.x == 0) a.dst[blockIdx.x] = sums[0];
}
EXPORT(free_order)
