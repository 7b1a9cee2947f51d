// Products of few rows, by law 1, over weights that are used transposed: decoding. Each output is one chain of fused multiply-adds, which no
// thread can share with another; what can be had is many chains side by side and weights that are on their way long before they are needed.
//
// A block of 64 threads has 64*COLS columns, COLS of them in each thread, for ROWS rows of x. Weights pass through shared memory in stages of
// 128 bytes of each column, several stages ahead, in lines of 16 bytes. A column takes 144 bytes there: eight threads that read 16 bytes of
// eight columns find them in different banks.
#include "product.cuh"

enum { ROW_THREADS = 64, LINE = 128, LINE_PITCH = 144 };

// line_steps is how many steps of a column are in a stage.
template <Kind K> FN constexpr int line_steps() { return K == F32 ? 32 : 64; }

// fetch_row_stage starts the copies of steps [k, k+n) of the columns from c0 on, and of the rows of x from r0 on.
template <Kind K, int ROWS, int COLS>
FN void fetch_row_stage(const Product &a, char *ws, float *xs, const float *x, const char *w, int r0, int c0, int k, bool x_wide, bool w_wide) {
  constexpr int n = line_steps<K>(), size = LINE / n;
  if (w_wide) {
#pragma unroll 4
    for (int i = threadIdx.x; i < ROW_THREADS * COLS * 8; i += ROW_THREADS) {
      int c = i / 8, s = i % 8 * (16 / size), left = a.steps - (k + s);
      bool in = c0 + c < a.cols && left > 0;
      async_copy16(ws + c * LINE_PITCH + i % 8 * 16, in ? w + ((c0 + c) * a.w_row + k + s) * size : w, in ? (left * size < 16 ? left * size : 16) : 0);
    }
  } else if (K == F32) {
#pragma unroll 1
    for (int i = threadIdx.x; i < ROW_THREADS * COLS * n; i += ROW_THREADS) {
      int c = i / n, s = i % n;
      bool in = c0 + c < a.cols && k + s < a.steps;
      async_copy4(ws + c * LINE_PITCH + s * 4, in ? w + ((c0 + c) * a.w_row + k + s) * 4 : w, in ? 4 : 0);
    }
  } else {
#pragma unroll 1
    for (int i = threadIdx.x; i < ROW_THREADS * COLS * n; i += ROW_THREADS) {
      int c = i / n, s = i % n;
      bool in = c0 + c < a.cols && k + s < a.steps;
      reinterpret_cast<uint16_t *>(ws + c * LINE_PITCH)[s] = in ? reinterpret_cast<const uint16_t *>(w)[(c0 + c) * a.w_row + k + s] : 0;
    }
  }
  if (x_wide) {
#pragma unroll 2
    for (int i = threadIdx.x; i < ROWS * n / 4; i += ROW_THREADS) {
      int r = i / (n / 4), s = i % (n / 4) * 4, left = a.steps - (k + s);
      bool in = r0 + r < a.rows && left > 0;
      async_copy16(xs + r * n + s, in ? x + (r0 + r) * a.x_row + k + s : x, in ? (left < 4 ? 4 * left : 16) : 0);
    }
    return;
  }
#pragma unroll 1
  for (int i = threadIdx.x; i < ROWS * n; i += ROW_THREADS) {
    int r = i / n, s = i % n;
    bool in = r0 + r < a.rows && k + s < a.steps;
    async_copy4(xs + r * n + s, in ? x + (r0 + r) * a.x_row + k + s : x, in ? 4 : 0);
  }
}

// widen_steps widens the steps of 16 bytes of a column.
template <Kind K> FN void widen_steps(float *to, const char *line) {
  if (K == F32) {
    float4 v = *reinterpret_cast<const float4 *>(line);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    return;
  }
  uint4 v = *reinterpret_cast<const uint4 *>(line);
  unsigned two[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 8; i++) to[i] = widen16<K>(uint16_t(two[i / 2] >> i % 2 * 16));
}

// step_at is one step of a column.
template <Kind K> FN float step_at(const char *line, int k) {
  return K == F32 ? reinterpret_cast<const float *>(line)[k] : widen16<K>(reinterpret_cast<const uint16_t *>(line)[k]);
}

template <Kind K, int ROWS, int COLS, int STAGES> FN void product_rows(const Product &a) {
  constexpr int n = line_steps<K>(), each = K == F32 ? 4 : 8, size = LINE / n;
  SHARED(char, ws, STAGES * ROW_THREADS * COLS * LINE_PITCH);
  SHARED(float, xs, STAGES * ROWS * n);
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch;
  const char *w = static_cast<const char *>(a.w) + z / a.w_share * a.w_batch * size;
  float *dst = a.dst + z * a.dst_batch;
  int r0 = blockIdx.y * ROWS, c0 = blockIdx.x * ROW_THREADS * COLS;
  bool x_wide = aligned(x, a.x_row, 4), w_wide = aligned(w, a.w_row, size);

  float acc[ROWS][COLS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
#pragma unroll
    for (int j = 0; j < COLS; j++) {
      int c = c0 + j * ROW_THREADS + threadIdx.x;
      acc[r][j] = a.accumulate && r0 + r < a.rows && c < a.cols ? dst[(r0 + r) * a.dst_row + c] : 0;
    }
  }

  int stages = (a.steps + n - 1) / n;
#pragma unroll 1
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < stages) fetch_row_stage<K, ROWS, COLS>(a, ws + s * ROW_THREADS * COLS * LINE_PITCH, xs + s * ROWS * n, x, w, r0, c0, s * n, x_wide, w_wide);
    async_commit();
  }
