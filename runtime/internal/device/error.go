package device

import (
	"errors"

	"github.com/loupe-vl/loupe/kernels/cuda"
)

// Error is why a device cannot be had.
type Error struct{ Err error }

// Error says what is missing, and what to do.
func (e *Error) Error() string { return "Options.Device: " + e.Err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether an error is of a device, and not of what was to be computed.
func Is(err error) bool {
	if err == nil {
		return false // before anything is allocated: every step of decoding asks
	}
	var missing *Error
	var driver *cuda.Error
	var memory *cuda.OutOfMemory
	return errors.As(err, &missing) || errors.As(err, &driver) || errors.As(err, &memory)
}

// IsFull reports whether an error is that a device had too little memory left.
func IsFull(err error) bool {
	var memory *cuda.OutOfMemory
	return errors.As(err, &memory)
}
