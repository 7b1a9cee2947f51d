// Package gemmtest makes products to test kernels with: operands of random numbers among NaN, and what law 1 says of them.
//
// May import: kernels/gemm, kernels/num and kernels/internal. Imported by tests only.
package gemmtest
