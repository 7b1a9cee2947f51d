//go:build !amd64 || purego

package gemm_test

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

func emulated(*testing.T, string) (*gemm.Kernels, string) { return nil, "not in this build" }
