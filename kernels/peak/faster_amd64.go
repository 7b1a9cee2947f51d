//go:build !purego

package peak

import (
	"sync"
	"time"
)

// BF16DotIsFaster compares VDPBF16PS with the two FMA that it stands for, for less than a millisecond. On some processors it takes more
// than twice as long as they do. The processor must have both.
var BF16DotIsFaster = sync.OnceValue(func() bool {
	in, out := make([]byte, 128), make([]byte, 16*64)
	fma, dot := time.Duration(1<<62), time.Duration(1<<62)
	const steps = 1000
	for range 10 {
		start := time.Now()
		fma512(2*steps, &in[0], &out[0])
		fma = min(fma, time.Since(start))
		start = time.Now()
		bf16Dot512(steps, &in[0], &out[0])
		dot = min(dot, time.Since(start))
	}
	return dot < fma
})
