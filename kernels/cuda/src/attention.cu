// Attention of few queries, by the order of loupe's package attention: of each score one chain of fused multiply-adds over the columns of a
// head, ascending; of each row a softmax by 16 lanes and the tree; of each output one chain over the keys, ascending across pages, and last
// + 0. Rows of probabilities are whole: there is no online softmax.
#include "attention.cuh"
#include "functions.cuh"
#include "reduce.cuh"

enum { ATTEND_KEYS = 64, ATTEND_STEPS = 32, ATTEND_PITCH = 36, SCORE_STAGES = 4 };

// attend_lines starts the copies of steps [k, k+32) of lines, whose steps lie side by side.
template <int LINES, int PITCH_, int THREADS> FN void attend_lines(float *to, const float *const *lines, int k, int steps, bool wide) {
  if (wide) { // and steps are a multiple of four
#pragma unroll 4
    for (int i = threadIdx.x; i < LINES * (ATTEND_STEPS / 4); i += THREADS) {
      int line = i / (ATTEND_STEPS / 4), s = i % (ATTEND_STEPS / 4) * 4;
      if (k + s < steps) async_copy16(to + line * PITCH_ + s, lines[line] + k + s, 16);
    }
    return;
  }
#pragma unroll 1
  for (int i = threadIdx.x; i < LINES * ATTEND_STEPS; i += THREADS) {
    int line = i / ATTEND_STEPS, s = i % ATTEND_STEPS;
    if (k + s < steps) async_copy4(to + line * PITCH_ + s, lines[line] + k + s, 4);
  }
}

// attend_scores is the scores of 64 keys, before their scale: a key in each thread, with ROWS rows, which are that many chains side by side.
// SETS threads share a key. All of a head of 128 columns is on its way at once.
//
// For one sequence of a 7B (28 heads over 4 of 128 columns) with 2,048 keys: 128 blocks, one for each of 132 multiprocessors, with 32 KiB on its
// way in each. It is bound by memory: 4.2 MB of keys are 0.9 us at 4.8 TB/s, beside one latency of 0.5 us. The arithmetic hides behind it: of a warp
// 16 columns are 64 FFMA and 20 LDS.128 of 104 instructions for sm_90, so 832 cycles in all, a warp to each scheduler. That is about 60 % of
// the bound, and more with more keys or sequences. A key takes 36 floats, so that eight threads that read 16 bytes of eight keys find them in
// different banks; all threads of a warp read the same query.
template <int ROWS, int SETS> FN void attend_scores(const Attend &a) {
  constexpr int tile = ROWS * SETS, threads = ATTEND_KEYS * SETS;
  SHARED(float, ks, SCORE_STAGES * ATTEND_KEYS * ATTEND_PITCH);
  SHARED(float, qs, SCORE_STAGES * tile * ATTEND_STEPS);
  SHARED(const float *, key_lines, ATTEND_KEYS);
  SHARED(const float *, query_lines, tile);
  AttendRows r = attend_rows(a);
  int r0 = blockIdx.x % a.row_blocks * tile, k0 = blockIdx.x / a.row_blocks * ATTEND_KEYS, t = threadIdx.x;
  if (r0 >= r.n) return;
  int keys = attend_keys(a, r, r0);
  if (k0 >= keys) return;
  if (t < ATTEND_KEYS) { // beyond the last, keys and rows are the last one's, and are not stored
    int key = k0 + t < keys ? k0 + t : keys - 1;
    const AttendPage *page = attend_page(a, r.p, key);
    key_lines[t] = a.k + page->k + int64_t(key - page->at) * page->k_row + r.kv * a.width;
  }
  if (t < tile) {
    int row = r0 + t < r.n ? r0 + t : r.n - 1;
    query_lines[t] = a.q + r.p.q + int64_t(attend_query(a, row)) * r.p.q_row + attend_head(a, row) * a.width;
  }
  SYNC();

  int stages = (a.width + ATTEND_STEPS - 1) / ATTEND_STEPS;
  auto fetch = [&](int s) {
    if (s < stages) {
      attend_lines<ATTEND_KEYS, ATTEND_PITCH, threads>(ks + s % SCORE_STAGES * (ATTEND_KEYS * ATTEND_PITCH), key_lines, s * ATTEND_STEPS, a.width, a.wide & 2);
      attend_lines<tile, ATTEND_STEPS, threads>(qs + s % SCORE_STAGES * (tile * ATTEND_STEPS), query_lines, s * ATTEND_STEPS, a.width, a.wide & 1);
    }
    async_commit();
  };
#pragma unroll 1
  for (int s = 0; s < SCORE_STAGES - 1; s++) fetch(s);
  float acc[ROWS];
#pragma unroll
  for (int i = 0; i < ROWS; i++) acc[i] = 0;
#pragma unroll 1
  for (int s = 0; s < stages; s++) {
    async_wait<SCORE_STAGES - 2>();
    if (!PLANTED("attend barrier")) SYNC();
    fetch(s + SCORE_STAGES - 1);
    const float *key = ks + (s % SCORE_STAGES * ATTEND_KEYS + t % ATTEND_KEYS) * ATTEND_PITCH;
    const float *q = qs + (s % SCORE_STAGES * tile + t / ATTEND_KEYS * ROWS) * ATTEND_STEPS;
    int left = a.width - s * ATTEND_STEPS < ATTEND_STEPS ? a.width - s * ATTEND_STEPS : ATTEND_STEPS, k = 0;
#pragma unroll 4
    for (; k + 4 <= left; k += 4) {
      float4 k4 = *reinterpret_cast<const float4 *>(key + k), q4[ROWS];
#pragma unroll
      for (int i = 0; i < ROWS; i++) q4[i] = *reinterpret_cast<const float4 *>(q + i * ATTEND_STEPS + k);
#pragma unroll
      for (int at = 0; at < 4; at++) {
#pragma unroll
        for (int i = 0; i < ROWS; i++) acc[i] = fma_rn(part(q4[i], at), part(k4, at), acc[i]);
      }
    }
#pragma unroll 1
    for (; k < left; k++) {
#pragma unroll
      for (int i = 0; i < ROWS; i++) acc[i] = fma_rn(q[i * ATTEND_STEPS + k], key[k], acc[i]);
    }
  }

  int key = k0 + t % ATTEND_KEYS;
#pragma unroll
  for (int i = 0; i < ROWS; i++) {
    int row = r0 + t / ATTEND_KEYS * ROWS + i;
    if (row < r.n && key < keys) attend_scores_of(a, r, row)[key] = acc[i];
  }
}

