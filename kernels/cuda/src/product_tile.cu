// Products of many rows, by law 1: of each output acc = fma(x[k], w[k], acc) for k ascending, from +0 or from what dst holds.
//
// A block of four warps computes 128 x 64 outputs, or 64 x 64 where that leaves fewer multiprocessors idle; a warp has a quarter of the rows,
// and a thread 8 x 8 outputs (4 x 8) in registers. 16 steps of both operands lie in shared memory, and the next 16 are on their way while
// these are multiplied. Both operands lie there with their steps side by side, four of which are one load of 16 bytes. Weights that are not
// float32 wait in registers until the multiplication is done, and are widened into shared memory. They are the short side of the tile,
// since each block widens its own.
//
// Of four steps a thread loads 8 + 8 times 16 bytes for 256 multiply-adds. Eight lanes of a warp read eight columns, which take 80 bytes each
// and so lie in different banks; pairs of lanes read the same ones, as half a warp's loads must for two quarters to be one access.
//
// What lies beyond the last row or column is read from the last one, and not stored.
#include "product.cuh"

enum { TILE_COLS = 64, STEPS = 16, PITCH = 20, TILE_THREADS = 128, MINE = 8 };
#define TILE_BOUNDS 128, 3 // threads of a block, and blocks on a multiprocessor: at most 168 registers a thread
#define LOW_BOUNDS 128, 4

// row_of and column_of are where in its warp's part of the tile a lane's first output lies: 4 x 8 lanes.
FN int row_of(int lane) { return (lane & 1) | lane >> 4 << 1; }
FN int column_of(int lane) { return lane >> 1 & 7; }

// within is i, or the last index of n.
FN int within(int i, int n) { return i < n || PLANTED("edge") ? i : n - 1; }

// Lines is a thread's part of what is copied of an operand whose steps lie side by side: of rows at/4, at/4+32, ... four steps each.
template <int ROWS> struct Lines {
  const float *from[ROWS / 32];
};

template <int ROWS> FN Lines<ROWS> lines_of(const float *p, int64_t row, int first, int rows) {
  Lines<ROWS> l;
#pragma unroll
  for (int j = 0; j < ROWS / 32; j++) l.from[j] = p + within(first + int(threadIdx.x) / 4 + 32 * j, rows) * row + threadIdx.x % 4 * 4;
  return l;
}

// fetch_lines starts the copies of a stage of 16 steps, and goes on to the next.
template <int ROWS> FN void fetch_lines(float *to, Lines<ROWS> &l) {
#pragma unroll
  for (int j = 0; j < ROWS / 32; j++) {
    async_copy16(to + (threadIdx.x / 4 + 32 * j) * PITCH + threadIdx.x % 4 * 4, l.from[j], 16);
    l.from[j] += STEPS;
  }
}

// fetch_steps starts the copies of steps [k, k+16) one by one: of rows that are not aligned, of the last stage, and, if the rows lie side by
// side, of those. Element (r, k) is p[r*row + k*step]. Steps beyond the last become 0, and are not multiplied.
template <int ROWS, bool ACROSS> FN void fetch_steps(float *to, const float *p, int row, int step, int first, int rows, int k, int steps) {
  constexpr int each = ACROSS ? ROWS : STEPS, more = TILE_THREADS / each; // threads side by side in memory, and how far the next copy is
  int r = ACROSS ? threadIdx.x % each : threadIdx.x / each, s = ACROSS ? threadIdx.x / each : threadIdx.x % each;
  to += r * PITCH + s;
  const float *at = p + int64_t(k + s) * step;
#pragma unroll 2
  for (int j = 0; j < ROWS * STEPS / TILE_THREADS; j++) {
    bool in = k + s < steps;
    async_copy4(to, in ? at + int64_t(within(first + r, rows)) * row : p, in ? 4 : 0);
    if (ACROSS) {
      s += more, at += int64_t(more) * step, to += more;
    } else {
      r += more, to += more * PITCH;
    }
  }
}

// Held is a thread's part of the next weights that are not copied as they are: eight steps of one column, as they are stored.
template <Kind K> struct Held {
  unsigned w[K == BF16 || K == F16 || K == BF16_ROUNDED ? 4 : 8];
};

template <Kind K> FN constexpr bool two_bytes() { return K == BF16 || K == F16 || K == BF16_ROUNDED; }