#pragma unroll 1
  for (int s = 0; s < stages; s++) {
    async_wait<STAGES - 2>();
    SYNC();
    int next = s + STAGES - 1;
    if (next < stages) fetch_row_stage<K, ROWS, COLS>(a, ws + next % STAGES * ROW_THREADS * COLS * LINE_PITCH, xs + next % STAGES * ROWS * n, x, w, r0, c0, next * n, x_wide, w_wide);
    async_commit();
    const char *mine = ws + (s % STAGES * COLS * ROW_THREADS + threadIdx.x) * LINE_PITCH;
    const float *xr = xs + s % STAGES * ROWS * n;
    int left = a.steps - s * n < n ? a.steps - s * n : n;
#pragma unroll 1
    for (int k = 0; k < left; k += each) {
      float wv[COLS][8];
#pragma unroll
      for (int j = 0; j < COLS; j++) widen_steps<K>(wv[j], mine + j * ROW_THREADS * LINE_PITCH + k * size);
      if (left - k >= each) {
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
          float4 x4[2];
#pragma unroll
          for (int h = 0; h < each / 4; h++) x4[h] = *reinterpret_cast<const float4 *>(xr + r * n + k + 4 * h);
#pragma unroll
          for (int i = 0; i < each; i++) {
            int at = step_of<K>(i, each);
#pragma unroll
            for (int j = 0; j < COLS; j++) acc[r][j] = fma_rn(part(x4[at / 4], at % 4), wv[j][at], acc[r][j]);
          }
        }
      } else {
#pragma unroll 1
        for (int i = 0; i < left - k; i++) {
          int at = k + step_of<K>(i, left - k);
          float one[COLS];
#pragma unroll
          for (int j = 0; j < COLS; j++) one[j] = step_at<K>(mine + j * ROW_THREADS * LINE_PITCH, at);
#pragma unroll
          for (int r = 0; r < ROWS; r++) {
#pragma unroll
            for (int j = 0; j < COLS; j++) acc[r][j] = fma_rn(xr[r * n + at], one[j], acc[r][j]);
          }
        }
      }
    }
  }

#pragma unroll
  for (int r = 0; r < ROWS; r++) {
#pragma unroll
    for (int j = 0; j < COLS; j++) {
      int c = c0 + j * ROW_THREADS + threadIdx.x;
      if (r0 + r < a.rows && c < a.cols) dst[(r0 + r) * a.dst_row + c] = finished(a, acc[r][j], c);
    }
  }
}

#define ROWS_KERNEL(name, kind, rows, cols, stages)                                                \
  KERNEL(ROW_THREADS, name)(Product a) { product_rows<kind, rows, cols, stages>(a); }              \
  EXPORT(name)
#define ROWS_KERNELS(name, kind)             \
  ROWS_KERNEL(name##_1_wide, kind, 1, 2, 2)  \
  ROWS_KERNEL(name##_1, kind, 1, 1, 4)       \
  ROWS_KERNEL(name##_2, kind, 2, 1, 4)       \
  ROWS_KERNEL(name##_4, kind, 4, 1, 4)       \
  ROWS_KERNEL(name##_8, kind, 8, 1, 4)       \
  ROWS_KERNEL(name##_16, kind, 16, 1, 3)

ROWS_KERNELS(rows_f32, F32)
ROWS_KERNELS(rows_bf16, BF16)
ROWS_KERNELS(rows_f16, F16)
ROWS_KERNELS(rows_bf16_rounded, BF16_ROUNDED)

// rows_plain is a product of few rows with weights of float32 that have a row for each step: the values of attention. Threads side by side
// read columns side by side. A thread copies its own column ahead, so that no other has to wait for it.
enum { AHEAD = 4, AHEAD_STEPS = 16 };

template <int ROWS> FN void product_rows_plain(const Product &a) {
  SHARED(float, ws, AHEAD * AHEAD_STEPS * ROW_THREADS);
  int64_t z = blockIdx.z;
  const float *x = a.x + z * a.x_batch, *w = static_cast<const float *>(a.w) + z / a.w_share * a.w_batch;
  float *dst = a.dst + z * a.dst_batch;
  int r0 = blockIdx.y * ROWS, c = blockIdx.x * ROW_THREADS + threadIdx.x;
  if (c >= a.cols) return;
  auto fetch = [&](int stage) {
#pragma unroll
    for (int i = 0; i < AHEAD_STEPS; i++) {
      int k = stage * AHEAD_STEPS + i;
      if (k < a.steps) async_copy4(ws + (stage % AHEAD * AHEAD_STEPS + i) * ROW_THREADS + threadIdx.x, w + k * a.w_row + c, 4);
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
    const float *mine = ws + s % AHEAD * AHEAD_STEPS * ROW_THREADS + threadIdx.x;
    int k0 = s * AHEAD_STEPS, n = a.steps - k0;
#pragma unroll
    for (int i = 0; i < AHEAD_STEPS; i++) {
      if (i >= n) break;
      float v = mine[i * ROW_THREADS];
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

KERNEL(ROW_THREADS, rows_plain_1)(Product a) { product_rows_plain<1>(a); }
EXPORT(rows_plain_1)
KERNEL(ROW_THREADS, rows_plain_4)(Product a) { product_rows_plain<4>(a); }
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
