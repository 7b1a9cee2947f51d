package loupe

import (
	"runtime"
	"runtime/debug"
)

// BuildInfo says what this program is.
type BuildInfo struct {
	Version  string `json:"version"`            // of the module; "(devel)" of a build from a working tree
	Revision string `json:"revision,omitempty"` // of the sources, where the build knew it
	Modified bool   `json:"modified,omitempty"` // whether the sources differed from that revision
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// Build is what the Go toolchain wrote into this program.
func Build() BuildInfo {
	b := BuildInfo{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
