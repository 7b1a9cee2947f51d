//go:build race

package loupe

// racing: pools drop some of what they are given, on purpose.
const racing = true
