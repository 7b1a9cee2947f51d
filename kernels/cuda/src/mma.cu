// Products of bfloat16 by tensor cores: the precision bf16-mma. Both operands are rounded to bfloat16; sums are float32. Each output of dst = x Wᵀ
// comes about in one written order, whatever kernel computes it and however many rows there are:
//
//   a step beyond the last counts as 0, up to the next multiple of 32
//   a chunk of 32 steps is two mma, for h = 0 and 1: that of h takes steps 8t+4h and 8t+4h+1 as its 2t-th and next, 8t+4h+2 and 8t+4h+3 as its
//     (8+2t)-th and next, for t = 0 to 3
//   a slice of 2048 steps is the mma of its chunks, ascending, each added to what the one before gave, the first to +0
//   an output is the first slice, plus the second, plus the third, each sum rounded to float32; then its bias is added
//
// x is the left operand of the instruction, (16, 16), and W the right one. How it adds 16 products to an accumulator is the GPU's own and differs
// from one architecture to the next: products are exact, aligned to the largest and cut off, all 16 at once (sm_90) or 8 after 8 (sm_80), and the
// sum is rounded towards zero: Fasi et al., PeerJ CS 7:e330; FTTN, arXiv 2403.00232; MMA-Sim, arXiv 2511.10909, whose models are functions of a
// row, a column and an accumulator, and agree with the hardware in every bit. So where in a fragment a row or a column lies does not
// matter, and which half a step is in does, wherefore it is written down. The order of h and t is that of memory: a lane's 16 bytes of a row are its
// part of two fragments.
#include "elements.cuh"

struct MMA {
  float *dst;
  const void *x;
  const uint16_t *w;
  const float *bias; // null for none
  int64_t dst_row, x_row, w_row;
  int rows, cols, steps;
  int across; // of few rows: how many warps of a block have a slice each of the same columns
};

enum { M_CHUNK = 32, M_SLICE = 64 }; // steps of a chunk, chunks of a slice

// Rounded is rows of x as bfloat16, (rows, pitch), with zeros from cols on. pitch is a multiple of 32.
struct Rounded {
  unsigned *dst;
  const float *x;
  int64_t x_row;
  int rows, cols, pitch;
};

KERNEL(256, round_to_bf16)(Rounded a) {
  int half = a.pitch / 2;
  EACH(i, int64_t(a.rows) * half) {
    int64_t r = i / half;
    int k = int(i % half) * 2;
    const float *x = a.x + r * a.x_row + k;
    a.dst[i] = bf16_pair(k < a.cols ? x[0] : 0, k + 1 < a.cols ? x[1] : 0);
  }
}
EXPORT(round_to_bf16)

struct alignas(8) Two {
  float x, y;
};

FN bool lines(const void *p, int64_t row, int bytes) { return (uint64_t(p) | uint64_t(row * bytes)) % 16 == 0; }

// line_of is 8 steps of a row, of which there are left, where they cannot be read at once.
FN uint4 line_of(const uint16_t *p, int left) {
  unsigned two[4];
#pragma unroll
  for (int i = 0; i < 4; i++) two[i] = (2 * i < left ? p[2 * i] : 0u) | (2 * i + 1 < left ? p[2 * i + 1] : 0u) << 16;
  return {two[0], two[1], two[2], two[3]};
}

// multiply_chunk adds a chunk to sum by two mma. low and high are the lines of a row g and of row g+8, w that of column g.
FN void multiply_half(float (&sum)[4], const uint4 &low, const uint4 &high, const uint4 &w, int h) {
  unsigned of_x[4] = {h ? low.z : low.x, h ? high.z : high.x, h ? low.w : low.y, h ? high.w : high.y};
  unsigned of_w[2] = {h ? w.z : w.x, h ? w.w : w.y};
  MMA_BF16(sum, of_x, of_w);
}

// store_pair puts the outputs of columns c and c+1 in their place: what is there already, unless this is the first slice, and v, and after the
// last one the bias.
FN void store_pair(const MMA &a, int r, int c, float x, float y, bool first, bool last, bool wide) {
  if (r >= a.rows || c >= a.cols) return;
  float *p = a.dst + r * a.dst_row + c;
  bool both = c + 1 < a.cols;
  if (!first) {
    Two old = {p[0], 0};
    if (both) old.y = p[1];
    x = add_rn(old.x, x), y = add_rn(old.y, y);
  }
  if (last && a.bias) {
    x = add_rn(x, a.bias[c]);
    if (both) y = add_rn(y, a.bias[c + 1]);
  }
  if (both && wide) {
    *reinterpret_cast<Two *>(p) = {x, y};
    return;
  }
  p[0] = x;
  if (both) p[1] = y;
}

