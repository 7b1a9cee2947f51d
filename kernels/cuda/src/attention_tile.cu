// Attention of many queries, by the order that attention.cu has for few: tiles of scores, and tiles of results over all keys. A tile has 16*MR
// rows, which are the queries of all heads that read a key head, so that it is full for short chunks of a prompt as well, and its keys
// end where its last query sees none any more: of a causal prompt half of the tiles are not there.
//
// 256 threads, 16 by 16. The next 16 steps are copied beside the arithmetic of these; steps lie side by side, a row takes 20 floats, as
// in product_tile.cu. Values lie a key after the other, columns side by side.
//
// Multiply-adds done for one that is needed, where tiles of 128 x 128 had what is in brackets: results of heads of 80 columns (the tower) 1.0 (1.6),
// of 64 columns 1.0 (2.0), of 128 columns 1.0 (1.0). Of a causal prompt of 2,048 tokens, seven heads to a key head, where 128 rows are 19
// queries: scores 1.07 (2.0), results 1.02 (2.0).
//
// Bound by multiply-adds. Of sm_90's instructions of four steps those that multiply are 256 of 280 (scores, 128 rows), 256 of 281 (results, 128 rows
// by 128 columns), 160 of 187 (128 by 80) and 80 of 111 (64 by 80); each thread takes four of the latter's loads for 20 of its multiply-adds.
// A tile of 128 x 128 results reads 1 KiB for each key, in 128 cycles of the multiprocessor: 8 bytes a cycle, and 128 x 80 take 10, where the
// second-level cache gives about 24 to each of 132. Scores are written, made probabilities where they lie, and read: 16 bytes for 160
// multiply-adds with 80 columns, so that 4,096 patches are 43 billion multiply-adds, 1.45 ms at the peak of 132 x 128 at 1.75 GHz, beside 4.3 GB,
// 0.9 ms, in launches of their own.
#include "attention.cuh"

enum { TILE_STEPS = 16, TILE_PITCH = 20, ATTEND_THREADS = 256, TILE_KEYS = 128 };

// attend_tile_fetch starts the copies of steps [k, k+16) of the thread's lines, which are rows threadIdx.x/4, 64 more and so on of a tile. What
// is beyond the steps is not read.
template <int LINES> FN void attend_tile_fetch(float *to, const float *const (&lines)[LINES], int k, int steps, bool wide) {
  int at = k + threadIdx.x % 4 * 4;
#pragma unroll
  for (int i = 0; i < LINES; i++) {
    float *p = to + (threadIdx.x / 4 + 64 * i) * TILE_PITCH + threadIdx.x % 4 * 4;
    if (wide) {
      if (at < steps) async_copy16(p, lines[i] + at, steps - at < 4 ? 4 * (steps - at) : 16);
    } else {
      for (int s = 0; s < 4; s++) {
        if (at + s < steps) async_copy4(p + s, lines[i] + at + s, 4);
      }
    }
  }
}

