// What only training needs.
#include "elements.cuh"

// ColumnGains is the backward of what lengths divide to a gain: dgain[c] += sum over rows of dy*x, over lengths[c].
struct ColumnGains {
  float *gain;
  const float *x, *dy, *lengths;
  int64_t x_row, dy_row;
  int rows, cols;
};

KERNEL(256, scale_columns_backward)(ColumnGains a) {
  EACH(c, a.cols) {
    float sum = 0;
    for (int r = 0; r < a.rows; r++) sum = add_rn(sum, mul_rn(a.dy[r * a.dy_row + c], a.x[r * a.x_row + c]));
    a.gain[c] = add_rn(a.gain[c], div_rn(sum, a.lengths[c]));
  }
}
EXPORT(scale_columns_backward)

// Lengths is sums of squares of w[first+i] + scale*delta[i] in double precision and in order: of rows, or of columns.
struct Lengths {
  float *lengths; // of rows
  double *sums;   // of columns, added to
  const void *w;
  Panels panels;
  const float *delta;
  int64_t w_row, delta_row;
  int first, rows, cols;
  float scale;
};

template <Kind K> FN double changed(const Lengths &a, int64_t i, int64_t k) {
  float v;
  int64_t r = a.first + i;
  if (K == F32) {
    v = static_cast<const float *>(a.w)[r * a.w_row + k];
  } else if (K == BF16 || K == F16) {
    v = widen16<K>(static_cast<const uint16_t *>(a.w)[r * a.w_row + k]);
  } else {
    v = dequantized<K>(a.panels, r, k);
  }
  return double(add_rn(v, mul_rn(a.scale, a.delta[i * a.delta_row + k])));
}

template <Kind K> FN void lengths(const Lengths &a) {
  if (a.lengths) {
    EACH(i, a.rows) {
      double sum = 0;
      for (int k = 0; k < a.cols; k++) {
        double x = changed<K>(a, i, k);
        sum = dadd_rn(sum, dmul_rn(x, x));
      }
      a.lengths[i] = to_float(dsqrt_rn(sum));
    }
    return;
  }
  EACH(k, a.cols) {
    double sum = a.sums[k];
    for (int i = 0; i < a.rows; i++) {
      double x = changed<K>(a, i, k);
      sum = dadd_rn(sum, dmul_rn(x, x));
    }
    a.sums[k] = sum;
  }
}

KERNEL(256, lengths_f32)(Lengths a) { lengths<F32>(a); }
EXPORT(lengths_f32)
KERNEL(256, lengths_bf16)(Lengths a) { lengths<BF16>(a); }
EXPORT(lengths_bf16)
KERNEL(256, lengths_f16)(Lengths a) { lengths<F16>(a); }
EXPORT(lengths_f16)
KERNEL(256, lengths_int8)(Lengths a) { lengths<INT8>(a); }
EXPORT(lengths_int8)
KERNEL(256, lengths_int4)(Lengths a) { lengths<INT4>(a); }
EXPORT(lengths_int4)
KERNEL(256, lengths_int4_zeros)(Lengths a) { lengths<INT4_ZEROS>(a); }
EXPORT(lengths_int4_zeros)

// AdamW is one step of torch.optim.AdamW.
struct AdamW {
  float *x;
  const float *grad;
  float *m, *v;
  int64_t n;
  float keep, scale, rate, root, eps, beta1, beta2, rest2;
};

KERNEL(256, adamw)(AdamW a) {
  EACH(i, a.n) {
    float g = mul_rn(a.grad[i], a.scale);
    float m = add_rn(a.m[i], mul_rn(sub_rn(g, a.m[i]), a.beta1));
    float v = add_rn(mul_rn(a.v[i], a.beta2), mul_rn(mul_rn(g, g), a.rest2));
    float down = add_rn(mul_rn(sqrt_rn(v), a.root), a.eps);
    a.m[i] = m, a.v[i] = v;
    a.x[i] = sub_rn(mul_rn(a.x[i], a.keep), mul_rn(a.rate, div_rn(m, down)));
  }
}
EXPORT(adamw)
