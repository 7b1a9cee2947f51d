//go:build !purego

package kernels

import (
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/internal/emulate"
)

// emulated is a path that this machine lacks, with its assembly run on an emulated processor; nil, and the reason, where
// there is no emulator.
func emulated(t *testing.T, name string) (*path, string) {
	for _, p := range machinePaths() {
		if p.name != name {
			continue
		}
		cpu, reason := emulate.Start(t)
		if cpu == nil {
			return nil, reason
		}
		q := *p
		q.tile = func(k int, x, w, dst *float32, stride int, accumulate int) {
			if err := cpu.Call(p.tile, k,
				emulate.Bytes(unsafe.Slice(x, k*q.mr)), emulate.Bytes(unsafe.Slice(w, k*q.nr)),
				emulate.Bytes(unsafe.Slice(dst, (q.mr-1)*stride+q.nr)), stride, accumulate); err != nil {
				t.Error(err)
			}
		}
		return &q, ""
	}
	return nil, "not a path of this processor's family"
}

// TestEmulatorSeesOverruns: a routine that writes one element too many must not pass.
func TestEmulatorSeesOverruns(t *testing.T) {
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		t.Skip(reason)
	}
	x, w, dst := make([]float32, 12), make([]float32, 32), make([]float32, 12*32)
	if err := cpu.Call(tile12x32AVX512, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst), 32, 0); err != nil {
		t.Fatal(err)
	}
	if err := cpu.Call(tile12x32AVX512, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst[1:]), 32, 0); err == nil {
		t.Error("writing beyond the end of dst is no error")
	}
}
