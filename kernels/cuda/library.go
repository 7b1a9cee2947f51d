//go:build cuda && linux && cgo

package cuda

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// leastMajor is the least compute capability that there are kernels for.
const leastMajor = 8

// systemLibrary is the driver's library as the system's loader finds it.
const systemLibrary = "libcuda.so.1"

// library is which one to open, and whether it is the system's.
func (o Options) library() (name string, system bool) {
	if name = o.Library; name == "" {
		name = os.Getenv(LibraryVariable)
	}
	if name == "" {
		name = systemLibrary
	}
	return name, name == systemLibrary
}

// otherPlaces are where the driver's library may be though the system's loader does not look there.
func otherPlaces() (out []string) {
	for _, dir := range []string{
		"usr/lib/wsl/lib",                  // WSL, whose loader knows it only where ldconfig ran
		"usr/local/nvidia/lib64",           // mounted into containers of Kubernetes
		"run/opengl-driver/lib",            // NixOS
		"usr/lib/aarch64-linux-gnu/tegra",  // Jetson
		"usr/lib/aarch64-linux-gnu/nvidia", // Jetson, from JetPack 6 on
		"usr/lib/x86_64-linux-gnu/nvidia/current",
	} {
		if strings.Contains(dir, "aarch64") != (runtime.GOARCH == "arm64") && strings.Contains(dir, "linux-gnu") {
			continue
		}
		if path := filepath.Join(dir, systemLibrary); there(path) {
			out = append(out, filepath.Join(systemRoot, path))
		}
	}
	return out
}