// Many rows. A block of four warps has 128 x 128 outputs, a warp 64 x 64 of them in registers. A stage is one chunk: 64 bytes of each row of x and
// of W side by side, so that eight lanes that read 16 bytes each read 128 that follow each other, in all banks. Four fifths of a warp's loads from
// shared memory serve four mma or more; totals stay in dst from slice to slice.
enum { M_TILE = 128, M_THREADS = 128, M_STAGES = 3, M_GROUP = 16 };

KERNEL(M_THREADS, mma_tile)(MMA a) {
  SHARED(uint16_t, xs, M_STAGES * M_TILE * M_CHUNK);
  SHARED(uint16_t, ws, M_STAGES * M_TILE * M_CHUNK);
  // Blocks that run at a time have 16 tiles of rows and as many of columns as come out, so that both operands come from the cache.
  int high = (a.rows + M_TILE - 1) / M_TILE, wide = (a.cols + M_TILE - 1) / M_TILE;
  int group = blockIdx.x / (M_GROUP * wide), at = blockIdx.x % (M_GROUP * wide);
  int tall = high - group * M_GROUP < M_GROUP ? high - group * M_GROUP : M_GROUP;
  int r0 = (group * M_GROUP + at % tall) * M_TILE, c0 = at / tall * M_TILE;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4, row0 = warp / 2 * 64, col0 = warp % 2 * 64;
  const uint16_t *x = static_cast<const uint16_t *>(a.x);
  bool in_lines = lines(a.w, a.w_row, 2), in_pairs = (uint64_t(a.dst) | uint64_t(a.dst_row * 4)) % 8 == 0;
  bool whole = in_pairs && r0 + M_TILE <= a.rows && c0 + M_TILE <= a.cols;

  auto fetch = [&](int chunk) {
    int s = threadIdx.x % 4 * 8, k = chunk * M_CHUNK + s, left = a.steps - k;
    uint16_t *xn = xs + chunk % M_STAGES * (M_TILE * M_CHUNK), *wn = ws + chunk % M_STAGES * (M_TILE * M_CHUNK);
#pragma unroll
    for (int i = 0; i < M_TILE / 32; i++) {
      int r = threadIdx.x / 4 + 32 * i;
      bool in = r0 + r < a.rows || PLANTED("edge");
      async_copy16(xn + r * M_CHUNK + s, in ? x + (r0 + r) * a.x_row + k : x, in ? 16 : 0);
      in = c0 + r < a.cols && left > 0;
      const uint16_t *from = a.w + (c0 + r) * a.w_row + k;
      if (in_lines) {
        async_copy16(wn + r * M_CHUNK + s, in ? from : a.w, in ? (left < 8 ? 2 * left : 16) : 0);
      } else {
        *reinterpret_cast<uint4 *>(wn + r * M_CHUNK + s) = in ? line_of(from, left) : uint4{0, 0, 0, 0};
      }
    }
  };

  float sum[4][8][4];
#pragma unroll
  for (int i = 0; i < 128; i++) sum[i / 32][i / 4 % 8][i % 4] = 0;
  int chunks = (a.steps + M_CHUNK - 1) / M_CHUNK;
  if (chunks < 1) chunks = 1; // of no steps the sum is 0
#pragma unroll 1
  for (int c = 0; c < M_STAGES - 1; c++) {
    if (c < chunks) fetch(c);
    async_commit();
  }
#pragma unroll 1
  for (int c = 0; c < chunks; c++) {
    async_wait<M_STAGES - 2>();
    if (!PLANTED("barrier")) SYNC();
    if (c + M_STAGES - 1 < chunks) fetch(c + M_STAGES - 1);
    async_commit();
    const uint16_t *xr = xs + c % M_STAGES * (M_TILE * M_CHUNK) + (row0 + g) * M_CHUNK + 8 * t;
    const uint16_t *wr = ws + c % M_STAGES * (M_TILE * M_CHUNK) + (col0 + g) * M_CHUNK + 8 * t;
    uint4 low[4], top[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      low[i] = *reinterpret_cast<const uint4 *>(xr + 16 * i * M_CHUNK);
      top[i] = *reinterpret_cast<const uint4 *>(xr + (16 * i + 8) * M_CHUNK);
    }
#pragma unroll
    for (int j = 0; j < 8; j++) {
      uint4 w = *reinterpret_cast<const uint4 *>(wr + 8 * j * M_CHUNK);
#pragma unroll
      for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int i = 0; i < 4; i++) multiply_half(sum[i][j], low[i], top[i], w, PLANTED("order") ? 1 - h : h);
      }
    }
    if ((c + 1) % M_SLICE && c + 1 < chunks) continue;
    if (whole) { // 16 loads at a time are on their way
#pragma unroll
      for (int i = 0; i < 4; i++) {
        Two old[8][2];
        float *p = a.dst + (r0 + row0 + 16 * i + g) * a.dst_row + c0 + col0 + 2 * t;
#pragma unroll
        for (int e = 0; e < 16; e++) {
          old[e / 2][e % 2] = {0, 0};
          if (c >= M_SLICE) old[e / 2][e % 2] = *reinterpret_cast<const Two *>(p + 8 * (e % 2) * a.dst_row + 8 * (e / 2));
        }
#pragma unroll
        for (int e = 0; e < 16; e++) {
          float &x = sum[i][e / 2][e % 2 * 2], &y = sum[i][e / 2][e % 2 * 2 + 1];
          if (c >= M_SLICE) x = add_rn(old[e / 2][e % 2].x, x), y = add_rn(old[e / 2][e % 2].y, y);
          if (c + 1 == chunks && a.bias) {
            const float *bias = a.bias + c0 + col0 + 8 * (e / 2) + 2 * t;
            x = add_rn(x, bias[0]), y = add_rn(y, bias[1]);
          }
          *reinterpret_cast<Two *>(p + 8 * (e % 2) * a.dst_row + 8 * (e / 2)) = {x, y};
          x = y = 0;
        }
      }
      continue;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float(&v)[4] = sum[i][j];
        int r = r0 + row0 + 16 * i + g, col = c0 + col0 + 8 * j + 2 * t;
        store_pair(a, r, col, v[0], v[1], c < M_SLICE, c + 1 == chunks, in_pairs);
        store_pair(a, r + 8, col, v[2], v[3], c < M_SLICE, c + 1 == chunks, in_pairs);
        v[0] = v[1] = v[2] = v[3] = 0;
      }
    }
  }
}
EXPORT(mma_tile)

