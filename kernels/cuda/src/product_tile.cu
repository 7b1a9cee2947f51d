// Products of many rows, by law 1: of each output acc = fma(x[k], w[k], acc) for k ascending, from +0 or from what dst holds.
//
// A block of 256 threads computes 128 x 128 outputs, of which each thread has 8 x 8 in registers. 16 steps of both operands lie in shared
// memory, and the next 16 are on their way while these are multiplied. Both operands lie there with their steps side by side, four of which
// are one load; a row takes 20 floats, so that eight threads that read eight rows find them in different banks.
#include "product.cuh"

enum { TILE = 128, STEPS = 16, PITCH = 20, TILE_THREADS = 256, MINE = 8 };

// fetch_lines starts copies of steps [k, k+16) of rows [first, first+128) to shared memory, where steps lie side by side in p. What is
// beyond rows or steps becomes 0.
FN void fetch_lines(float *to, const float *p, int64_t row, int first, int rows, int k, int steps, bool wide) {
  if (wide) {
    for (int i = threadIdx.x; i < TILE * STEPS / 4; i += TILE_THREADS) {
      int r = i / (STEPS / 4), s = i % (STEPS / 4) * 4, n = steps - (k + s);
      bool in = (first + r < rows || PLANTED("edge")) && n > 0;
      async_copy16(to + r * PITCH + s, in ? p + (first + r) * row + k + s : p, in ? (n < 4 ? 4 * n : 16) : 0);
    }
    return;
  }
#pragma unroll 1
  for (int i = threadIdx.x; i < TILE * STEPS; i += TILE_THREADS) {
    int r = i / STEPS, s = i % STEPS;
    bool in = first + r < rows && k + s < steps;
    async_copy4(to + r * PITCH + s, in ? p + (first + r) * row + k + s : p, in ? 4 : 0);
  }
}

// fetch_columns is fetch_lines where the rows lie side by side: element (r, k) is p[k*step + r].
FN void fetch_columns(float *to, const float *p, int64_t step, int first, int rows, int k, int steps) {
#pragma unroll 1
  for (int i = threadIdx.x; i < TILE * STEPS; i += TILE_THREADS) {
    int r = i % TILE, s = i / TILE;
    bool in = first + r < rows && k + s < steps;
    async_copy4(to + r * PITCH + s, in ? p + (k + s) * step + first + r : p, in ? 4 : 0);
  }
}

// Held is a thread's part of the next weights that are not float32: in registers until they are widened into shared memory.
struct Held {
  float w[8];
};

// hold_lines takes 8 steps of one row of w, whose elements have two bytes.
template <Kind K> FN void hold_lines(Held &h, const uint16_t *w, int64_t row, int first, int rows, int k, int steps, bool wide) {
  int r = first + threadIdx.x / 2, s = k + threadIdx.x % 2 * 8;
  const uint16_t *p = w + r * row + s;
  if (r < rows && s + 8 <= steps && wide) {
    uint4 line = *reinterpret_cast<const uint4 *>(p);
    unsigned two[4] = {line.x, line.y, line.z, line.w};
    for (int i = 0; i < 8; i++) h.w[i] = widen16<K>(uint16_t(two[i / 2] >> i % 2 * 16));
    return;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) h.w[i] = r < rows && s + i < steps ? widen16<K>(p[i]) : 0;
}

FN void put_lines(float *to, const Held &h) {
  float *p = to + threadIdx.x / 2 * PITCH + threadIdx.x % 2 * 8;
  *reinterpret_cast<float4 *>(p) = {h.w[0], h.w[1], h.w[2], h.w[3]};
  *reinterpret_cast<float4 *>(p + 4) = {h.w[4], h.w[5], h.w[6], h.w[7]};
}

// hold_columns takes 8 steps of one column of w, which is stored with a row for each step.
template <Kind K> FN void hold_columns(Held &h, const Product &a, const uint16_t *w, int first, int k) {
  int c = first + threadIdx.x % TILE, s = k + threadIdx.x / TILE * 8;
  for (int i = 0; i < 8; i++) {
    h.w[i] = 0;
    if (c >= a.cols || s + i >= a.steps) continue;
    if (K == INT8 || K == INT4 || K == INT4_ZEROS) {
      h.w[i] = dequantized<K>(a.panels, s + i, c);
    } else {
      h.w[i] = widen16<K>(w[(s + i) * a.w_row + c]);
    }
  }
}

FN void put_columns(float *to, const Held &h) {
  float *p = to + threadIdx.x % TILE * PITCH + threadIdx.x / TILE * 8;
  *reinterpret_cast<float4 *>(p) = {h.w[0], h.w[1], h.w[2], h.w[3]};
  *reinterpret_cast<float4 *>(p + 4) = {h.w[4], h.w[5], h.w[6], h.w[7]};
}

// multiply adds n steps of the tile to acc. Thread (ty, tx) has rows ty, ty+16, ... and columns tx, tx+16, ...
template <Kind K> FN void multiply(float (&acc)[MINE][MINE], const float *xs, const float *ws, int n) {
  int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  int k = 0;
#pragma unroll 1
  for (; k + 4 <= n; k += 4) {
    float4 x[MINE];
#pragma unroll
    for (int i = 0; i < MINE; i++) x[i] = *reinterpret_cast<const float4 *>(xs + (ty + 16 * i) * PITCH + k);
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      float4 w = *reinterpret_cast<const float4 *>(ws + (tx + 16 * j) * PITCH + k);
#pragma unroll
      for (int s = 0; s < 4; s++) {
        int at = PLANTED("order") ? s ^ 2 : step_of<K>(s, 4);
#pragma unroll
        for (int i = 0; i < MINE; i++) acc[i][j] = fma_rn(part(x[i], at), part(w, at), acc[i][j]);
      }
    }
  }
