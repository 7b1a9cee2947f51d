//go:build unix && !linux

package weights

// adviseLargePages does nothing: only Linux takes such advice.
func adviseLargePages([]byte) {}
