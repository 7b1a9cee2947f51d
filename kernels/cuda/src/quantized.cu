// Products with quantized weights. Of each span of steps the sum of products of integers is exact, in any order; then
//
//   acc = fma(float(sum), x_scale * w_scale, acc)     for each span, ascending, from +0
#include "count.cuh"
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

// Column is what four weights of a block are made signed bytes with: 128 less what they lose, four times over, and their sub-scale.
struct Column {
  unsigned bias;
  int sub_scale;
};

// column_of makes it of what a column has beside its q: a sub-scale of INT4, from -15 to 15, or a zero point of INT4_ZEROS, up to 15.
template <Kind K> FN Column column_of(uint8_t more) {
  if (K == INT4) return {unsigned(128 - 8 * int(int8_t(more))) * 0x01010101u, int(int8_t(more))};
  return {unsigned(128 - int(more)) * 0x01010101u, 1};
}

// weights_of is four weights as signed bytes: sub-scale * (q-8), q - zero, or q-128. With 128 added none of them leaves its byte, so that one
// multiply-add is all four.
template <Kind K> FN unsigned weights_of(unsigned q, const Column &c) {
  if (K == INT8) return q ^ 0x80808080u;
  return (q * unsigned(c.sub_scale) + c.bias) ^ 0x80808080u;
}

// group_of is the group that a block's scale is of, mostly its span.
template <int SPAN> FN int group_of(const Panels &p, int block) { return p.per == SPAN ? block / SPAN : block / p.per; }

enum { Q_TILE = 128, Q_THREADS = 256, Q_STAGES = 3, Q_X = 48, Q_W = 40 };

// A sum begins as the bits of 1.5 * 2^23. While it is below 2^22, and that of a span is, its bits are those of that number and the sum.
enum { SUM_BEGINS = 0x4b400000 };
FN float sum_of(int bits) { return sub_rn(float_of(unsigned(bits)), 12582912.0f); }

