// Package golden opens the committed golden checkpoint with its cases, for the tests of the packages below runtime/trace.
//
// May import: runtime, runtime/internal/fixture, weights.
package golden