// hold_lines takes eight steps from k on of a column whose steps lie side by side. left is how many steps there are.
template <Kind K> FN void hold_lines(Held<K> &h, const uint16_t *p, int left, bool wide) {
  if (wide && left >= 8) {
    uint4 line = *reinterpret_cast<const uint4 *>(p);
    h.w[0] = line.x, h.w[1] = line.y, h.w[2] = line.z, h.w[3] = line.w;
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) h.w[i] = (2 * i < left ? p[2 * i] : 0) | unsigned(2 * i + 1 < left ? p[2 * i + 1] : 0) << 16;
}

// hold_column takes steps [k, k+8) of column c of weights that have a row for each step.
template <Kind K> FN void hold_column(Held<K> &h, const Product &a, const void *w, int c, int k) {
  const uint16_t *w16 = static_cast<const uint16_t *>(w) + c;
  const float *w32 = static_cast<const float *>(w) + c;
#pragma unroll
  for (int i = 0; i < 8; i++) {
    bool in = k + i < a.steps;
    if (two_bytes<K>()) {
      unsigned v = in ? w16[(k + i) * a.w_row] : 0;
      h.w[i / 2] = i % 2 ? h.w[i / 2] | v << 16 : v;
    } else if (K == F32) {
      h.w[i] = in ? bits_of(w32[(k + i) * a.w_row]) : 0;
    } else {
      h.w[i] = in ? bits_of(dequantized<K>(a.panels, k + i, c)) : 0;
    }
  }
}

// put widens eight steps into shared memory.
template <Kind K> FN void put(float *to, const Held<K> &h) {
  float v[8];
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] = two_bytes<K>() ? widen16<K>(uint16_t(h.w[i / 2] >> i % 2 * 16)) : float_of(h.w[i]);
  *reinterpret_cast<float4 *>(to) = {v[0], v[1], v[2], v[3]};
  *reinterpret_cast<float4 *>(to + 4) = {v[4], v[5], v[6], v[7]};
}

// multiply adds n steps to acc. Thread (ty, tx) has rows ty, ty+4, ... and columns tx, tx+8, ..., at which xs and ws begin.
template <Kind K, int HIGH> FN void multiply(float (&acc)[HIGH][MINE], const float *xs, const float *ws, int n) {
  int k = 0;
#pragma unroll 1
  for (; k + 4 <= n; k += 4) {
    float4 x[HIGH];
#pragma unroll
    for (int i = 0; i < HIGH; i++) x[i] = *shared4(xs + 4 * i * PITCH + k);
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      float4 w = *shared4(ws + 8 * j * PITCH + k);
#pragma unroll
      for (int s = 0; s < 4; s++) {
        int at = PLANTED("order") ? s ^ 2 : step_of<K>(s, 4);
#pragma unroll
        for (int i = 0; i < HIGH; i++) acc[i][j] = fma_rn(part(x[i], at), part(w, at), acc[i][j]);
      }
    }
  }
#pragma unroll 1
  for (int s = k; s < n; s++) {
    int at = step_of<K>(s, n);
    float x[HIGH];
#pragma unroll
    for (int i = 0; i < HIGH; i++) x[i] = xs[4 * i * PITCH + at];
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      float w = ws[8 * j * PITCH + at];
#pragma unroll
      for (int i = 0; i < HIGH; i++) acc[i][j] = fma_rn(x[i], w, acc[i][j]);
    }
  }
}

