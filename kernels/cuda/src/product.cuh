// What products of many and of few rows have in common.
#pragma once

#include "count.cuh"
#include "elements.cuh"

// Product is a batch of products dst = x w. Member z of the batch has dst + z*dst_batch, x + z*x_batch and w + z/w_share*w_batch.
struct Product {
  float *dst;
  const float *x;
  const void *w;
  const float *bias; // of each column; null for none
  Panels panels;     // in place of w
  int64_t dst_row, x_row, x_step, w_row; // between elements; w_row between rows of w as it is stored
  int64_t dst_batch, x_batch, w_batch;
  int rows, cols, steps, w_share, accumulate;
  int plus_zero; // +0 is added last, after which no 0 is negative
};

// finished is what is stored of column c.
FN float finished(const Product &a, float acc, int c) {
  if (a.bias) acc = add_rn(acc, a.bias[c]);
  return a.plus_zero ? add_rn(acc, 0) : acc;
}

// aligned reports whether rows of elements of so many bytes can be read 16 bytes at a time.
FN bool aligned(const void *p, int64_t row, int bytes) { return (uint64_t(p) | uint64_t(row * bytes)) % 16 == 0; }

// step_of is the i-th of the steps of a stage: of bfloat16 the odd one of each pair comes first.
template <Kind K> FN int step_of(int i, int n) { return K == BF16_ROUNDED && (i ^ 1) < n ? i ^ 1 : i; }

FN float part(const float4 &v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// shared4 is four floats of shared memory, one load: see count.cuh.
#define shared4(p) COUNTED(float4, p)
