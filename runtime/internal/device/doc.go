// Package device says what models compute on: it reads the choice, opens the device, and says what it is.
//
// May import: kernels, kernels/cpu, kernels/cuda, weights/option.
package device
