// Products of few rows, by law 1, over weights that are used transposed: decoding. Each output is one chain of fused multiply-adds, which no
// thread can share with another; what can be had is many chains side by side and weights that are on their way long before they are needed.
//
// A block has 32 columns for ROWS rows of x: so few that even 3584 columns keep 112 multiprocessors reading. One warp multiplies, a column in
// each thread; the other one asks for weights, so that no chain waits for its addresses. Weights pass through shared memory in four stages
// of LINE bytes of each column, in lines of 16 bytes; of one row 24 KB of them are on their way while 8 KB are multiplied. A column takes 16
// bytes more there: eight threads that read 16 bytes of eight columns find them in different banks. Columns and rows beyond the last are read
// from the last, and not stored.
#include "product.cuh"

enum { ROW_THREADS = 64, ROW_COLS = 32, ROW_STAGES = 4 };

// line_steps is how many steps of a column are in a stage.
template <Kind K, int LINE> FN constexpr int line_steps() { return K == F32 ? LINE / 4 : LINE / 2; }

FN int last_or(int i, int n) { return i < n ? i : n - 1; }

// fetch_row_stage starts the copies of steps [k, k+n) of the columns from c0 on, and of the rows of x from r0 on. Steps beyond the last are 0.
template <Kind K, int ROWS, int LINE> FN void fetch_row_stage(const Product &a, char *ws, float *xs, const float *x, const char *w, int r0, int c0, int k, bool x_wide, bool w_wide) {
  constexpr int n = line_steps<K, LINE>(), size = LINE / n, lines = LINE / 16;
  int left = a.steps - k, t = threadIdx.x % ROW_COLS;
  if (w_wide && left >= n) {
    const char *from = w + int64_t(k) * size + t % lines * 16;
    int c = c0 + t / lines, row = int(a.w_row) * size;
#pragma unroll
    for (int j = 0; j < lines; j++) async_copy16(ws + (t / lines + 32 / lines * j) * (LINE + 16) + t % lines * 16, from + int64_t(last_or(c + 32 / lines * j, a.cols)) * row, 16);
  } else {
#pragma unroll 1
    for (int i = t; i < 32 * n; i += ROW_COLS) {
      int c = i / n, s = i % n;
      const char *from = w + (last_or(c0 + c, a.cols) * a.w_row + k + s) * size;
      if (K == F32) {
        async_copy4(ws + c * (LINE + 16) + s * 4, s < left ? from : w, s < left ? 4 : 0);
      } else {
        reinterpret_cast<uint16_t *>(ws + c * (LINE + 16))[s] = s < left ? *reinterpret_cast<const uint16_t *>(from) : 0;
      }
    }
  }
  if (x_wide && left >= n) {
#pragma unroll
    for (int i = t; i < ROWS * n / 4; i += ROW_COLS) async_copy16(xs + 4 * i, x + last_or(r0 + i / (n / 4), a.rows) * a.x_row + k + i % (n / 4) * 4, 16);
    return;
  }
#pragma unroll 1
  for (int i = t; i < ROWS * n; i += ROW_COLS) async_copy4(xs + i, i % n < left ? x + last_or(r0 + i / n, a.rows) * a.x_row + k + i % n : x, i % n < left ? 4 : 0);
}

// widen_steps widens the steps of 16 bytes of a column.
template <Kind K> FN void widen_steps(float *to, const char *line) {
  uint4 v = *COUNTED(uint4, line);
  unsigned words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < (K == F32 ? 4 : 8); i++) to[i] = K == F32 ? float_of(words[i % 4]) : widen16<K>(uint16_t(words[i / 2] >> i % 2 * 16));
}

// step_at is one step of a column.
template <Kind K> FN float step_at(const char *line, int k) {
  return K == F32 ? reinterpret_cast<const float *>(line)[k] : widen16<K>(reinterpret_cast<const uint16_t *>(line)[k]);
}

template <Kind K, int ROWS, int LINE> FN void product_rows(const Product &a) {
  constexpr int n = line_steps<K, LINE>(), each = K == F32 ? 4 : 8, size = LINE / n, stage_bytes = 32 * (LINE + 16);
  constexpr int ahead = ROWS == 1 ? 16 : ROWS == 2 ? 4 : ROWS == 4 ? 2 : 1; // lines of 16 bytes whose loads and multiply-adds are mixed
  SHARED(char, ws, ROW_STAGES * stage_bytes);
  SHARED(float, xs, ROW_STAGES * ROWS * n);
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch;
  const char *w = static_cast<const char *>(a.w) + z / a.w_share * a.w_batch * size;
  float *dst = a.dst + z * a.dst_batch;
  int r0 = blockIdx.y * ROWS, c0 = blockIdx.x * ROW_COLS, t = threadIdx.x % ROW_COLS, c = c0 + t;
  bool fetches = threadIdx.x >= ROW_COLS;
  bool x_wide = aligned(x, a.x_row, 4), w_wide = aligned(w, a.w_row, size);

  float acc[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) acc[r] = a.accumulate && r0 + r < a.rows && c < a.cols ? dst[(r0 + r) * a.dst_row + c] : 0;

  int stages = (a.steps + n - 1) / n;
  auto fetch = [&](int s) {
    if (s < stages) fetch_row_stage<K, ROWS, LINE>(a, ws + s % ROW_STAGES * stage_bytes, xs + s % ROW_STAGES * (ROWS * n), x, w, r0, c0, s * n, x_wide, w_wide);
    async_commit();
  };
  if (fetches) {
#pragma unroll 1
    for (int s = 0; s < ROW_STAGES - 1; s++) fetch(s);
  }
#pragma unroll 1
  for (int s = 0; s < stages; s++) {
    if (fetches) async_wait<ROW_STAGES - 2>();
    SYNC();
    if (fetches) {
      fetch(s + ROW_STAGES - 1);
      continue;
    }
    const char *mine = ws + s % ROW_STAGES * stage_bytes + t * (LINE + 16);
    const float *xr = xs + s % ROW_STAGES * (ROWS * n);
    int left = a.steps - s * n < n ? a.steps - s * n : n, k = 0;
#pragma unroll ahead
    for (; k + each <= left; k += each) {
      float wv[8];
      widen_steps<K>(wv, mine + k * size);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        float4 x4[2];
#pragma unroll
        for (int h = 0; h < each / 4; h++) x4[h] = *shared4(xr + r * n + k + 4 * h);
#pragma unroll
        for (int i = 0; i < each; i++) {
          int at = step_of<K>(i, each);
          acc[r] = fma_rn(part(x4[at / 4], at % 4), wv[at], acc[r]);
        }
      }
    }
#pragma unroll 1
    for (int i = k; i < left; i++) {
      int at = k + step_of<K>(i - k, left - k);
      float one = step_at<K>(mine, at);
#pragma unroll
      for (int r = 0; r < ROWS; r++) acc[r] = fma_rn(xr[r * n + at], one, acc[r]);
    }
  }

  if (fetches) return;
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    if (r0 + r < a.rows && c < a.cols) dst[(r0 + r) * a.dst_row + c] = finished(a, acc[r], c);
  }
}

