// Operations that go over rows: copies, sums, the functions of one number.
#include "elements.cuh"
#include "reduce.cuh"

// Rows is dst[to[i]] = src[from[i]] for each row i; a null list stands for 0, 1, 2 and so on.
struct Rows {
  float *dst;
  const float *src;
  const int *to, *from;
  int64_t dst_row, src_row;
  int rows, cols;
};

KERNEL(256, copy_rows)(Rows a) {
  EACH(i, int64_t(a.rows) * a.cols) {
    int64_t r = i / a.cols, c = i % a.cols;
    a.dst[(a.to ? a.to[r] : r) * a.dst_row + c] = a.src[(a.from ? a.from[r] : r) * a.src_row + c];
  }
}
EXPORT(copy_rows)

// add_rows adds in the order of i. A column belongs to one thread, since rows may come twice.
KERNEL(256, add_rows)(Rows a) {
  EACH(c, a.cols) {
    for (int r = 0; r < a.rows; r++) {
      float *d = a.dst + (a.to ? a.to[r] : r) * a.dst_row + c;
      *d = add_rn(*d, a.src[(a.from ? a.from[r] : r) * a.src_row + c]);
    }
  }
}
EXPORT(add_rows)

// mean_rows is the mean of the rows, added in order.
KERNEL(256, mean_rows)(Rows a) {
  EACH(c, a.cols) {
    float sum = 0;
    for (int r = 0; r < a.rows; r++) sum = add_rn(sum, a.src[r * a.src_row + c]);
    a.dst[c] = div_rn(sum, int_to_float(a.rows));
  }
}
EXPORT(mean_rows)

// mean_rows_backward adds src, one row, over the number of rows to each row of dst.
KERNEL(256, mean_rows_backward)(Rows a) {
  EACH(i, int64_t(a.rows) * a.cols) {
    float *d = a.dst + i / a.cols * a.dst_row + i % a.cols;
    *d = add_rn(*d, div_rn(a.src[i % a.cols], int_to_float(a.rows)));
  }
}
EXPORT(mean_rows_backward)

// Gather is dst[i] = table[ids[i]], widened.
struct Gather {
  float *dst;
  const void *table;
  Panels panels;
  const int *ids;
  int64_t dst_row, table_row;
  int rows, cols;
};

template <Kind K> FN void gather(const Gather &a) {
  EACH(i, int64_t(a.rows) * a.cols) {
    int64_t r = i / a.cols, c = i % a.cols, from = a.ids[r];
    float v;
    if (K == F32) {
      v = static_cast<const float *>(a.table)[from * a.table_row + c];
    } else if (K == BF16 || K == F16) {
      v = widen16<K>(static_cast<const uint16_t *>(a.table)[from * a.table_row + c]);
    } else {
      v = dequantized<K>(a.panels, from, c);
    }
    a.dst[r * a.dst_row + c] = v;
  }
}

KERNEL(256, gather_f32)(Gather a) { gather<F32>(a); }
EXPORT(gather_f32)
KERNEL(256, gather_bf16)(Gather a) { gather<BF16>(a); }
EXPORT(gather_bf16)
KERNEL(256, gather_f16)(Gather a) { gather<F16>(a); }
EXPORT(gather_f16)
KERNEL(256, gather_int8)(Gather a) { gather<INT8>(a); }
EXPORT(gather_int8)
KERNEL(256, gather_int4)(Gather a) { gather<INT4>(a); }
EXPORT(gather_int4)
KERNEL(256, gather_int4_zeros)(Gather a) { gather<INT4_ZEROS>(a); }
EXPORT(gather_int4_zeros)

// argmax is the column of the largest number of each row, the first among equals; NaN is never the largest. A block is one row.
struct ArgMax {
  const float *x;
  int64_t x_row;
  int *found;
  int rows, cols;
};

KERNEL(256, argmax)(ArgMax a) {
  SHARED(float, values, 256);
  SHARED(int, places, 256);
  const float *x = a.x + blockIdx.x * a.x_row;
  float best = 0;
  int place = -1;
  for (int i = threadIdx.x; i < a.cols; i += blockDim.x) {
    if (larger(x[i], i, best, place)) best = x[i], place = i;
  }
  values[threadIdx.x] = best, places[threadIdx.x] = place;
  SYNC();
  if (threadIdx.x == 0) {
    for (int t = 1; t < int(blockDim.x); t++) {
      if (places[t] >= 0 && larger(values[t], places[t], best, place)) best = values[t], place = places[t];
    }
    a.found[blockIdx.x] = place;
  }
}
EXPORT(argmax)