// attend_tile_scores is a tile of 16*MR rows and 128 keys. Thread (ty, tx) has rows ty, ty+16, ... and keys tx, tx+16, ...
template <int MR> FN void attend_tile_scores(const Attend &a) {
  constexpr int high = 16 * MR, mine = 8;
  SHARED(float, xs, 2 * high * TILE_PITCH);
  SHARED(float, ks, 2 * TILE_KEYS * TILE_PITCH);
  AttendRows r = attend_rows(a);
  int r0 = blockIdx.x % a.row_blocks * high, k0 = blockIdx.x / a.row_blocks * TILE_KEYS, t = threadIdx.x, tx = t % 16, ty = t / 16;
  if (r0 >= r.n) return;
  int keys = attend_keys(a, r, r0);
  if (k0 >= keys) return;
  const float *x_lines[high / 64], *k_lines[TILE_KEYS / 64]; // beyond the last they are the last one's, and are not stored
#pragma unroll
  for (int i = 0; i < high / 64; i++) {
    int row = r0 + t / 4 + 64 * i;
    if (row >= r.n) row = r.n - 1;
    x_lines[i] = a.q + r.p.q + int64_t(attend_query(a, row)) * r.p.q_row + attend_head(a, row) * a.width;
  }
#pragma unroll
  for (int i = 0; i < TILE_KEYS / 64; i++) {
    int key = k0 + t / 4 + 64 * i;
    if (key >= keys) key = keys - 1;
    const AttendPage *page = attend_page(a, r.p, key);
    k_lines[i] = a.k + page->k + int64_t(key - page->at) * page->k_row + r.kv * a.width;
  }
  float acc[MR][mine];
#pragma unroll
  for (int i = 0; i < MR; i++) {
#pragma unroll
    for (int j = 0; j < mine; j++) acc[i][j] = 0;
  }
  int stages = (a.width + TILE_STEPS - 1) / TILE_STEPS;
#pragma unroll 1
  for (int s = -1; s < stages; s++) {
    if (s >= 0) {
      async_wait<0>();
      if (!PLANTED("attend barrier")) SYNC();
    }
    if (s + 1 < stages) {
      attend_tile_fetch<high / 64>(xs + (s + 1) % 2 * (high * TILE_PITCH), x_lines, (s + 1) * TILE_STEPS, a.width, a.wide & 1);
      attend_tile_fetch<TILE_KEYS / 64>(ks + (s + 1) % 2 * (TILE_KEYS * TILE_PITCH), k_lines, (s + 1) * TILE_STEPS, a.width, a.wide & 2);
      async_commit();
    }
    if (s < 0) continue;
    const float *x = xs + s % 2 * (high * TILE_PITCH) + ty * TILE_PITCH, *key = ks + s % 2 * (TILE_KEYS * TILE_PITCH) + tx * TILE_PITCH;
    int left = a.width - s * TILE_STEPS < TILE_STEPS ? a.width - s * TILE_STEPS : TILE_STEPS, k = 0;
#pragma unroll 1
    for (; k + 4 <= left; k += 4) {
      float4 x4[MR];
#pragma unroll
      for (int i = 0; i < MR; i++) x4[i] = *reinterpret_cast<const float4 *>(x + 16 * i * TILE_PITCH + k);
#pragma unroll
      for (int j = 0; j < mine; j++) {
        float4 k4 = *reinterpret_cast<const float4 *>(key + 16 * j * TILE_PITCH + k);
#pragma unroll
        for (int at = 0; at < 4; at++) {
#pragma unroll
          for (int i = 0; i < MR; i++) acc[i][j] = fma_rn(part(x4[i], at), part(k4, at), acc[i][j]);
        }
      }
    }
#pragma unroll 1
    for (; k < left; k++) {
#pragma unroll
      for (int j = 0; j < mine; j++) {
        float w = key[16 * j * TILE_PITCH + k];
#pragma unroll
        for (int i = 0; i < MR; i++) acc[i][j] = fma_rn(x[16 * i * TILE_PITCH + k], w, acc[i][j]);
      }
    }
  }

#pragma unroll
  for (int i = 0; i < MR; i++) {
    int row = r0 + ty + 16 * i;
    if (row >= r.n) break;
    float *to = attend_scores_of(a, r, row) + k0 + tx;
#pragma unroll
    for (int j = 0; j < mine; j++) {
      if (k0 + tx + 16 * j < keys) to[16 * j] = acc[i][j];
    }
  }
}

