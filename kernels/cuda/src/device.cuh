// What kernels use of CUDA, under names that the fake driver has as well (../sim/cusim.h). Everything that is not plain C++ is here: every
// other file of this folder is compiled unchanged for the processor, where tests compare it with loupe's Go.
#pragma once

#ifdef CUSIM
#include "cusim.h"
#else

#include <stdint.h>

#define FN static __device__ __forceinline__
#define KERNEL(threads, name) extern "C" __global__ void __launch_bounds__(threads) name // of so many threads a block, at most
#define EXPORT(name)
#define SHARED(T, name, n) __shared__ __align__(16) T name[n]
#define SYNC() __syncthreads()
#define PLANTED(fault) false

// Every operation of float32 names its rounding, so that no compiler joins a product and a sum.
FN float fma_rn(float a, float b, float c) { return __fmaf_rn(a, b, c); }
FN float add_rn(float a, float b) { return __fadd_rn(a, b); }
FN float sub_rn(float a, float b) { return __fsub_rn(a, b); }
FN float mul_rn(float a, float b) { return __fmul_rn(a, b); }
FN float div_rn(float a, float b) { return __fdiv_rn(a, b); }
FN float sqrt_rn(float a) { return __fsqrt_rn(a); }
FN double dadd_rn(double a, double b) { return __dadd_rn(a, b); }
FN double dmul_rn(double a, double b) { return __dmul_rn(a, b); }
FN double ddiv_rn(double a, double b) { return __ddiv_rn(a, b); }
FN double dsqrt_rn(double a) { return __dsqrt_rn(a); }
FN float to_float(double a) { return __double2float_rn(a); }
FN float int_to_float(int a) { return __int2float_rn(a); }
FN unsigned bits_of(float x) { return __float_as_uint(x); }
FN float float_of(unsigned b) { return __uint_as_float(b); }

// half_to_float widens an IEEE half, exactly.
FN float half_to_float(uint16_t h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}

// dp4a adds to c the products of four signed bytes of a and b.
FN int dp4a(unsigned a, unsigned b, int c) { return __dp4a(int(a), int(b), c); }

// Over the 32 lanes of a warp, all of which take part. Integers only: their sums have no order.
#define WARP_MAX(x) __reduce_max_sync(0xffffffffu, x)
#define WARP_ADD(x) __reduce_add_sync(0xffffffffu, x)

// MMA_S8 adds to d, (16, 8), the product of a, (16, 32), and b, (32, 8), of signed bytes. Of a lane, with g = lane/4 and t = lane%4,
//
//   a[0] is row g,   steps 4t to 4t+3     a[2] the same row, steps 16+4t on     b[0] is column g, steps 4t on     d[0], d[1] row g,   columns 2t, 2t+1
//   a[1] is row g+8, steps 4t to 4t+3     a[3] the same row, steps 16+4t on     b[1] is column g, steps 16+4t on  d[2], d[3] row g+8, columns 2t, 2t+1
#define MMA_S8(d, a, b)                                                                                                                                                                  \
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                                                            \
      : "+r"((d)[0]), "+r"((d)[1]), "+r"((d)[2]), "+r"((d)[3])                                                                                                                           \
      : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]))

// MMA_BF16 adds to d, (16, 8) of float32, the product of a, (16, 16), and b, (16, 8), of bfloat16, two to a word, the lower step in the lower
// half. How the 16 products and d are added up is the GPU's own: see mma.cu. Of a lane, with g = lane/4 and t = lane%4,
//
//   a[0] is row g,   steps 2t and 2t+1    a[2] the same row, steps 8+2t and 9+2t    b[0] is column g, steps 2t and 2t+1      d as in MMA_S8
//   a[1] is row g+8, steps 2t and 2t+1    a[3] the same row, steps 8+2t and 9+2t    b[1] is column g, steps 8+2t and 9+2t
#define MMA_BF16(d, a, b)                                                                                                                                                                \
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                                                        \
      : "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3])                                                                                                                           \
      : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]))

// bf16_pair rounds two numbers to the nearest bfloat16, ties to even; low goes to the lower half. A NaN stays one.
FN unsigned bf16_pair(float low, float high) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// Copies from global to shared memory that go on beside the arithmetic. Of is how many bytes are read; the rest becomes 0. Both ends
// are aligned to the size.
FN void async_copy16(void *to, const void *from, int of) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(of) : "memory");
}
FN void async_copy4(void *to, const void *from, int of) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(of) : "memory");
}
FN void async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending> FN void async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory"); }

#endif

// EACH goes over n numbers with all threads of the grid.
#define EACH(i, n) for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < (n); i += int64_t(gridDim.x) * blockDim.x)