// quantized_tile computes 128 x 128 outputs by tensor cores. A warp has 64 rows and the 32 columns of a panel. A stage is one block of steps:
// of x 32 bytes of each row, which take 48; of w the words of each panel as they are stored, 32 columns taking 40 words; and what else the
// block is scaled by. Rows and panels beyond the last are read from the last, and not stored.
template <Kind K, int SPAN> FN void quantized_tile(const Quantized &a) {
  constexpr int words = K == INT8 ? 8 : 4;
  SHARED(int8_t, xs, Q_STAGES * Q_TILE * Q_X);
  SHARED(unsigned, ws, Q_STAGES * 4 * words * Q_W);
  SHARED(float, x_scales, Q_STAGES * Q_TILE); // of a span
  SHARED(uint16_t, w_scales, Q_STAGES * 4 * 32);
  SHARED(uint8_t, mores, Q_STAGES * 4 * 32);
  const Panels &p = a.panels;
  int r0 = blockIdx.x * Q_TILE, p0 = blockIdx.y * 4, panels = (a.cols + 31) / 32, spans = (p.blocks + SPAN - 1) / SPAN;
  int t0 = threadIdx.x, lane = t0 % 32, warp = t0 / 32, row0 = warp / 4 * 64, mine = warp % 4, g = lane / 4, t = lane % 4;
  auto row_at = [&](int r) { return int64_t(r0 + r < a.rows ? r0 + r : a.rows - 1); };
  auto panel_at = [&](int n) { return int64_t(p0 + n < panels ? p0 + n : panels - 1); };

  const int8_t *x_from = a.q + row_at(t0 / 2) * p.blocks * 32 + t0 % 2 * 16;
  int w_panel = t0 / (words * 8) % 4, w_word = t0 / 8 % words;
  const uint8_t *w_from = p.weights + (panel_at(w_panel) * p.blocks * words + w_word) * 128 + t0 % 8 * 16;
  auto fetch = [&](int block) { // the next one
    int stage = block % Q_STAGES;
    async_copy16(xs + (stage * Q_TILE + t0 / 2) * Q_X + t0 % 2 * 16, x_from, 16);
    if (K == INT8 || t0 < Q_THREADS / 2) async_copy16(ws + ((stage * 4 + w_panel) * words + w_word) * Q_W + t0 % 8 * 4, w_from, 16);
    x_from += 32, w_from += words * 128;
    if (K != INT8 && t0 >= Q_THREADS - 8) {
      int n = t0 / 2 % 4, half = t0 % 2 * 16;
      int64_t at = K == INT4 ? panel_at(n) * p.blocks + block : panel_at(n) * p.groups + group_of<SPAN>(p, block);
      async_copy16(mores + (stage * 4 + n) * 32 + half, p.more + at * 32 + half, 16);
    }
    if (block % SPAN) return;
    stage = block / SPAN % Q_STAGES;
    if (t0 < Q_TILE) {
      async_copy4(x_scales + stage * Q_TILE + t0, a.scale + row_at(t0) * spans + block / SPAN, 4);
    } else if (t0 < Q_TILE + 16) {
      int n = t0 / 4 % 4, part = t0 % 4 * 8;
      async_copy16(w_scales + (stage * 4 + n) * 32 + part, p.scales + (panel_at(n) * p.groups + group_of<SPAN>(p, block)) * 32 + part, 16);
    }
  };

  float acc[4][4][4];
  int sum[4][4][4];
#pragma unroll
  for (int i = 0; i < 64; i++) acc[i / 16][i / 4 % 4][i % 4] = 0, sum[i / 16][i / 4 % 4][i % 4] = SUM_BEGINS;

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
    int stage = b % Q_STAGES;
    const int8_t *x = xs + (stage * Q_TILE + row0 + g) * Q_X + 4 * t;
    const unsigned *w = ws + (stage * 4 + mine) * (words * Q_W) + t * Q_W + g;
    const uint8_t *more = mores + (stage * 4 + mine) * 32 + g;
    unsigned of_x[4][4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int h = 0; h < 4; h++) of_x[i][h] = *COUNTED(unsigned, x + (16 * i + h % 2 * 8) * Q_X + h / 2 * 16);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      Column c = {0, 1};
      if (K != INT8) c = column_of<K>(more[8 * j]);
      unsigned q = *COUNTED(unsigned, w + 8 * j), of_w[2];
      if (K == INT8) {
        of_w[0] = weights_of<K>(q, c), of_w[1] = weights_of<K>(*COUNTED(unsigned, w + 4 * Q_W + 8 * j), c);
      } else {
        of_w[0] = weights_of<K>(q & 0x0f0f0f0f, c), of_w[1] = weights_of<K>(q >> 4 & 0x0f0f0f0f, c);
      }
#pragma unroll
      for (int i = 0; i < 4; i++) MMA_S8(sum[i][j], of_x[i], of_w);
    }
    if ((b + 1) % SPAN && b + 1 < p.blocks) continue;
    stage = b / SPAN % Q_STAGES;
    const float *x_scale = x_scales + stage * Q_TILE + row0 + g;
    const unsigned *two = reinterpret_cast<const unsigned *>(w_scales + (stage * 4 + mine) * 32) + t;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float w_scale[2] = {half_to_float(uint16_t(two[4 * j])), half_to_float(uint16_t(two[4 * j] >> 16))};
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          acc[i][j][e] = fma_rn(sum_of(sum[i][j][e]), mul_rn(x_scale[16 * i + e / 2 * 8], w_scale[e % 2]), acc[i][j][e]);
          sum[i][j][e] = SUM_BEGINS;
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < 64; i++) {
    int r = r0 + row0 + i / 16 * 16 + g + i % 4 / 2 * 8, c = 32 * (p0 + mine) + i / 4 % 4 * 8 + 2 * t + i % 2;
    float v = acc[i / 16][i / 4 % 4][i % 4];
    if (r < a.rows && c < a.cols) a.dst[r * a.dst_row + c] = a.bias ? add_rn(v, a.bias[c]) : v;
  }
}

enum { SPAN_WARPS = 8 };
// Threads of a block, and blocks on a multiprocessor: for one row, whose weights are to be on their way, and for more.
#define SPAN_BOUNDS 256, 4
#define SPAN_BOUNDS_MORE 256, 2