#define ATTEND_SCORES(name, rows, sets)                                            \
  KERNEL(ATTEND_KEYS *sets, name)(Attend a) { attend_scores<rows, sets>(a); }      \
  EXPORT(name)
ATTEND_SCORES(attend_scores_1, 1, 1)
ATTEND_SCORES(attend_scores_4, 4, 1)
ATTEND_SCORES(attend_scores_8, 4, 2)

enum { SOFTMAX_HELD = 4096 }; // numbers of a row that shared memory holds

// attend_softmax_row makes n scores probabilities, by way of held. Each number passes through one thread only.
FN void attend_softmax_row(float *x, float *held, int n, float scale) {
  float top = maximum(n, [=](int i) { return held[i] = mul_rn(x[i], scale); }).value;
  float sum = lane_sum(n, [=](int i) { return held[i] = exp_of(sub_rn(held[i], top)); });
  for (int i = threadIdx.x; i < n; i += ROW_BLOCK) x[i] = div_rn(held[i], sum);
}

// attend_softmax is a row of probabilities for each block. What the row does not see of the keys that are gone through becomes 0.
KERNEL(ROW_BLOCK, attend_softmax)(Attend a) {
  SHARED(float, held, SOFTMAX_HELD);
  AttendRows r = attend_rows(a);
  int row = blockIdx.x;
  if (row >= r.n) return;
  float *x = attend_scores_of(a, r, row);
  int n = r.p.first + r.p.more * attend_query(a, row), keys = attend_keys(a, r, row / a.tile * a.tile);
  for (int i = n + threadIdx.x; i < keys; i += ROW_BLOCK) x[i] = 0;
  if (n <= SOFTMAX_HELD) {
    attend_softmax_row(x, held, n, a.scale);
  } else {
    attend_softmax_row(x, x, n, a.scale);
  }
}
EXPORT(attend_softmax)

enum { VALUE_THREADS = 64 };

