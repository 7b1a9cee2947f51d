//go:build !amd64 || purego

package kernels

import "testing"

func emulated(*testing.T, string) (*path, string) { return nil, "not a path of this build" }