// quantized_rows computes the 32 columns of a panel for a few rows. Sums of spans have no order, so that eight warps each have every eighth
// span, whose weights they read from end to end; a block's are asked for as soon as the registers of the one before it in that place are
// free, a whole span ahead, over the barriers. Then one warp for each row goes through the spans of a round in order, while the others are at
// the next.
//
// Of 4 bits sums are those of q and not of the weights: sub-scale * (sum of x*q - 8 * sum of x), or (sum of x*q) - zero * (sum of x).
template <Kind K, int SPAN, int ROWS> FN void quantized_rows(const Quantized &a) {
  constexpr int words = K == INT8 ? 8 : 4, round = SPAN_WARPS * ROWS * 32;
  SHARED(float, sums, 2 * round);
  SHARED(float, scales, 2 * round);
  const Panels &p = a.panels;
  int panel = blockIdx.x, r0 = blockIdx.y * ROWS, lane = threadIdx.x % 32, warp = threadIdx.x / 32, spans = (p.blocks + SPAN - 1) / SPAN;
  const unsigned *w = reinterpret_cast<const unsigned *>(p.weights) + int64_t(panel) * p.blocks * (words * 32) + lane;
  const uint8_t *more = p.more + int64_t(panel) * (K == INT4 ? p.blocks : p.groups) * 32 + lane;
  const uint16_t *w_scales = p.scales + int64_t(panel) * p.groups * 32 + lane;
  unsigned q[SPAN][words], beside[SPAN];
  uint16_t half = 0;
  auto load = [&](int s, int b) {
    int block = s * SPAN + b < p.blocks ? s * SPAN + b : p.blocks - 1;
#pragma unroll
    for (int j = 0; j < words; j++) q[b][j] = w[(block * words + j) * 32];
    if (K == INT4) beside[b] = more[block * 32];
    if (b > 0) return;
    int group = group_of<SPAN>(p, block);
    half = w_scales[group * 32];
    if (K == INT4_ZEROS) beside[0] = more[group * 32];
  };
  if (warp < spans) {
#pragma unroll
    for (int b = 0; b < SPAN; b++) load(warp, b);
  }
  float acc = 0; // of row warp and column lane, if ROWS is more than warp
  int turn = 0;
#pragma unroll 1
  for (int s0 = 0; s0 < spans; s0 += SPAN_WARPS, turn ^= 1) {
    int s = s0 + warp, next = s + SPAN_WARPS;
    if (s < spans) {
      int sum[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) sum[r] = 0;
      float w_scale = half_to_float(half);
      int zero = int(beside[0]);
#pragma unroll
      for (int b = 0; b < SPAN; b++) {
        int block = s * SPAN + b;
        if (block < p.blocks) {
          unsigned four[8];
#pragma unroll
          for (int j = 0; j < 8; j++) four[j] = K == INT8 ? weights_of<K>(q[b][j % words], {0, 1}) : q[b][j % 4] >> j / 4 * 4 & 0x0f0f0f0f;
#pragma unroll
          for (int r = 0; r < ROWS; r++) {
            int at = (r0 + r < a.rows ? r0 + r : a.rows - 1) * p.blocks + block, dot = 0;
            const uint4 *x = reinterpret_cast<const uint4 *>(a.q) + 2 * at;
            uint4 lo = x[0], hi = x[1];
            unsigned xq[8] = {lo.x, lo.y, lo.z, lo.w, hi.x, hi.y, hi.z, hi.w};
#pragma unroll
            for (int j = 0; j < 8; j++) dot = dp4a(xq[j], four[j], dot);
            if (K == INT4) dot = int(int8_t(beside[b])) * (dot - 8 * a.sum[at]);
            if (K == INT4_ZEROS) dot -= zero * a.sum[at];
            sum[r] += dot;
          }
        }
        if (next < spans) load(next, b);
      }
      int at = turn * round + warp * (ROWS * 32) + lane;
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        sums[at + r * 32] = int_to_float(sum[r]);
        scales[at + r * 32] = mul_rn(a.scale[(r0 + r < a.rows ? r0 + r : a.rows - 1) * spans + s], w_scale);
      }
    }
    SYNC();
    if (warp < ROWS) {
#pragma unroll
      for (int i = 0; i < SPAN_WARPS; i++) {
        int which = PLANTED("spans") ? SPAN_WARPS - 1 - i : i, at = turn * round + (which * ROWS + warp) * 32 + lane;
        if (s0 + which < spans) acc = fma_rn(sums[at], scales[at], acc);
      }
    }
  }
  int r = r0 + warp, c = 32 * panel + lane;
  if (warp < ROWS && r < a.rows && c < a.cols) a.dst[r * a.dst_row + c] = a.bias ? add_rn(acc, a.bias[c]) : acc;
}

#define QUANTIZED(name, kind, span)                                                                  \
  KERNEL(Q_THREADS, tile_##name)(Quantized a) { quantized_tile<kind, span>(a); }                     \
  EXPORT(tile_##name)                                                                                \
  KERNEL(SPAN_BOUNDS, rows_##name##_1)(Quantized a) { quantized_rows<kind, span, 1>(a); }           \
  EXPORT(rows_##name##_1)                                                                            \
  KERNEL(SPAN_BOUNDS_MORE, rows_##name##_4)(Quantized a) { quantized_rows<kind, span, 4>(a); }           \
  EXPORT(rows_##name##_4)                                                                            \
  KERNEL(SPAN_BOUNDS_MORE, rows_##name##_8)(Quantized a) { quantized_rows<kind, span, 8>(a); }           \
  EXPORT(rows_##name##_8)

QUANTIZED(int8, INT8, 4)
QUANTIZED(int8_short, INT8, 1)
QUANTIZED(int4, INT4, 4)
QUANTIZED(int4_zeros, INT4_ZEROS, 4)
QUANTIZED(int4_zeros_short, INT4_ZEROS, 1)
