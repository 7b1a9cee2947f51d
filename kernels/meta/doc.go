// Package meta is a device that knows shapes only, as PyTorch's meta device: its memory holds no numbers and its operations do
// nothing. A run on it goes through a model forward and backward at next to no cost, takes the memory that it would take elsewhere,
// and asks hooks what they want at every point: it lists taps, and tells what a step of training would need.
//
// May import: kernels.
package meta
