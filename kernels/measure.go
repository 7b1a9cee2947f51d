package kernels

import (
	"context"
	"time"
)

// Peaks are what a device can do at most, measured: billions of operations a second, a multiplication and an addition counted as two, and
// billions of bytes a second.
type Peaks struct {
	FMA    float64       // float32 fused multiply-adds
	Int8   float64       // products of bytes by tensor cores, by the instruction that quantized products use
	BF16   float64       // products of bfloat16 by tensor cores, likewise
	Read   float64       // reading the device's memory, more of it than any cache
	Upload float64       // copying from the host, through pinned memory
	Launch time.Duration // one launch among many
	Wait   time.Duration // one launch, and waiting for it
}

// MeasuredDevice is a device with memory and limits of its own, which can be measured beside what a model does with it.
type MeasuredDevice interface {
	Device
	// Peaks measures for about that long each.
	Peaks(ctx context.Context, window time.Duration) (Peaks, error)
	// PeakMemory is the most bytes that were allocated at a time since the last call, or since the device was opened.
	PeakMemory() int64
	// FreeOrderCost compares a product of one row with the weights of bfloat16, (cols, steps), with the same in whatever order of steps is the
	// fastest: seconds of each.
	FreeOrderCost(ctx context.Context, cols, steps int, window time.Duration) (written, free time.Duration, err error)
}
