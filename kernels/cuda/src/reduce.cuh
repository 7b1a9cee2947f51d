// Sums and maxima over a row, by a block of 128 threads. Sums go over 16 lanes, element i in lane i modulo 16, and then the tree 8, 4, 2, 1:
// sixteen threads add, whatever the others do.
#pragma once

#include "device.cuh"

// larger reports whether the number v at i goes before the number best at b. NaN goes after all; of nothing else the last one is found.
FN bool larger(float v, int i, float best, int b) {
  if (b < 0) return true;
  if (v != v) return best != best && i > b;
  return best != best || v > best || (v == best && i < b);
}

enum { ROW_BLOCK = 128, CHUNK = 1024 };

// lane_sum is the sum of f(i) for i below n, for all threads of the block. All compute f, a chunk at a time; sixteen add.
template <typename F> FN float lane_sum(int n, F f) {
  SHARED(float, chunk, CHUNK);
  SHARED(float, lanes, 16);
  int t = threadIdx.x;
  float sum = 0;
#pragma unroll 1
  for (int at = 0; at < n; at += CHUNK) {
    int m = n - at < CHUNK ? n - at : CHUNK;
    for (int i = t; i < m; i += ROW_BLOCK) chunk[i] = f(at + i);
    SYNC();
    if (PLANTED("lanes")) {
      for (int i = 0; i < m && t == 0; i++) sum = add_rn(sum, chunk[i]);
    } else if (t < 16) {
#pragma unroll 8
      for (int i = t; i < m; i += 16) sum = add_rn(sum, chunk[i]);
    }
    SYNC();
  }
  if (t < 16) lanes[t] = sum;
  SYNC();
#pragma unroll
  for (int step = 8; step > 0; step /= 2) {
    if (t < step) lanes[t] = add_rn(lanes[t], lanes[t + step]);
    SYNC();
  }
  float total = lanes[0];
  SYNC();
  return total;
}

// maximum is the largest of f(i), and the first place where it is; NaN is never the largest. n is not 0.
struct Maximum {
  float value;
  int place;
};
template <typename F> FN Maximum maximum(int n, F f) {
  SHARED(float, values, ROW_BLOCK);
  SHARED(int, places, ROW_BLOCK);
  int t = threadIdx.x;
  float best = 0;
  int place = -1;
  for (int i = t; i < n; i += ROW_BLOCK) {
    float v = f(i);
    if (larger(v, i, best, place)) best = v, place = i;
  }
  values[t] = best, places[t] = place;
  SYNC();
  for (int step = ROW_BLOCK / 2; step > 0; step /= 2) {
    if (t < step && places[t + step] >= 0 && larger(values[t + step], places[t + step], values[t], places[t])) values[t] = values[t + step], places[t] = places[t + step];
    SYNC();
  }
  Maximum m = {values[0], places[0]};
  SYNC();
  return m;
}