// Few rows: bound by reading W, which goes from memory to registers in lines of 16 bytes, 8 of them ahead in each lane. A warp has 8*COLS columns
// and one slice after the other; across warps of a block have the slices of the same columns in turn, and the first of them adds up.
// Rows and columns beyond the last are computed from the last one and not stored. FLOATS: x is float32 and rounded here, 8 rows at
// most; else it is what round_to_bf16 made.
enum { FEW_WARPS = 8, AHEAD_LINES = 8 };

// x_lines is a lane's lines of x from step k on. WHOLE: all its 8 steps are there and can be read at once.
template <int HIGH, bool FLOATS, bool WHOLE> FN void x_lines(uint4 (&low)[HIGH], uint4 (&top)[HIGH], const MMA &a, int r0, int k, int g) {
#pragma unroll
  for (int i = 0; i < HIGH; i++) {
    int r = r0 + 16 * i + g;
    if (FLOATS) {
      const float *x = static_cast<const float *>(a.x) + (r < a.rows ? r : a.rows - 1) * a.x_row + k;
      float v[8];
      int left = a.steps - k;
      if (WHOLE) {
        float4 p = *reinterpret_cast<const float4 *>(x), q = *reinterpret_cast<const float4 *>(x + 4);
        v[0] = p.x, v[1] = p.y, v[2] = p.z, v[3] = p.w, v[4] = q.x, v[5] = q.y, v[6] = q.z, v[7] = q.w;
      } else {
#pragma unroll
        for (int j = 0; j < 8; j++) v[j] = j < left ? x[j] : 0;
      }
      low[i] = {bf16_pair(v[0], v[1]), bf16_pair(v[2], v[3]), bf16_pair(v[4], v[5]), bf16_pair(v[6], v[7])};
      top[i] = {0, 0, 0, 0};
    } else {
      const uint16_t *x = static_cast<const uint16_t *>(a.x) + k;
      low[i] = *reinterpret_cast<const uint4 *>(x + (r < a.rows ? r : a.rows - 1) * a.x_row);
      r += 8;
      top[i] = *reinterpret_cast<const uint4 *>(x + (r < a.rows ? r : a.rows - 1) * a.x_row);
    }
  }
}

