//go:build purego || (!amd64 && !arm64)

package bf16

import "github.com/loupe-vl/loupe/kernels/gemm"

// machineWays is nil: this build has only the Go loops.
func machineWays(*gemm.Kernels) []*Kernels { return nil }