#define ROWS_KERNEL(name, kind, rows, line)                                         \
  KERNEL(ROW_THREADS, name)(Product a) { product_rows<kind, rows, line>(a); }       \
  EXPORT(name)
#define ROWS_KERNELS(name, kind)             \
  ROWS_KERNEL(name##_1, kind, 1, 256)        \
  ROWS_KERNEL(name##_2, kind, 2, 256)        \
  ROWS_KERNEL(name##_4, kind, 4, 256)        \
  ROWS_KERNEL(name##_8, kind, 8, 128)        \
  ROWS_KERNEL(name##_16, kind, 16, 128)

ROWS_KERNELS(rows_f32, F32)
ROWS_KERNELS(rows_bf16, BF16)
ROWS_KERNELS(rows_f16, F16)
ROWS_KERNELS(rows_bf16_rounded, BF16_ROUNDED)

// rows_plain is a product of few rows with weights of float32 that have a row for each step: the values of attention. Threads side by side
// read columns side by side. A thread copies its own column ahead, so that no other has to wait for it.
enum { AHEAD = 4, AHEAD_STEPS = 16, PLAIN_THREADS = 64 };

template <int ROWS> FN void product_rows_plain(const Product &a) {
  SHARED(float, ws, AHEAD * AHEAD_STEPS * PLAIN_THREADS);
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch, *w = static_cast<const float *>(a.w) + z / a.w_share * a.w_batch;
  float *dst = a.dst + z * a.dst_batch;
  int r0 = blockIdx.y * ROWS, c = blockIdx.x * PLAIN_THREADS + threadIdx.x;
  if (c >= a.cols) return;
  auto fetch = [&](int stage) {
#pragma unroll
    for (int i = 0; i < AHEAD_STEPS; i++) {
      int k = stage * AHEAD_STEPS + i;
      if (k < a.steps) async_copy4(ws + (stage % AHEAD * AHEAD_STEPS + i) * PLAIN_THREADS + threadIdx.x, w + k * a.w_row + c, 4);
    }
  };
  float acc[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) acc[r] = a.accumulate && r0 + r < a.rows ? dst[(r0 + r) * a.dst_row + c] : 0;
  int stages = (a.steps + AHEAD_STEPS - 1) / AHEAD_STEPS;
#pragma unroll 1
  for (int s = 0; s < AHEAD - 1; s++) {
    if (s < stages) fetch(s);
    async_commit();
  }
#pragma unroll 1
  for (int s = 0; s < stages; s++) {
    if (s + AHEAD - 1 < stages) fetch(s + AHEAD - 1);
    async_commit();
    async_wait<AHEAD - 1>();
    const float *mine = ws + s % AHEAD * AHEAD_STEPS * PLAIN_THREADS + threadIdx.x;
    int k0 = s * AHEAD_STEPS, n = a.steps - k0;
#pragma unroll
    for (int i = 0; i < AHEAD_STEPS; i++) {
      if (i >= n) break;
      float v = mine[i * PLAIN_THREADS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        if (r0 + r < a.rows) acc[r] = fma_rn(x[(r0 + r) * a.x_row + k0 + i], v, acc[r]);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    if (r0 + r < a.rows) dst[(r0 + r) * a.dst_row + c] = finished(a, acc[r], c);
  }
}

KERNEL(PLAIN_THREADS, rows_plain_1)(Product a) { product_rows_plain<1>(a); }
EXPORT(rows_plain_1)
KERNEL(PLAIN_THREADS, rows_plain_4)(Product a) { product_rows_plain<4>(a); }
EXPORT(rows_plain_4)

// Rounding is the left operand of products of bfloat16: dst is x rounded, and widened again.
struct Rounding {
  float *dst;
  const float *x;
  int64_t dst_row, x_row;
  int rows, cols;
};

KERNEL(256, round_activations)(Rounding a) {
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < int64_t(a.rows) * a.cols; i += int64_t(gridDim.x) * blockDim.x) {
    int64_t r = i / a.cols, c = i % a.cols;
    a.dst[r * a.dst_row + c] = rounded_activation(a.x[r * a.x_row + c]);
  }
}
EXPORT(round_activations)
