//go:build !race

package loupe

const racing = false
