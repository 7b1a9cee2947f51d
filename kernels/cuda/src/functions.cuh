// exp, sigmoid, erf, sine and cosine: the polynomials of loupe's package num, operation by operation.
#pragma once

#include "device.cuh"

FN float step_poly(float q, float r, float c) { return add_rn(mul_rn(q, r), c); }

// exp_of is e^x: num.Exp.
FN float exp_of(float x) {
  if (x > 89) x = 89;
  if (x < -104) x = -104;
  const float shift = 12582912.0f + 254;
  float z = add_rn(mul_rn(x, 1.44269504f), shift);
  float n = sub_rn(z, shift);
  float high = sub_rn(x, mul_rn(n, 0.693359375f)), low = mul_rn(n, -2.12194440e-4f);
  float r = sub_rn(high, low);
  float q = 0x1.6a543cp-10f;
  q = step_poly(q, r, 0x1.12398ep-7f);
  q = step_poly(q, r, 0x1.5558aap-5f);
  q = step_poly(q, r, 0x1.555492p-3f);
  q = step_poly(q, r, 0x1.fffffcp-2f);
  float p = add_rn(1, add_rn(high, sub_rn(mul_rn(mul_rn(r, r), q), low)));
  unsigned k = bits_of(z), half = k >> 1;
  return mul_rn(mul_rn(p, float_of(half << 23)), float_of((k - half) << 23));
}

// sigmoid is num.Sigmoid.
FN float sigmoid(float x) {
  unsigned bits = bits_of(x);
  float e = exp_of(float_of(bits | 0x80000000u));
  float s = add_rn(1, e), q = div_rn(e, s);
  if (!(bits >> 31)) return sub_rn(1, q);
  float lost = sub_rn(e, sub_rn(s, 1));
  return sub_rn(q, mul_rn(q, lost));
}

// erf_of is num.Erf.
FN float erf_of(float x) {
  unsigned sign = bits_of(x) & 0x80000000u;
  float t = float_of(bits_of(x) & 0x7fffffff);
  if (t > 4) t = 4;
  if (t < 0.9f) {
    float s = mul_rn(t, t), p = -0x1.3ec7ep-11f;
    p = step_poly(p, s, 0x1.485268p-8f);
    p = step_poly(p, s, -0x1.b6b7d2p-6f);
    p = step_poly(p, s, 0x1.ce1d3ap-4f);
    p = step_poly(p, s, -0x1.8126f4p-2f);
    p = step_poly(p, s, 0x1.06eba6p-3f);
    return add_rn(x, mul_rn(x, p));
  }
  float q = 0x1.c117e2p-13f;
  q = step_poly(q, t, -0x1.a593d8p-9f);
  q = step_poly(q, t, 0x1.771c46p-6f);
  q = step_poly(q, t, -0x1.af2fd6p-4f);
  q = step_poly(q, t, -0x1.457bf8p-1f);
  q = step_poly(q, t, -0x1.20e676p+0f);
  float y = sub_rn(1, exp_of(mul_rn(t, q)));
  return float_of((bits_of(y) & 0x7fffffff) | sign);
}

FN double step_poly64(double q, double r, double c) { return dadd_rn(dmul_rn(q, r), c); }

// cos_sin is num.Cos and num.Sin, for angles below 1e6.
FN void cos_sin(float angle, float *cosine, float *sine) {
  double x = angle;
  double n = floor(dadd_rn(dmul_rn(x, 0.63661977236758134308), 0.5));
  double r = dadd_rn(x, -dmul_rn(n, 1.57079632673412561417e+00));
  r = dadd_rn(r, -dmul_rn(n, 6.07710050630396597660e-11));
  r = dadd_rn(r, -dmul_rn(n, 2.02226624871116645580e-21));
  double z = dmul_rn(r, r);
  double s = dadd_rn(dmul_rn(z, 1.0 / 6227020800), -(1.0 / 39916800));
  s = step_poly64(s, z, 1.0 / 362880);
  s = step_poly64(s, z, -(1.0 / 5040));
  s = step_poly64(s, z, 1.0 / 120);
  s = step_poly64(s, z, -(1.0 / 6));
  s = dadd_rn(r, dmul_rn(r, dmul_rn(s, z)));
  double c = dadd_rn(dmul_rn(z, -1.0 / 87178291200), 1.0 / 479001600);
  c = step_poly64(c, z, -(1.0 / 3628800));
  c = step_poly64(c, z, 1.0 / 40320);
  c = step_poly64(c, z, -(1.0 / 720));
  c = step_poly64(c, z, 1.0 / 24);
  c = step_poly64(c, z, -0.5);
  c = dadd_rn(1, dmul_rn(c, z));
  int turn = int((long long)n & 3);
  *sine = to_float(turn == 0 ? s : turn == 1 ? c : turn == 2 ? -s : -c);
  *cosine = to_float(turn == 0 ? c : turn == 1 ? -s : turn == 2 ? -c : s);
}
