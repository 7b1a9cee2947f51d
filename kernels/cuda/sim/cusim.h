// What the kernels of ../src see of CUDA when a C++ compiler builds them for the processor: threads are fibers, a barrier is a switch to
// the next one. cusim.cc runs them and holds the rest of the fake driver.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace cusim {

struct Index {
  unsigned x, y, z;
};

extern Index thread, block, block_size, grid_size; // of the thread that runs
// The same where accesses to memory are checked: calls that have one answer for a thread.
[[gnu::const]] Index thread_now();
[[gnu::const]] Index block_now();
[[gnu::const]] Index block_size_now();
[[gnu::const]] Index grid_size_now();

// barrier waits for all threads of the block, which must have come to the same place.
void barrier(const char *where);
// gather hands in n words of this lane and waits for the other 31 of its warp, which must have come to the same place. What it returns
// are all lanes' words, lane after lane.
const uint32_t *gather(const char *where, const uint32_t *words, int n);
// shared is an array of the block, the same for all threads that name the same place. It begins as 0xff.
void *shared(const char *name, const char *function, int line, size_t bytes);
// async copies later: when wait says so, or never.
void async(void *to, const void *from, int bytes, int of);
void commit();
void wait(int pending);
// loaded is p, from which the thread is about to load so many bytes of shared memory: see traffic.cc, which counts it.
const void *loaded(int line, const void *p, int bytes);
// planted reports whether a fault of that name is switched on (CUDASIM_PLANT).
extern bool any_planted;
bool is_planted(const char *fault);
inline bool planted(const char *fault) { return any_planted && is_planted(fault); }

struct Kernel {
  const char *name;
  size_t bytes; // of its one argument
  void (*run)(const void *args);
  int (*steps)(const void *args); // of a product, -1 of what is none
  Kernel *next;
  unsigned met = 0; // what its launches have met so far: see driver.cc
};
extern Kernel *kernels;

template <typename A> auto steps_of(const A &a, int) -> decltype(a.steps) { return a.steps; }
template <typename A> int steps_of(const A &, long) { return -1; }

template <typename A> struct Registered : Kernel {
  template <void (*f)(A)> static Kernel *add(const char *name, Kernel *k) {
    *k = Kernel{name, sizeof(A), [](const void *args) { f(*static_cast<const A *>(args)); }, [](const void *args) { return int(steps_of(*static_cast<const A *>(args), 0)); }, kernels};
    return kernels = k;
  }
};
template <typename A> A argument(void (*)(A));

// Warps are sums and maxima of integers, which have no order.
inline uint32_t warp_max(const char *where, uint32_t x) {
  const uint32_t *all = gather(where, &x, 1);
  uint32_t most = 0;
  for (int i = 0; i < 32; i++) most = all[i] > most ? all[i] : most;
  return most;
}
inline int warp_add(const char *where, int x) {
  uint32_t word = uint32_t(x);
  const uint32_t *all = gather(where, &word, 1);
  uint32_t sum = 0;
  for (int i = 0; i < 32; i++) sum += all[i];
  return int(sum);
}

inline int dp4a(uint32_t a, uint32_t b, int c) {
  for (int i = 0; i < 4; i++) c += int(int8_t(a >> 8 * i)) * int(int8_t(b >> 8 * i));
  return c;
}

// mma is mma.sync.m16n8k32.s32.s8.s8.s32: d (16, 8) += a (16, 32) b (32, 8). The layouts of the fragments are those of the PTX manual.
inline void mma(const char *where, int d[4], const uint32_t a[4], const uint32_t b[2]) {
  uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const uint32_t *all = gather(where, mine, 6);
  int lane = thread.x % 32;
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + i / 2 * 8, col = lane % 4 * 2 + i % 2;
    for (int word = 0; word < 8; word++) { // four steps of k each
      const uint32_t *x = all + (row % 8 * 4 + word % 4) * 6, *w = all + (col * 4 + word % 4) * 6;
      d[i] = dp4a(x[row / 8 + word / 4 * 2], w[4 + word / 4], d[i]);
    }
  }
}

inline float bf16(uint32_t b) {
  float f;
  b <<= 16;
  memcpy(&f, &b, 4);
  return f;
}

// mma_bf16 is mma.sync.m16n8k16.f32.bf16.bf16.f32: d (16, 8) += a (16, 16) b (16, 8), one fused multiply-add after the other. A GPU adds
// the 16 products in another way; this one tells any two orders apart.
inline void mma_bf16(const char *where, float d[4], const uint32_t a[4], const uint32_t b[2]) {
  uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const uint32_t *all = gather(where, mine, 6);
  int lane = thread.x % 32;
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + i / 2 * 8, col = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; k++) {
      uint32_t x = all[(row % 8 * 4 + k % 8 / 2) * 6 + row / 8 + k / 8 * 2], w = all[(col * 4 + k % 8 / 2) * 6 + 4 + k / 8];
      d[i] = fmaf(bf16(x >> k % 2 * 16 & 0xffff), bf16(w >> k % 2 * 16 & 0xffff), d[i]);
    }
  }
}

