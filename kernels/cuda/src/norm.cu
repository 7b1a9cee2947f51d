// Norms, softmax and losses: a block for each row.
#include "functions.cuh"
#include "reduce.cuh"

FN float reciprocal_root(float x) { return to_float(ddiv_rn(1.0, dsqrt_rn(double(x)))); }

// Norm is the operands of a norm and of its backward.
struct Norm {
  float *dst; // the result; of a backward the gradient of x, which is added to
  const float *x, *dy, *weight, *bias;
  float *mean, *root; // of each row, for the backward of weights
  int64_t dst_row, x_row, dy_row;
  int rows, cols;
  float eps;
};

FN float mean_of(const float *x, int n) {
  return div_rn(lane_sum(n, [=](int i) { return x[i]; }), int_to_float(n));
}

// root_of is 1/sqrt of the mean of (x-mean)² and eps.
FN float root_of(const float *x, int n, float mean, float eps) {
  float sum = lane_sum(n, [=](int i) {
    float v = sub_rn(x[i], mean);
    return mul_rn(v, v);
  });
  return reciprocal_root(add_rn(div_rn(sum, int_to_float(n)), eps));
}

KERNEL(ROW_BLOCK, layer_norm)(Norm a) {
  const float *x = a.x + blockIdx.x * a.x_row;
  float mean = mean_of(x, a.cols), root = root_of(x, a.cols, mean, a.eps), *dst = a.dst + blockIdx.x * a.dst_row;
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) dst[i] = add_rn(mul_rn(mul_rn(sub_rn(x[i], mean), root), a.weight[i]), a.bias[i]);
}
EXPORT(layer_norm)

KERNEL(ROW_BLOCK, rms_norm)(Norm a) {
  const float *x = a.x + blockIdx.x * a.x_row;
  float root = root_of(x, a.cols, 0, a.eps), *dst = a.dst + blockIdx.x * a.dst_row;
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) dst[i] = mul_rn(a.weight[i], mul_rn(x[i], root));
}
EXPORT(rms_norm)

KERNEL(ROW_BLOCK, layer_norm_backward)(Norm a) {
  const float *x = a.x + blockIdx.x * a.x_row, *dy = a.dy + blockIdx.x * a.dy_row, *w = a.weight;
  float n = int_to_float(a.cols), mean = mean_of(x, a.cols), root = root_of(x, a.cols, mean, a.eps), *dx = a.dst + blockIdx.x * a.dst_row;
  float g = div_rn(lane_sum(a.cols, [=](int i) { return mul_rn(dy[i], w[i]); }), n);
  float gy = div_rn(lane_sum(a.cols, [=](int i) { return mul_rn(mul_rn(dy[i], w[i]), mul_rn(sub_rn(x[i], mean), root)); }), n);
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) {
    float y = mul_rn(sub_rn(x[i], mean), root);
    dx[i] = add_rn(dx[i], mul_rn(root, sub_rn(sub_rn(mul_rn(dy[i], w[i]), g), mul_rn(y, gy))));
  }
  if (threadIdx.x == 0) a.mean[blockIdx.x] = mean, a.root[blockIdx.x] = root;
}
EXPORT(layer_norm_backward)

KERNEL(ROW_BLOCK, rms_norm_backward)(Norm a) {
  const float *x = a.x + blockIdx.x * a.x_row, *dy = a.dy + blockIdx.x * a.dy_row, *w = a.weight;
  float n = int_to_float(a.cols), root = root_of(x, a.cols, 0, a.eps), *dx = a.dst + blockIdx.x * a.dst_row;
  float gy = div_rn(lane_sum(a.cols, [=](int i) { return mul_rn(mul_rn(dy[i], w[i]), mul_rn(x[i], root)); }), n);
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) dx[i] = add_rn(dx[i], mul_rn(root, sub_rn(mul_rn(dy[i], w[i]), mul_rn(mul_rn(x[i], root), gy))));
  if (threadIdx.x == 0) a.mean[blockIdx.x] = 0, a.root[blockIdx.x] = root;
}
EXPORT(rms_norm_backward)

// norm_weights_backward adds to the gradients of weight (dst) and bias (mean stays what it is; bias_grad may be null), a column in each
// thread, the rows in order.
struct NormWeights {
  float *weight, *bias;
  const float *x, *dy, *mean, *root;
  int64_t x_row, dy_row;
  int rows, cols;
};