template <int HIGH, int COLS, bool FLOATS> FN void mma_rows(const MMA &a) {
  SHARED(float, sums, FEW_WARPS * HIGH * COLS * 4 * 32);
  constexpr int deep = AHEAD_LINES / COLS; // chunks at a time
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  int groups = blockDim.x / 32 / a.across, mine = warp % a.across, lead = warp - mine;
  int r0 = blockIdx.y * 16 * HIGH, c0 = (blockIdx.x * groups + warp / a.across) * 8 * COLS;
  int chunks = (a.steps + M_CHUNK - 1) / M_CHUNK;
  if (chunks < 1) chunks = 1;
  int slices = (chunks + M_SLICE - 1) / M_SLICE;
  bool wide = lines(a.w, a.w_row, 2), x_wide = !FLOATS || lines(a.x, a.x_row, 4);
  const uint16_t *w[COLS];
#pragma unroll
  for (int j = 0; j < COLS; j++) {
    int c = c0 + 8 * j + g;
    w[j] = a.w + (c < a.cols ? c : a.cols - 1) * a.w_row + 8 * t;
  }

  float total[HIGH][COLS][4];
#pragma unroll 1
  for (int s0 = 0; s0 < slices; s0 += a.across) {
    float sum[HIGH][COLS][4];
#pragma unroll
    for (int i = 0; i < HIGH * COLS * 4; i++) sum[i / 4 / COLS][i / 4 % COLS][i % 4] = 0;
    int from = (s0 + mine) * M_SLICE, to = from + M_SLICE < chunks ? from + M_SLICE : chunks;
    auto add = [&](const uint4 *of_w, const uint4(&low)[HIGH], const uint4(&top)[HIGH]) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int i = 0; i < HIGH; i++) {
#pragma unroll
          for (int j = 0; j < COLS; j++) multiply_half(sum[i][j], low[i], top[i], of_w[j], h);
        }
      }
    };
    int whole = wide && x_wide ? (to < a.steps / M_CHUNK ? to : a.steps / M_CHUNK) : from; // chunks before it are read line by line
    int c = from;
    if (c + deep <= whole) {
      uint4 now[deep][COLS], next[deep][COLS];
      auto fetch = [&](uint4(&lines)[deep][COLS], int chunk) {
#pragma unroll
        for (int d = 0; d < deep; d++) {
#pragma unroll
          for (int j = 0; j < COLS; j++) lines[d][j] = *reinterpret_cast<const uint4 *>(w[j] + (chunk + d) * M_CHUNK);
        }
      };
      auto add_all = [&] {
#pragma unroll
        for (int d = 0; d < deep; d++) {
          uint4 low[HIGH], top[HIGH];
          x_lines<HIGH, FLOATS, true>(low, top, a, r0, (c + d) * M_CHUNK + 8 * t, g);
          add(now[d], low, top);
        }
        c += deep;
      };
      fetch(now, c);
#pragma unroll 1
      while (c + 2 * deep <= whole) {
        fetch(next, c + deep);
        add_all();
#pragma unroll
        for (int i = 0; i < deep * COLS; i++) now[i / COLS][i % COLS] = next[i / COLS][i % COLS];
      }
      add_all();
    }
#pragma unroll 1
    for (; c < to; c++) {
      uint4 of_w[COLS];
#pragma unroll
      for (int j = 0; j < COLS; j++) of_w[j] = c < whole ? *reinterpret_cast<const uint4 *>(w[j] + c * M_CHUNK) : line_of(w[j] + c * M_CHUNK, a.steps - c * M_CHUNK - 8 * t);
      uint4 low[HIGH], top[HIGH];
      x_lines<HIGH, FLOATS, false>(low, top, a, r0, c * M_CHUNK + 8 * t, g);
      add(of_w, low, top);
    }
    float *board = sums + warp * (HIGH * COLS * 128) + lane;
#pragma unroll
    for (int i = 0; i < HIGH * COLS * 4; i++) board[i * 32] = sum[i / 4 / COLS][i / 4 % COLS][i % 4];
    SYNC();
    int n = slices - s0 < a.across ? slices - s0 : a.across;
    for (int s = 0; s < n && mine == 0; s++) {
      board = sums + (lead + (PLANTED("slices") ? n - 1 - s : s)) * (HIGH * COLS * 128) + lane;
#pragma unroll
      for (int i = 0; i < HIGH * COLS * 4; i++) {
        float &sofar = total[i / 4 / COLS][i / 4 % COLS][i % 4];
        sofar = s0 + s ? add_rn(sofar, board[i * 32]) : board[i * 32];
      }
    }
    SYNC();
  }
  if (mine) return;
#pragma unroll
  for (int i = 0; i < HIGH; i++) {
#pragma unroll
    for (int j = 0; j < COLS; j++) {
      float(&v)[4] = total[i][j];
      int r = r0 + 16 * i + g, c = c0 + 8 * j + 2 * t;
      store_pair(a, r, c, v[0], v[1], true, true, false);
      store_pair(a, r + 8, c, v[2], v[3], true, true, false);
    }
  }
}

KERNEL(FEW_WARPS * 32, mma_rows_1)(MMA a) { mma_rows<1, 1, true>(a); }
EXPORT(mma_rows_1)
KERNEL(FEW_WARPS * 32, mma_rows_8)(MMA a) { mma_rows<1, 2, true>(a); }
EXPORT(mma_rows_8)
KERNEL(FEW_WARPS * 32, mma_rows_16)(MMA a) { mma_rows<1, 2, false>(a); }
EXPORT(mma_rows_16)
KERNEL(FEW_WARPS * 32, mma_rows_32)(MMA a) { mma_rows<2, 2, false>(a); }
EXPORT(mma_rows_32)