// attend_tile_values is a tile of 16*MR rows and 64*QUADS + 16*ONES columns, over all keys. Thread (ty, tx) has rows ty, ty+16, ... and
// columns 4*tx to 4*tx+3 of each 64, and tx of each 16.
template <int MR, int QUADS, int ONES> FN void attend_tile_values(const Attend &a) {
  constexpr int high = 16 * MR, cols = 64 * QUADS + 16 * ONES, mine = 4 * QUADS + ONES;
  SHARED(float, ps, 2 * high * TILE_PITCH);
  SHARED(float, vs, 2 * TILE_STEPS * cols);
  AttendRows r = attend_rows(a);
  int t = threadIdx.x, tx = t % 16, ty = t / 16;
  int r0 = (a.row_blocks - 1 - int(blockIdx.x) % a.row_blocks) * high, c0 = blockIdx.x / a.row_blocks * cols; // what sees most begins first
  if (r0 >= r.n) return;
  int keys = attend_keys(a, r, r0), stages = (keys + TILE_STEPS - 1) / TILE_STEPS;
  const float *lines[high / 64], *v = a.v + r.kv * a.width + c0;
#pragma unroll
  for (int i = 0; i < high / 64; i++) {
    int row = r0 + t / 4 + 64 * i;
    lines[i] = attend_scores_of(a, r, row < r.n ? row : r.n - 1);
  }
  PageCursor cursor = attend_cursor(a, r.p);
  auto fetch_values = [&](float *to, int k) {
    if (a.wide & 4) {
#pragma unroll
      for (int i = t; i < TILE_STEPS * cols / 4; i += ATTEND_THREADS) {
        int key = k + i / (cols / 4), c = i % (cols / 4) * 4;
        bool in = c0 + c < a.width; // columns beyond the last are 0
        if (key < keys) async_copy16(to + 4 * i, v + (in ? attend_value(cursor, key) + c : cursor.now.v), in ? 16 : 0);
      }
      return;
    }
#pragma unroll 1
    for (int i = t; i < TILE_STEPS * cols; i += ATTEND_THREADS) {
      int key = k + i / cols, c = i % cols;
      bool in = c0 + c < a.width;
      if (key < keys) async_copy4(to + i, v + (in ? attend_value(cursor, key) + c : cursor.now.v), in ? 4 : 0);
    }
  };
  float acc[MR][mine];
#pragma unroll
  for (int i = 0; i < MR; i++) {
#pragma unroll
    for (int j = 0; j < mine; j++) acc[i][j] = 0;
  }
#pragma unroll 1
  for (int s = -1; s < stages; s++) {
    if (s >= 0) {
      async_wait<0>();
      if (!PLANTED("attend barrier")) SYNC();
    }
    if (s + 1 < stages) {
      attend_tile_fetch<high / 64>(ps + (s + 1) % 2 * (high * TILE_PITCH), lines, (s + 1) * TILE_STEPS, keys, true);
      fetch_values(vs + (s + 1) % 2 * (TILE_STEPS * cols), (s + 1) * TILE_STEPS);
      async_commit();
    }
    if (s < 0) continue;
    const float *p = ps + s % 2 * (high * TILE_PITCH) + ty * TILE_PITCH, *mv = vs + s % 2 * (TILE_STEPS * cols);
    int left = keys - s * TILE_STEPS < TILE_STEPS ? keys - s * TILE_STEPS : TILE_STEPS, k = 0;
    auto step = [&](const float (&x)[MR], int key) {
      float w[mine];
#pragma unroll
      for (int j = 0; j < QUADS; j++) {
        float4 line = *reinterpret_cast<const float4 *>(mv + key * cols + 64 * j + 4 * tx);
#pragma unroll
        for (int c = 0; c < 4; c++) w[4 * j + c] = part(line, c);
      }
#pragma unroll
      for (int j = 0; j < ONES; j++) w[4 * QUADS + j] = mv[key * cols + 64 * QUADS + 16 * j + tx];
#pragma unroll
      for (int i = 0; i < MR; i++) {
#pragma unroll
        for (int j = 0; j < mine; j++) acc[i][j] = fma_rn(x[i], w[j], acc[i][j]);
      }
    };
#pragma unroll 1
    for (; k + 4 <= left; k += 4) {
      float4 x4[MR];
#pragma unroll
      for (int i = 0; i < MR; i++) x4[i] = *reinterpret_cast<const float4 *>(p + 16 * i * TILE_PITCH + k);
#pragma unroll
      for (int at = 0; at < 4; at++) {
        int key = PLANTED("attend order") ? at ^ 1 : at;
        float x[MR];
#pragma unroll
        for (int i = 0; i < MR; i++) x[i] = part(x4[i], key);
        step(x, k + key);
      }
    }
#pragma unroll 1
    for (; k < left; k++) {
      float x[MR];
#pragma unroll
      for (int i = 0; i < MR; i++) x[i] = p[16 * i * TILE_PITCH + k];
      step(x, k);
    }
  }

#pragma unroll
  for (int i = 0; i < MR; i++) {
    int row = r0 + ty + 16 * i;
    if (row >= r.n) break;
    float *to = a.out + r.p.out + int64_t(attend_query(a, row)) * r.p.out_row + attend_head(a, row) * a.width;
#pragma unroll
    for (int j = 0; j < mine; j++) { // + 0: as in attention.cu
      int c = c0 + (j < 4 * QUADS ? j / 4 * 64 + 4 * tx + j % 4 : 64 * QUADS + 16 * (j - 4 * QUADS) + tx);
      if (c < a.width) to[c] = add_rn(acc[i][j], 0);
    }
  }
}

#define ATTEND_TILE_SCORES(name, mr)                                                  \
  KERNEL(ATTEND_THREADS, name)(Attend a) { attend_tile_scores<mr>(a); }               \
  EXPORT(name)
ATTEND_TILE_SCORES(attend_tile_scores_64, 4)
ATTEND_TILE_SCORES(attend_tile_scores_128, 8)

#define ATTEND_TILE_VALUES(name, mr, quads, ones)                                     \
  KERNEL(ATTEND_THREADS, name)(Attend a) { attend_tile_values<mr, quads, ones>(a); }  \
  EXPORT(name)
ATTEND_TILE_VALUES(attend_tile_values_64_16, 4, 0, 1)
ATTEND_TILE_VALUES(attend_tile_values_64_64, 4, 1, 0)
ATTEND_TILE_VALUES(attend_tile_values_64_80, 4, 1, 1)
ATTEND_TILE_VALUES(attend_tile_values_64_128, 4, 2, 0)
ATTEND_TILE_VALUES(attend_tile_values_128_16, 8, 0, 1)
ATTEND_TILE_VALUES(attend_tile_values_128_64, 8, 1, 0)
ATTEND_TILE_VALUES(attend_tile_values_128_80, 8, 1, 1)
ATTEND_TILE_VALUES(attend_tile_values_128_128, 8, 2, 0)