KERNEL(256, norm_weights_backward)(NormWeights a) {
  EACH(c, a.cols) {
    float w = a.weight[c], b = a.bias ? a.bias[c] : 0;
    for (int r = 0; r < a.rows; r++) {
      float dy = a.dy[r * a.dy_row + c];
      w = add_rn(w, mul_rn(dy, mul_rn(sub_rn(a.x[r * a.x_row + c], a.mean[r]), a.root[r])));
      b = add_rn(b, dy);
    }
    a.weight[c] = w;
    if (a.bias) a.bias[c] = b;
  }
}
EXPORT(norm_weights_backward)

// Softmax is rows of scores in place, of blockIdx.y heads. Row i sees first + more*i numbers; those beyond become 0.
struct Softmax {
  float *x;
  const float *probs; // of a backward: x is the gradient of these
  int64_t row, head;
  int rows, cols, first, more;
  float scale;
};

FN int visible(const Softmax &a) {
  int n = a.first + a.more * int(blockIdx.x);
  return n < a.cols ? n : a.cols;
}

FN void softmax_row(float *x, int n, float top) {
  for (int i = threadIdx.x; i < n; i += ROW_BLOCK) x[i] = exp_of(sub_rn(x[i], top));
  SYNC();
  float sum = lane_sum(n, [=](int i) { return x[i]; });
  for (int i = threadIdx.x; i < n; i += ROW_BLOCK) x[i] = div_rn(x[i], sum);
}

// softmax multiplies by scale first.
KERNEL(ROW_BLOCK, softmax)(Softmax a) {
  float *x = a.x + blockIdx.y * a.head + blockIdx.x * a.row;
  int n = visible(a);
  for (int i = threadIdx.x; i < n; i += ROW_BLOCK) x[i] = mul_rn(x[i], a.scale);
  for (int i = n + threadIdx.x; i < a.cols; i += ROW_BLOCK) x[i] = 0;
  SYNC();
  softmax_row(x, n, maximum(n, [=](int i) { return x[i]; }).value);
}
EXPORT(softmax)

// softmax_backward makes of the gradient of probabilities that of scores, and multiplies by scale.
KERNEL(ROW_BLOCK, softmax_backward)(Softmax a) {
  int64_t at = blockIdx.y * a.head + blockIdx.x * a.row;
  float *x = a.x + at;
  const float *p = a.probs + at;
  int n = visible(a);
  float dot = lane_sum(n, [=](int i) { return mul_rn(p[i], x[i]); });
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) x[i] = i < n ? mul_rn(mul_rn(p[i], sub_rn(x[i], dot)), a.scale) : 0;
}
EXPORT(softmax_backward)

// CrossEntropy is the softmax of rows with a label, and of each the three numbers that its loss is made of.
struct CrossEntropy {
  float *probs;
  const float *logits;
  const int *labels;
  float *parts; // (rows, 3): the largest logit, that of the label, the probability of the largest
  int64_t probs_row, logits_row;
  int rows, cols;
  float scale;
};

KERNEL(ROW_BLOCK, cross_entropy)(CrossEntropy a) {
  int label = a.labels[blockIdx.x];
  if (label < 0) return;
  const float *x = a.logits + blockIdx.x * a.logits_row;
  float *p = a.probs + blockIdx.x * a.probs_row;
  Maximum top = maximum(a.cols, [=](int i) { return x[i]; });
  for (int i = threadIdx.x; i < a.cols; i += ROW_BLOCK) p[i] = x[i];
  SYNC();
  softmax_row(p, a.cols, top.value);
  SYNC();
  if (threadIdx.x == 0) {
    float *parts = a.parts + 3 * blockIdx.x;
    parts[0] = x[top.place], parts[1] = x[label], parts[2] = p[top.place];
  }
}
EXPORT(cross_entropy)

// cross_entropy_backward adds (probs - onehot(label)) * scale to the gradient of logits, which is in probs; the probabilities are in
// logits.
KERNEL(256, cross_entropy_backward)(CrossEntropy a) {
  EACH(i, int64_t(a.rows) * a.cols) {
    int64_t r = i / a.cols, c = i % a.cols;
    int label = a.labels[r];
    if (label < 0) continue;
    float *g = a.probs + r * a.probs_row + c, v = add_rn(*g, mul_rn(a.logits[r * a.logits_row + c], a.scale));
    *g = c == label ? sub_rn(v, a.scale) : v;
  }
}
EXPORT(cross_entropy_backward)