inline uint32_t to_bf16(float x) {
  uint32_t b;
  memcpy(&b, &x, 4);
  if ((b & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return (b + 0x7fff + (b >> 16 & 1)) >> 16;
}

// met notes what kinds of numbers a sum of a and b, or a product, met, and returns it.
#ifdef CUSIM_CHECKED
void meet(float a, float b, float result, bool adds);
inline float met(float a, float b, float result, bool adds = true) {
  meet(a, b, result, adds);
  return result;
}
#else
inline float met(float, float, float result, bool = true) { return result; }
#endif

inline float half(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 1023, bits;
  if (e == 31) {
    bits = 0x7f800000 | m << 13;
  } else if (e == 0) {
    float f = float(m) * 0x1p-24f;
    memcpy(&bits, &f, 4);
  } else {
    bits = (e + 112) << 23 | m << 13;
  }
  bits |= sign;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

} // namespace cusim

#define CUSIM_TEXT_(x) #x
#define CUSIM_TEXT(x) CUSIM_TEXT_(x)
#define CUSIM_HERE __FILE__ ":" CUSIM_TEXT(__LINE__)

#ifdef CUSIM_CHECKED
#define threadIdx cusim::thread_now()
#define blockIdx cusim::block_now()
#define blockDim cusim::block_size_now()
#define gridDim cusim::grid_size_now()
#else
#define threadIdx cusim::thread
#define blockIdx cusim::block
#define blockDim cusim::block_size
#define gridDim cusim::grid_size
#endif

#define FN static inline
#define KERNEL(threads, name) static void name
#define EXPORT(name)                                                                                  \
  static cusim::Kernel name##_entry, *name##_added =                                                  \
      cusim::Registered<decltype(cusim::argument(name))>::add<name>(#name, &name##_entry);
#define SHARED(T, name, n) T *name = static_cast<T *>(cusim::shared(#name, __PRETTY_FUNCTION__, __LINE__, sizeof(T) * (n)))
#define SYNC() cusim::barrier(CUSIM_HERE)

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};

FN float fma_rn(float a, float b, float c) {
#ifdef CUSIM_PLANTS
  if (cusim::planted("fma")) return a * b + c;
#endif
  return cusim::met(a * b, c, fmaf(a, b, c));
}
FN float add_rn(float a, float b) { return cusim::met(a, b, a + b); }
FN float sub_rn(float a, float b) { return cusim::met(a, b, a - b); }
FN float mul_rn(float a, float b) { return cusim::met(a, b, a * b, false); }
FN float div_rn(float a, float b) { return a / b; }
FN float sqrt_rn(float a) { return sqrtf(a); }
FN double dadd_rn(double a, double b) { return a + b; }
FN double dmul_rn(double a, double b) { return a * b; }
FN double ddiv_rn(double a, double b) { return a / b; }
FN double dsqrt_rn(double a) { return sqrt(a); }
FN float to_float(double a) { return float(a); }
FN float int_to_float(int a) { return float(a); }
FN unsigned bits_of(float x) {
  unsigned b;
  memcpy(&b, &x, 4);
  return b;
}
FN float float_of(unsigned b) {
  float x;
  memcpy(&x, &b, 4);
  return x;
}
FN float half_to_float(uint16_t h) { return cusim::half(h); }
FN int dp4a(unsigned a, unsigned b, int c) { return cusim::dp4a(a, b, c); }
#define WARP_MAX(x) cusim::warp_max(CUSIM_HERE, x)
#define WARP_ADD(x) cusim::warp_add(CUSIM_HERE, x)
#define MMA_S8(d, a, b) cusim::mma(CUSIM_HERE, d, a, b)
#define MMA_BF16(d, a, b) cusim::mma_bf16(CUSIM_HERE, d, a, b)
FN unsigned bf16_pair(float low, float high) { return cusim::to_bf16(high) << 16 | cusim::to_bf16(low); }
FN void async_copy16(void *to, const void *from, int of) { cusim::async(to, from, 16, of); }
FN void async_copy4(void *to, const void *from, int of) { cusim::async(to, from, 4, of); }
FN void async_commit() { cusim::commit(); }
template <int pending> FN void async_wait() { cusim::wait(pending); }

#ifdef CUSIM_PLANTS
#define PLANTED(fault) cusim::planted(fault)
#else
#define PLANTED(fault) false
#endif