#pragma unroll 1
  for (int s = k; s < n; s++) {
    int at = step_of<K>(s, n);
    float x[MINE];
#pragma unroll
    for (int i = 0; i < MINE; i++) x[i] = xs[(ty + 16 * i) * PITCH + at];
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      float w = ws[(tx + 16 * j) * PITCH + at];
#pragma unroll
      for (int i = 0; i < MINE; i++) acc[i][j] = fma_rn(x[i], w, acc[i][j]);
    }
  }
}

// product_tile computes one tile. BY_ROWS: w is used transposed, w(k, c) is element (c, k) of what is stored, as torch.nn.Linear keeps its
// weight; else it is element (k, c). ACROSS: the rows of x lie side by side, and not its steps.
template <Kind K, bool BY_ROWS, bool ACROSS> FN void product_tile(const Product &a) {
  SHARED(float, xs, 2 * TILE * PITCH);
  SHARED(float, ws, 2 * TILE * PITCH);
  constexpr bool direct = K == F32; // copied as it is, past the registers
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch;
  int64_t at = z / a.w_share * a.w_batch;
  const float *w32 = static_cast<const float *>(a.w) + at;
  const uint16_t *w16 = static_cast<const uint16_t *>(a.w) + at;
  int r0 = blockIdx.y * TILE, c0 = blockIdx.x * TILE, tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  bool x_wide = aligned(x, a.x_row, 4), w_wide = direct ? aligned(w32, a.w_row, 4) : aligned(w16, a.w_row, 2);
  float *dst = a.dst + z * a.dst_batch;

  float acc[MINE][MINE];
#pragma unroll
  for (int i = 0; i < MINE; i++) {
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      int r = r0 + ty + 16 * i, c = c0 + tx + 16 * j;
      acc[i][j] = a.accumulate && r < a.rows && c < a.cols ? dst[r * a.dst_row + c] : 0;
    }
  }

  Held held;
  int stages = (a.steps + STEPS - 1) / STEPS;
#pragma unroll 1
  for (int s = -1; s < stages; s++) {
    if (s >= 0) {
      async_wait<0>();
      if (!PLANTED("barrier")) SYNC();
    }
    float *xn = xs + (s + 1) % 2 * (TILE * PITCH), *wn = ws + (s + 1) % 2 * (TILE * PITCH);
    if (s + 1 < stages) {
      int k = (s + 1) * STEPS;
      if (ACROSS) {
        fetch_columns(xn, x, a.x_step, r0, a.rows, k, a.steps);
      } else {
        fetch_lines(xn, x, a.x_row, r0, a.rows, k, a.steps, x_wide);
      }
      if (direct && BY_ROWS) {
        fetch_lines(wn, w32, a.w_row, c0, a.cols, k, a.steps, w_wide);
      } else if (direct) {
        fetch_columns(wn, w32, a.w_row, c0, a.cols, k, a.steps);
      } else if (BY_ROWS) {
        hold_lines<K>(held, w16, a.w_row, c0, a.cols, k, a.steps, w_wide);
      } else {
        hold_columns<K>(held, a, w16, c0, k);
      }
      async_commit();
    }
    if (s >= 0) multiply<K>(acc, xs + s % 2 * (TILE * PITCH), ws + s % 2 * (TILE * PITCH), a.steps - s * STEPS < STEPS ? a.steps - s * STEPS : STEPS);
    if (!direct && s + 1 < stages) {
      if (BY_ROWS) {
        put_lines(wn, held);
      } else {
        put_columns(wn, held);
      }
    }
  }

#pragma unroll
  for (int i = 0; i < MINE; i++) {
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      int r = r0 + ty + 16 * i, c = c0 + tx + 16 * j;
      if (r < a.rows && c < a.cols) dst[r * a.dst_row + c] = finished(a, acc[i][j], c);
    }
  }
}

#define TILE_KERNEL(name, kind, by_rows, across)                                                 \
  KERNEL(TILE_THREADS, name)(Product a) { product_tile<kind, by_rows, across>(a); }             \
  EXPORT(name)

TILE_KERNEL(tile_f32, F32, true, false)
TILE_KERNEL(tile_bf16, BF16, true, false)
TILE_KERNEL(tile_f16, F16, true, false)
TILE_KERNEL(tile_bf16_rounded, BF16_ROUNDED, true, false)
TILE_KERNEL(tile_plain_f32, F32, false, false)
TILE_KERNEL(tile_plain_bf16, BF16, false, false)
TILE_KERNEL(tile_plain_f16, F16, false, false)
TILE_KERNEL(tile_plain_int8, INT8, false, false)
TILE_KERNEL(tile_plain_int4, INT4, false, false)
TILE_KERNEL(tile_plain_int4_zeros, INT4_ZEROS, false, false)
TILE_KERNEL(tile_plain_across_f32, F32, false, true)
