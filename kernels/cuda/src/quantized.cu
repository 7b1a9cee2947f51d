// Products with quantized weights. Of each span of steps the sum of products of integers is exact, in any order; then
//
//   acc = fma(float(sum), x_scale * w_scale, acc)     for each span, ascending, from +0
#include "elements.cuh"

// Quantizing makes rows of x signed bytes: of each span scale = max|x|/127 and q = x * (127/max|x|), to the nearest, ties to even.
struct Quantizing {
  const float *x;
  int8_t *q;    // (rows, blocks*32)
  float *scale; // (rows, spans)
  int *sum;     // (rows, blocks): of a block's q
  int64_t x_row;
  int rows, cols, blocks, span;
};

// A warp has one span of one row.
KERNEL(128, quantize_rows)(Quantizing a) {
  int lane = threadIdx.x % 32, spans = (a.blocks + a.span - 1) / a.span;
  int64_t job = int64_t(blockIdx.x) * 4 + threadIdx.x / 32;
  bool in = job < int64_t(a.rows) * spans;
  int64_t r = in ? job / spans : 0;
  int s = in ? int(job % spans) : 0;
  const float *x = a.x + r * a.x_row;
  float v[4];
  unsigned most = 0;
  for (int b = 0; b < 4; b++) {
    int k = (s * a.span + b) * 32 + lane;
    v[b] = in && b < a.span && k < a.cols ? x[k] : 0;
    unsigned bits = bits_of(v[b]) & 0x7fffffff;
    most = bits > most ? bits : most;
  }
  most = WARP_MAX(most);
  float top = float_of(most), scale = 0, inverse = 0;
  if (!(top < 0x1p-100f)) {
    scale = most < 0x7f800000 ? div_rn(top, 127) : float_of(0x7fffffff);
    inverse = most < 0x7f800000 ? div_rn(127, top) : 0;
  }
  for (int b = 0; b < 4; b++) {
    int q = 0, block = s * a.span + b;
    bool here = in && b < a.span && block < a.blocks;
    if (inverse != 0) q = int(bits_of(add_rn(mul_rn(v[b], inverse), 12582912.0f))) - 0x4b400000;
    int sum = WARP_ADD(here ? q : 0);
    if (!here) continue;
    a.q[(r * a.blocks + block) * 32 + lane] = int8_t(q);
    if (lane == 0) a.sum[r * a.blocks + block] = sum;
  }
  if (in && lane == 0) a.scale[r * spans + s] = scale;
}
EXPORT(quantize_rows)

// Quantized is a product of quantized rows and quantized weights.
struct Quantized {
  float *dst;
  const int8_t *q;
  const float *scale;
  const int *sum;
  const float *bias;
  Panels panels;
  int64_t dst_row;
  int rows, cols;
};

// signed_bytes subtracts the bytes of b from those of a, each by itself.
FN unsigned signed_bytes(unsigned a, unsigned b) { return ((a | 0x80808080u) - (b & 0x7f7f7f7fu)) ^ ((a ^ ~b) & 0x80808080u); }

// Column is what a column has beside its q in a block: its zero point four times over, and its sub-scale.
struct Column {
  unsigned zeros;
  int sub_scale;
};

template <Kind K> FN Column column_of(const Panels &p, int panel, int block, int c) {
  if (K == INT4) return {0, int(int8_t(p.more[(int64_t(panel) * p.blocks + block) * 32 + c]))};
  if (K == INT4_ZEROS) return {p.more[(int64_t(panel) * p.groups + block / p.per) * 32 + c] * 0x01010101u, 1};
  return {0, 1};
}

// weights_of is four weights as signed bytes: sub-scale * (q-8), q - zero, or q-128.
template <Kind K> FN unsigned weights_of(unsigned q, const Column &c) {
  if (K == INT8) return q ^ 0x80808080u;
  if (K == INT4_ZEROS) return signed_bytes(q, c.zeros);
  unsigned m = c.sub_scale < 0 ? -c.sub_scale : c.sub_scale, up = q * m, down = 0x08080808u * m; // no byte overflows: 15 * 15
  return c.sub_scale < 0 ? signed_bytes(down, up) : signed_bytes(up, down);
}

enum { Q_TILE = 128, Q_THREADS = 256, Q_STAGES = 3, Q_X = 48, Q_W = 40 };

