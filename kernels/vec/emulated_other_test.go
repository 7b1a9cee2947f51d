//go:build !amd64 || purego

package vec

import "testing"

func emulated(*testing.T, string) (*Kernels, string) { return nil, "not in this build" }
