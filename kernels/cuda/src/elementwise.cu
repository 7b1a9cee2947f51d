// Functions of each element by itself, with their backwards, which add.
#include "functions.cuh"

// Elements is up to two results and four operands of (rows, cols), each with the distance of its rows. A null result is left out.
struct Elements {
  float *to[2];
  const float *of[4];
  int64_t to_row[2], of_row[4];
  int rows, cols;
  float scale;
};

FN float &result(const Elements &a, int i, int64_t r, int64_t c) { return a.to[i][r * a.to_row[i] + c]; }
FN float operand(const Elements &a, int i, int64_t r, int64_t c) { return a.of[i][r * a.of_row[i] + c]; }

// ELEMENTS is a kernel that does something for element (r, c).
#define ELEMENTS(name, ...)                                \
  KERNEL(256, name)(Elements a) {                          \
    EACH(i, int64_t(a.rows) * a.cols) {                    \
      int64_t r = i / a.cols, c = i % a.cols;              \
      __VA_ARGS__                                          \
    }                                                      \
  }                                                        \
  EXPORT(name)

ELEMENTS(add, result(a, 0, r, c) = add_rn(operand(a, 0, r, c), operand(a, 1, r, c));)
ELEMENTS(scale, result(a, 0, r, c) = mul_rn(operand(a, 0, r, c), a.scale);)
ELEMENTS(add_scaled, result(a, 0, r, c) = add_rn(operand(a, 0, r, c), mul_rn(operand(a, 1, r, c), a.scale));)
ELEMENTS(scale_columns, result(a, 0, r, c) = mul_rn(operand(a, 0, r, c), a.of[1][c]);)
ELEMENTS(clear, result(a, 0, r, c) = 0;)

// mix is the finalizer of SplitMix64.
FN uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

// Dropout leaves elements out where the mixed number of an element, row after row, is below the limit.
struct Dropout {
  float *to;
  const float *of;
  int64_t to_row, of_row;
  uint64_t key, limit;
  int rows, cols;
  float scale;
};

KERNEL(256, dropout)(Dropout a) {
  EACH(i, int64_t(a.rows) * a.cols) {
    int64_t r = i / a.cols, c = i % a.cols;
    a.to[r * a.to_row + c] = mix(a.key + uint64_t(i)) >> 32 >= a.limit ? mul_rn(a.of[r * a.of_row + c], a.scale) : 0;
  }
}
EXPORT(dropout)

ELEMENTS(quick_gelu, {
  float v = operand(a, 0, r, c);
  result(a, 0, r, c) = mul_rn(v, sigmoid(mul_rn(1.702f, v)));
})

ELEMENTS(quick_gelu_backward, {
  float v = operand(a, 0, r, c), dy = operand(a, 1, r, c), s = sigmoid(mul_rn(1.702f, v));
  float slope = add_rn(s, mul_rn(mul_rn(mul_rn(1.702f, v), s), sub_rn(1, s)));
  result(a, 0, r, c) = add_rn(result(a, 0, r, c), mul_rn(dy, slope));
})

ELEMENTS(gelu, {
  float v = operand(a, 0, r, c);
  result(a, 0, r, c) = mul_rn(mul_rn(v, 0.5f), add_rn(1, erf_of(mul_rn(v, 0.70710678118654752440f))));
})

ELEMENTS(gelu_backward, {
  float v = operand(a, 0, r, c), dy = operand(a, 1, r, c);
  float below = mul_rn(0.5f, add_rn(1, erf_of(mul_rn(v, 0.70710678118654752440f))));
  float at = mul_rn(0.39894228040143267794f, exp_of(mul_rn(mul_rn(-0.5f, v), v)));
  result(a, 0, r, c) = add_rn(result(a, 0, r, c), mul_rn(dy, add_rn(below, mul_rn(v, at))));
})

// Of gate and up.
ELEMENTS(swiglu, {
  float v = operand(a, 0, r, c);
  result(a, 0, r, c) = mul_rn(mul_rn(v, sigmoid(v)), operand(a, 1, r, c));
})

// To dgate and dup, of gate, up and dy.
ELEMENTS(swiglu_backward, {
  float v = operand(a, 0, r, c), up = operand(a, 1, r, c), dy = operand(a, 2, r, c), s = sigmoid(v), silu = mul_rn(v, s);
  if (a.to[0]) result(a, 0, r, c) = add_rn(result(a, 0, r, c), mul_rn(mul_rn(dy, up), add_rn(s, mul_rn(silu, sub_rn(1, s)))));
  if (a.to[1]) result(a, 1, r, c) = add_rn(result(a, 1, r, c), mul_rn(dy, silu));
})

// To the cosines and sines of angles.
ELEMENTS(cos_sin_of, {
  float cosine, sine;
  cos_sin(operand(a, 0, r, c), &cosine, &sine);
  result(a, 0, r, c) = cosine;
  result(a, 1, r, c) = sine;
})

// Rotary turns pairs of each head: with h = half, (x[j], x[j+h]) by angle j of the row.
struct Rotary {
  float *to;
  const float *of, *cos, *sin;
  int64_t to_row, of_row, cos_row, sin_row;
  int rows, pairs, half;
};

KERNEL(256, rotate)(Rotary a) {
  EACH(i, int64_t(a.rows) * a.pairs) {
    int64_t r = i / a.pairs, p = i % a.pairs, j = p % a.half, at = p / a.half * 2 * a.half + j;
    float lo = a.of[r * a.of_row + at], hi = a.of[r * a.of_row + at + a.half], c = a.cos[r * a.cos_row + j], s = a.sin[r * a.sin_row + j];
    a.to[r * a.to_row + at] = add_rn(mul_rn(lo, c), mul_rn(-hi, s));
    a.to[r * a.to_row + at + a.half] = add_rn(mul_rn(hi, c), mul_rn(lo, s));
  }
}
EXPORT(rotate)

KERNEL(256, rotate_backward)(Rotary a) {
  EACH(i, int64_t(a.rows) * a.pairs) {
    int64_t r = i / a.pairs, p = i % a.pairs, j = p % a.half, at = p / a.half * 2 * a.half + j;
    float lo = a.of[r * a.of_row + at], hi = a.of[r * a.of_row + at + a.half], c = a.cos[r * a.cos_row + j], s = a.sin[r * a.sin_row + j];
    float *d = a.to + r * a.to_row + at;
    d[0] = add_rn(d[0], add_rn(mul_rn(lo, c), mul_rn(hi, s)));
    d[a.half] = add_rn(d[a.half], sub_rn(mul_rn(hi, c), mul_rn(lo, s)));
  }
}
EXPORT(rotate_backward)