// quantized_tile computes 128 x 128 outputs by tensor cores. A warp has 64 rows and the 32 columns of a panel. A stage is one block of steps:
// of x 32 bytes of each row, which take 48; of w the words of each panel as they are stored, 32 columns taking 40 words.
template <Kind K, int SPAN> FN void quantized_tile(const Quantized &a) {
  constexpr int words = K == INT8 ? 8 : 4;
  SHARED(int8_t, xs, Q_STAGES * Q_TILE * Q_X);
  SHARED(unsigned, ws, Q_STAGES * 4 * words * Q_W);
  const Panels &p = a.panels;
  int r0 = blockIdx.y * Q_TILE, p0 = blockIdx.x * 4, panels = (a.cols + 31) / 32;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row0 = warp / 4 * 64, mine = warp % 4, g = lane / 4, t = lane % 4;
  int panel = p0 + mine, spans = (p.blocks + SPAN - 1) / SPAN;

  auto fetch = [&](int block) {
    int8_t *x = xs + block % Q_STAGES * (Q_TILE * Q_X);
    unsigned *w = ws + block % Q_STAGES * (4 * words * Q_W);
    int r = threadIdx.x / 2, half = threadIdx.x % 2 * 16;
    bool in = r0 + r < a.rows;
    async_copy16(x + r * Q_X + half, in ? a.q + (int64_t(r0 + r) * p.blocks + block) * 32 + half : a.q, in ? 16 : 0);
    if (int(threadIdx.x) < 4 * words * 8) {
      int n = threadIdx.x / (words * 8), j = threadIdx.x / 8 % words, c = threadIdx.x % 8 * 4;
      in = p0 + n < panels;
      const uint8_t *from = p.weights + ((int64_t(p0 + n) * p.blocks + block) * words + j) * 128 + c * 4;
      async_copy16(w + (n * words + j) * Q_W + c, in ? from : p.weights, in ? 16 : 0);
    }
  };

  float acc[4][4][4];
  int sum[4][4][4];
#pragma unroll
  for (int i = 0; i < 64; i++) acc[i / 16][i / 4 % 4][i % 4] = 0, sum[i / 16][i / 4 % 4][i % 4] = 0;

#pragma unroll 1
  for (int b = 0; b < Q_STAGES - 1; b++) {
    if (b < p.blocks) fetch(b);
    async_commit();
  }
#pragma unroll 1
  for (int b = 0; b < p.blocks; b++) {
    async_wait<Q_STAGES - 2>();
    SYNC();
    if (b + Q_STAGES - 1 < p.blocks) fetch(b + Q_STAGES - 1);
    async_commit();
    const int8_t *x = xs + b % Q_STAGES * (Q_TILE * Q_X);
    const unsigned *w = ws + (b % Q_STAGES * 4 + mine) * (words * Q_W);
    unsigned of_x[4][4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int8_t *row = x + (row0 + 16 * i + g) * Q_X + 4 * t;
      of_x[i][0] = *reinterpret_cast<const unsigned *>(row);
      of_x[i][1] = *reinterpret_cast<const unsigned *>(row + 8 * Q_X);
      of_x[i][2] = *reinterpret_cast<const unsigned *>(row + 16);
      of_x[i][3] = *reinterpret_cast<const unsigned *>(row + 8 * Q_X + 16);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      Column c = {0, 1};
      if (panel < panels) c = column_of<K>(p, panel, b, 8 * j + g);
      unsigned q = w[t * Q_W + 8 * j + g], of_w[2];
      if (K == INT8) {
        of_w[0] = weights_of<K>(q, c), of_w[1] = weights_of<K>(w[(4 + t) * Q_W + 8 * j + g], c);
      } else {
        of_w[0] = weights_of<K>(q & 0x0f0f0f0f, c), of_w[1] = weights_of<K>(q >> 4 & 0x0f0f0f0f, c);
      }
#pragma unroll
      for (int i = 0; i < 4; i++) MMA_S8(sum[i][j], of_x[i], of_w);
    }
    if ((b + 1) % SPAN && b + 1 < p.blocks) continue;
    int s = b / SPAN;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float x_scale[2];
#pragma unroll
      for (int h = 0; h < 2; h++) {
        int r = r0 + row0 + 16 * i + g + 8 * h;
        x_scale[h] = r < a.rows ? a.scale[int64_t(r) * spans + s] : 0;
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          int c = 8 * j + 2 * t + e % 2;
          float w_scale = panel < panels ? half_to_float(p.scales[(int64_t(panel) * p.groups + b / p.per) * 32 + c]) : 0;
          acc[i][j][e] = fma_rn(int_to_float(sum[i][j][e]), mul_rn(x_scale[e / 2], w_scale), acc[i][j][e]);
          sum[i][j][e] = 0;
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < 64; i++) {
    int r = r0 + row0 + i / 16 * 16 + g + i % 4 / 2 * 8, c = 32 * panel + i / 4 % 4 * 8 + 2 * t + i % 2;
    float v = acc[i / 16][i / 4 % 4][i % 4];
    if (r < a.rows && c < a.cols) a.dst[r * a.dst_row + c] = a.bias ? add_rn(v, a.bias[c]) : v;
  }
}

enum { SPAN_WARPS = 8, SPAN_THREADS = 256 };

// quantized_rows computes the 32 columns of a panel for a few rows. Sums of spans have no order, so that eight warps each have every eighth
// span, whose weights they read from end to end; then one warp for each row goes through the spans of a round in order.
template <Kind K, int SPAN, int ROWS> FN void quantized_rows(const Quantized &a) {
  constexpr int words = K == INT8 ? 8 : 4;
  SHARED(float, sums, SPAN_WARPS * ROWS * 32);
  const Panels &p = a.panels;
  int panel = blockIdx.x, r0 = blockIdx.y * ROWS, lane = threadIdx.x % 32, warp = threadIdx.x / 32, spans = (p.blocks + SPAN - 1) / SPAN;
  float acc = 0; // of row warp and column lane, if ROWS is more than warp
  for (int s0 = 0; s0 < spans; s0 += SPAN_WARPS) {
    int s = s0 + warp;
    if (s < spans) {
      int sum[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) sum[r] = 0;
      unsigned q[SPAN][words]; // all of a span is on its way before any of it is needed
      Column c[SPAN];
#pragma unroll
      for (int b = 0; b < SPAN; b++) {
        int block = s * SPAN + b < p.blocks ? s * SPAN + b : p.blocks - 1;
        const unsigned *w = reinterpret_cast<const unsigned *>(p.weights) + (int64_t(panel) * p.blocks + block) * words * 32 + lane;
        c[b] = column_of<K>(p, panel, block, lane);
#pragma unroll
        for (int j = 0; j < words; j++) q[b][j] = w[j * 32];
      }
#pragma unroll
      for (int b = 0; b < SPAN; b++) {
        if (s * SPAN + b >= p.blocks) break;
#pragma unroll
        for (int j = 0; j < 8; j++) {
          unsigned four = weights_of<K>(K == INT8 ? q[b][j % words] : q[b][j % 4] >> j / 4 * 4 & 0x0f0f0f0f, c[b]);
#pragma unroll
          for (int r = 0; r < ROWS; r++) {
            if (r0 + r < a.rows) sum[r] = dp4a(reinterpret_cast<const unsigned *>(a.q)[(int64_t(r0 + r) * p.blocks + s * SPAN + b) * 8 + j], four, sum[r]);
          }
        }
      }
#pragma unroll
      for (int r = 0; r < ROWS; r++) sums[(warp * ROWS + r) * 32 + lane] = int_to_float(sum[r]);
    }
    SYNC();
    int r = r0 + warp;
    if (warp < ROWS && r < a.rows) {
      int n = spans - s0 < SPAN_WARPS ? spans - s0 : SPAN_WARPS;
      for (int i = 0; i < n; i++) {
        int at = PLANTED("spans") ? n - 1 - i : i, b = (s0 + at) * SPAN;
        float w_scale = half_to_float(p.scales[(int64_t(panel) * p.groups + b / p.per) * 32 + lane]);
        acc = fma_rn(sums[(at * ROWS + warp) * 32 + lane], mul_rn(a.scale[int64_t(r) * spans + s0 + at], w_scale), acc);
      }
    }
    SYNC();
  }
  int r = r0 + warp, c = 32 * panel + lane;
  if (warp < ROWS && r < a.rows && c < a.cols) a.dst[r * a.dst_row + c] = a.bias ? add_rn(acc, a.bias[c]) : acc;
}

#define QUANTIZED(name, kind, span)                                                                  \
  KERNEL(Q_THREADS, tile_##name)(Quantized a) { quantized_tile<kind, span>(a); }                     \
  EXPORT(tile_##name)                                                                                \
  KERNEL(SPAN_THREADS, rows_##name##_1)(Quantized a) { quantized_rows<kind, span, 1>(a); }           \
  EXPORT(rows_##name##_1)                                                                            \
  KERNEL(SPAN_THREADS, rows_##name##_4)(Quantized a) { quantized_rows<kind, span, 4>(a); }           \
  EXPORT(rows_##name##_4)                                                                            \
  KERNEL(SPAN_THREADS, rows_##name##_8)(Quantized a) { quantized_rows<kind, span, 8>(a); }           \
  EXPORT(rows_##name##_8)

QUANTIZED(int8, INT8, 4)
QUANTIZED(int8_short, INT8, 1)
QUANTIZED(int4, INT4, 4)
QUANTIZED(int4_zeros, INT4_ZEROS, 4)
QUANTIZED(int4_zeros_short, INT4_ZEROS, 1)
