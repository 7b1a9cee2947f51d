// How the elements of weights are stored and widened: the layouts of loupe's package kernels.
#pragma once

#include "device.cuh"

enum Kind { F32, BF16, F16, INT8, INT4, INT4_ZEROS, BF16_ROUNDED };

FN float bf16_to_float(uint16_t b) { return float_of(unsigned(b) << 16); }

// float_to_bf16 rounds to the nearest bfloat16, ties to even. A NaN stays one.
FN uint16_t float_to_bf16(float x) {
  unsigned b = bits_of(x);
  if ((b & 0x7fffffff) > 0x7f800000) return uint16_t(b >> 16 | 0x40);
  return uint16_t((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

// rounded_activation is the bfloat16 that stands for x in products of the bf16 precision, widened: +0 below 2^-49.
FN float rounded_activation(float x) {
  if (x > -0x1p-49f && x < 0x1p-49f) return 0;
  return bf16_to_float(float_to_bf16(x));
}

// widen16 widens a weight of two bytes. Of BF16_ROUNDED those below 2^-63 are +0.
template <Kind K> FN float widen16(uint16_t b) {
  if (K == F16) return half_to_float(b);
  if (K == BF16_ROUNDED && !(b & 0x6000)) return 0;
  return bf16_to_float(b);
}

// Panels is kernels.PackedWeights: weights of 8 or 4 bits in panels of 32 rows and blocks of 32 steps.
struct Panels {
  const uint8_t *weights;
  const uint16_t *scales;
  const uint8_t *more; // sub-scales of INT4, zero points of INT4_ZEROS
  int blocks, groups, per; // of a row; blocks with one scale
};

// words is how many words of 4 bytes a column has in a block.
template <Kind K> FN int words_of() { return K == INT8 ? 8 : 4; }

// dequantized is element (r, k) as the float32 number that it stands for.
template <Kind K> FN float dequantized(const Panels &p, int r, int k) {
  int panel = r / 32, c = r % 32, block = k / 32, at = k % 32;
  const uint8_t *w = p.weights + (int64_t(panel) * p.blocks + block) * (words_of<K>() * 128);
  int64_t group = (int64_t(panel) * p.groups + block / p.per) * 32 + c;
  float step = half_to_float(p.scales[group]);
  int q, zero = 128;
  if (K == INT8) {
    q = w[at / 4 * 128 + 4 * c + at % 4];
  } else {
    q = w[at % 16 / 4 * 128 + 4 * c + at % 4] >> at / 16 * 4 & 15;
    if (K == INT4) {
      step = mul_rn(step, int_to_float(int8_t(p.more[(int64_t(panel) * p.blocks + block) * 32 + c])));
      zero = 8;
    } else {
      zero = p.more[group];
    }
  }
  return mul_rn(step, int_to_float(q - zero));
}
