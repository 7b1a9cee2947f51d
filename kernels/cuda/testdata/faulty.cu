// Kernels with one fault each, and one without: what the checks of ../sim/check.cc must find. Blocks have 64 threads.
#include "../src/device.cuh"

struct Faulty {
  float *to;
  const float *from;
  int n;
};

#define FAULTY(name, ...)                   \
  KERNEL(64, faulty_##name)(Faulty a) {     \
    SHARED(float, all, 64);                 \
    int t = threadIdx.x, b = blockIdx.x;    \
    (void)all, (void)t, (void)b;            \
    __VA_ARGS__                             \
  }                                         \
  EXPORT(faulty_##name)

FAULTY(none, async_copy4(all + t, a.from + t, 4); async_commit(); async_wait<0>(); SYNC(); float v = all[63 - t]; SYNC(); all[t] = v; a.to[64 * b + t] = all[t];)
FAULTY(barrier, all[t] = a.from[t]; a.to[64 * b + t] = all[63 - t];)
FAULTY(reuse, all[t] = a.from[t]; SYNC(); float v = all[63 - t]; all[t] = v; a.to[64 * b + t] = v;)
FAULTY(warp, all[t] = a.from[t]; a.to[64 * b + t] = all[t ^ 1] + float(WARP_ADD(1));)
FAULTY(wait, async_copy4(all + t, a.from + t, 4); async_commit(); SYNC(); a.to[64 * b + t] = all[t];)
FAULTY(commit, async_copy4(all + t, a.from + t, 4); async_wait<0>(); a.to[64 * b + t] = all[t];)
FAULTY(wait_alone, async_copy4(all + t, a.from + t, 4); async_commit(); async_wait<0>(); a.to[64 * b + t] = all[63 - t];)
FAULTY(overtaken, async_copy4(all + t, a.from + t, 4); async_commit(); all[t] = 0; async_wait<0>(); a.to[64 * b + t] = all[t];)
FAULTY(blocks, if (t == 0) a.to[0] = float(b);)
FAULTY(blocks_read, if (t == 0) { a.to[b] = 1; if (b > 0) a.to[b] = a.to[b - 1]; })
FAULTY(uploaded, a.to[64 * b + t] = a.to[64 * b + t] + 1;)
FAULTY(end, if (t == 0) a.to[b] = a.from[a.n];)
FAULTY(before, if (t == 0) a.to[b] = a.from[-1];)
FAULTY(write, if (t == 0 && b == 0) a.to[128] = 0;)
FAULTY(aligned, if (t == 0) a.to[b] = reinterpret_cast<const float4 *>(a.from + 1)->x;)
FAULTY(index, float own[4] = {1, 2, 3, 4}; a.to[64 * b + t] = own[(a.n + t) % 8];)
FAULTY(shared_end, all[t + 1] = 0;)