// attend_values is ROWS rows of COLS columns of the result, RT by CT of them in each thread. Values and probabilities of KS keys are a stage
// of shared memory, and several stages are on their way; columns beyond the last are 0.
//
// One sequence of a 7B with 2,048 keys has 3,584 chains of 2,048 steps. It is bound by the chain, four cycles a step: 8,192 cycles, 4.7 us at
// 1.75 GHz, where the values' bytes take 0.9 us. A thread of attend_values_8 has two chains, which share the loads of probabilities: of a
// stage of 64 keys 128 FFMA, 64 LDS.64 and 16 LDS.128 of 215 instructions, and 60 for the copies of the next stage, in 256 cycles of the chain: about 80 % of
// the bound with the barrier. 32 blocks of two warps each need 16 bytes a cycle, which at 800 cycles of latency is 13 KB on their way; five
// stages hold 20 KB. Two chains and not one, since a load of shared memory for each step would take a warp's four cycles of the load unit.
//
// Many sequences are bound by memory or by instructions: 32 of them read 134 MB, 28 us. attend_values_8_wide does eight chains for each load of 16
// bytes of values: 256 FFMA of 311 instructions, 82 %, so 7.3 million FFMA of warps on 528 schedulers are 17,000 cycles, 10 us, and the bytes
// remain the bound.
template <int ROWS, int COLS, int RT, int CT, int KS, int STAGES> FN void attend_values(const Attend &a) {
  static_assert(ROWS / RT * (COLS / CT) == VALUE_THREADS, "threads of a block");
  SHARED(float, vs, STAGES * KS * COLS);
  SHARED(float, ps, STAGES * ROWS * KS);
  AttendRows r = attend_rows(a);
  int r0 = blockIdx.x % a.row_blocks * ROWS, c0 = blockIdx.x / a.row_blocks * COLS, t = threadIdx.x;
  if (r0 >= r.n) return;
  int keys = attend_keys(a, r, r0), stages = (keys + KS - 1) / KS;
  const float *v = a.v + r.kv * a.width + c0;
  int cols = a.width - c0 < COLS ? a.width - c0 : COLS;
  PageCursor cursor = attend_cursor(a, r.p);
  auto fetch = [&](int s) {
    if (s < stages) {
      float *vto = vs + s % STAGES * (KS * COLS), *pto = ps + s % STAGES * (ROWS * KS);
      if (a.wide & 4) {
#pragma unroll
        for (int i = t; i < KS * COLS / 4; i += VALUE_THREADS) {
          int key = s * KS + i / (COLS / 4), c = i % (COLS / 4) * 4;
          if (key < keys) async_copy16(vto + 4 * i, v + (c < cols ? attend_value(cursor, key) + c : cursor.now.v), c < cols ? 16 : 0);
        }
      } else {
#pragma unroll 1
        for (int i = t; i < KS * COLS; i += VALUE_THREADS) {
          int key = s * KS + i / COLS, c = i % COLS;
          if (key < keys) async_copy4(vto + i, v + (c < cols ? attend_value(cursor, key) + c : cursor.now.v), c < cols ? 4 : 0);
        }
      }
#pragma unroll
      for (int i = t; i < ROWS * KS / 4; i += VALUE_THREADS) {
        int row = r0 + i / (KS / 4), k = s * KS + i % (KS / 4) * 4, left = keys - k;
        if (left > 0) async_copy16(pto + 4 * i, attend_scores_of(a, r, row < r.n ? row : r.n - 1) + k, left < 4 ? 4 * left : 16);
      }
    }
    async_commit();
  };
#pragma unroll 1
  for (int s = 0; s < STAGES - 1; s++) fetch(s);
  int tc = t % (COLS / CT) * CT, tr = t / (COLS / CT) * RT;
  float acc[RT][CT];
#pragma unroll
  for (int i = 0; i < RT; i++) {
#pragma unroll
    for (int j = 0; j < CT; j++) acc[i][j] = 0;
  }
#pragma unroll 1
  for (int s = 0; s < stages; s++) {
    async_wait<STAGES - 2>();
    if (!PLANTED("attend barrier")) SYNC();
    fetch(s + STAGES - 1);
    const float *mine = vs + s % STAGES * (KS * COLS) + tc, *p = ps + (s % STAGES * ROWS + tr) * KS;
    int left = keys - s * KS;
    if (left >= KS) {
#pragma unroll
      for (int k = 0; k < KS; k += 4) {
        float4 p4[RT];
#pragma unroll
        for (int i = 0; i < RT; i++) p4[i] = *reinterpret_cast<const float4 *>(p + i * KS + k);
#pragma unroll
        for (int at = 0; at < 4; at++) {
          int key = PLANTED("attend order") ? k + (at ^ 1) : k + at;
          float w[CT];
          if (CT == 4) {
            float4 line = *reinterpret_cast<const float4 *>(mine + key * COLS);
#pragma unroll
            for (int j = 0; j < CT; j++) w[j] = part(line, j);
          } else {
            uint2 line = *reinterpret_cast<const uint2 *>(mine + key * COLS);
            w[0] = float_of(line.x), w[1] = float_of(line.y);
          }
#pragma unroll
          for (int i = 0; i < RT; i++) {
#pragma unroll
            for (int j = 0; j < CT; j++) acc[i][j] = fma_rn(part(p4[i], key - k), w[j], acc[i][j]);
          }
        }
      }
    } else {
#pragma unroll 1
      for (int k = 0; k < left; k++) {
#pragma unroll
        for (int i = 0; i < RT; i++) {
#pragma unroll
          for (int j = 0; j < CT; j++) acc[i][j] = fma_rn(p[i * KS + k], mine[k * COLS + j], acc[i][j]);
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < RT; i++) {
    int row = r0 + tr + i;
    if (row >= r.n) break;
    float *to = a.out + r.p.out + int64_t(attend_query(a, row)) * r.p.out_row + attend_head(a, row) * a.width + c0 + tc;
#pragma unroll
    for (int j = 0; j < CT; j++) { // + 0: the sign of a zero does not tell how queries were cut into blocks
      if (c0 + tc + j < a.width) to[j] = add_rn(acc[i][j], 0);
    }
  }
}

#define ATTEND_VALUES(name, rows, cols, rt, ct, ks, stages)                                                \
  KERNEL(VALUE_THREADS, name)(Attend a) { attend_values<rows, cols, rt, ct, ks, stages>(a); }              \
  EXPORT(name)
ATTEND_VALUES(attend_values_1, 1, 128, 1, 2, 16, 4)
ATTEND_VALUES(attend_values_4, 4, 32, 1, 2, 32, 6)
ATTEND_VALUES(attend_values_8, 8, 16, 1, 2, 64, 6)
ATTEND_VALUES(attend_values_8_wide, 8, 64, 2, 4, 32, 4)
