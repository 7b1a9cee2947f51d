// Package device says what models compute on.
//
// May import: kernels, kernels/cpu.
package device