// product_tile computes one tile of 4*4*HIGH rows. BY_ROWS: w is used transposed, w(k, c) is element (c, k) of what is stored, as
// torch.nn.Linear keeps its weight; else it is element (k, c). ACROSS: the rows of x lie side by side, and not its steps.
template <Kind K, bool BY_ROWS, bool ACROSS, int HIGH> FN void product_tile(const Product &a) {
  constexpr int rows = 16 * HIGH;
  constexpr bool copied = K == F32 && BY_ROWS; // past the registers
  SHARED(float, xs, 2 * rows * PITCH);
  SHARED(float, ws, 2 * TILE_COLS * PITCH);
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch;
  int64_t at = z / a.w_share * a.w_batch;
  const float *w32 = static_cast<const float *>(a.w) + at;
  const uint16_t *w16 = static_cast<const uint16_t *>(a.w) + at;
  int r0 = blockIdx.x * rows, c0 = blockIdx.y * TILE_COLS, lane = threadIdx.x % 32;
  int mine_r = threadIdx.x / 32 * (4 * HIGH) + row_of(lane), mine_c = column_of(lane);
  bool x_wide = !ACROSS && aligned(x, a.x_row, 4), w_wide = copied ? aligned(w32, a.w_row, 4) : aligned(w16, a.w_row, 2);
  float *dst = a.dst + z * a.dst_batch;

  float acc[HIGH][MINE];
#pragma unroll
  for (int i = 0; i < HIGH; i++) {
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      int r = r0 + mine_r + 4 * i, c = c0 + mine_c + 8 * j;
      acc[i][j] = a.accumulate && r < a.rows && c < a.cols ? dst[r * a.dst_row + c] : 0;
    }
  }

  Lines<rows> x_lines;
  if (!ACROSS) x_lines = lines_of<rows>(x, a.x_row, r0, a.rows);
  Lines<TILE_COLS> w_lines;
  if (copied) w_lines = lines_of<TILE_COLS>(w32, a.w_row, c0, a.cols);
  // Of weights that pass through registers a thread has eight steps of column held_c.
  int held_c = BY_ROWS ? threadIdx.x / 2 : threadIdx.x % TILE_COLS, held_k = (BY_ROWS ? threadIdx.x % 2 : threadIdx.x / TILE_COLS) * 8;
  const uint16_t *held_from = w16;
  if (BY_ROWS && !copied) held_from += within(c0 + held_c, a.cols) * a.w_row + held_k;
  Held<K> held;
  int stages = (a.steps + STEPS - 1) / STEPS;
#pragma unroll 1
  for (int s = -1; s < stages; s++) {
    if (s >= 0) {
      async_wait<0>();
      if (!PLANTED("barrier")) SYNC();
    }
    float *xn = xs + (s + 1 & 1) * (rows * PITCH), *wn = ws + (s + 1 & 1) * (TILE_COLS * PITCH);
    if (s + 1 < stages) {
      int k = (s + 1) * STEPS;
      bool whole = k + STEPS <= a.steps;
      if (!ACROSS && x_wide && whole) {
        fetch_lines<rows>(xn, x_lines);
      } else {
        fetch_steps<rows, ACROSS>(xn, x, ACROSS ? 1 : int(a.x_row), ACROSS ? int(a.x_step) : 1, r0, a.rows, k, a.steps);
      }
      if (!copied && BY_ROWS) {
        hold_lines<K>(held, held_from, a.steps - k - held_k, w_wide);
        held_from += STEPS;
      } else if (!copied) {
        hold_column<K>(held, a, K == F32 ? static_cast<const void *>(w32) : w16, within(c0 + held_c, a.cols), k + held_k);
      } else if (w_wide && whole) {
        fetch_lines<TILE_COLS>(wn, w_lines);
      } else {
        fetch_steps<TILE_COLS, false>(wn, w32, int(a.w_row), 1, c0, a.cols, k, a.steps);
      }
      async_commit();
    }
    if (s >= 0) {
      int left = a.steps - s * STEPS;
      multiply<K, HIGH>(acc, xs + (s & 1) * (rows * PITCH) + mine_r * PITCH, ws + (s & 1) * (TILE_COLS * PITCH) + mine_c * PITCH, left < STEPS ? left : STEPS);
    }
    if (!copied && s + 1 < stages) put<K>(wn + held_c * PITCH + held_k, held);
  }

#pragma unroll
  for (int i = 0; i < HIGH; i++) {
#pragma unroll
    for (int j = 0; j < MINE; j++) {
      int r = r0 + mine_r + 4 * i, c = c0 + mine_c + 8 * j;
      if (r < a.rows && c < a.cols) dst[r * a.dst_row + c] = finished(a, acc[i][j], c);
    }
  }
}

#define TILE_KERNEL(name, kind, by_rows, across)                                                    \
  KERNEL(TILE_BOUNDS, name)(Product a) { product_tile<kind, by_rows, across, 8>(a); }               \
  EXPORT(name)                                                                                      \
  KERNEL(LOW_BOUNDS, name##_low)(Product a) { product_tile<kind, by_rows, across, 4>(a); }         \
  EXPORT(name##_low)

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
