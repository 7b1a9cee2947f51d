package peak

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Peaks are what a machine can do with some of its threads, measured: billions of operations a second, a multiplication
// and an addition counted as two, and billions of bytes a second.
type Peaks struct {
	FMA  float64 // float32 fused multiply-adds
	BF16 float64 // products of bfloat16 pairs added to float32; 0 where the processor has no instruction for them
	Int8 float64 // products of 8-bit integers added to 32-bit ones by vector instructions, which a matrix unit can pass; 0: none
	Read float64 // reading memory that holds random bytes, more of it than any cache
}

// Best is the better of two measurements, each by each: noise only ever makes a machine slower.
func (p Peaks) Best(q Peaks) Peaks {
	return Peaks{FMA: max(p.FMA, q.FMA), BF16: max(p.BF16, q.BF16), Int8: max(p.Int8, q.Int8), Read: max(p.Read, q.Read)}
}

// Options choose how [Measure] measures.
type Options struct {
	Threads int           // 0: all cores
	Buffer  int           // bytes to read; 0: 1 GiB, beyond what caches hold
	Window  time.Duration // of each of the three measurements of which the best counts; 0: 0.3 s
	Width   int           // bytes of the registers that compute; 0: the widest that the processor has
}

const (
	rounds     = 3
	steps      = 20_000  // of a loop at once: some 50 µs, so that the scheduler is not held up
	pieceBytes = 1 << 20 // bytes that a thread reads at once
)

// Measure measures with all threads at once. It takes some five seconds and the memory of the buffer, which is
// garbage afterwards.
func Measure(ctx context.Context, o Options) (Peaks, error) {
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Buffer == 0 {
		o.Buffer = 1 << 30
	}
	if o.Window == 0 {
		o.Window = 300 * time.Millisecond
	}
	m := machineLoops()
	p := Peaks{
		FMA:  o.compute(ctx, m.fma),
		BF16: o.compute(ctx, m.bf16),
		Int8: o.compute(ctx, m.int8),
		Read: o.reading(ctx, m.read),
	}
	return p, ctx.Err()
}

// compute is the rate of the first loop that this processor has, in billions of operations a second.
func (o Options) compute(ctx context.Context, loops []loop) float64 {
	for _, l := range loops {
		if !l.available || o.Width != 0 && l.width != o.Width {
			continue
		}
		in := make([][]byte, o.Threads)
		for t := range in {
			in[t] = make([]byte, 2*l.width+l.accs*l.width)
			for i := 0; i < 2*l.width; i += 4 { // as float32 or as bfloat16: numbers near 1, whose sums stay finite
				binary.LittleEndian.PutUint32(in[t][i:], 0x3f7e3f80+uint32(i)<<17)
			}
		}
		return o.best(ctx, func(thread int) int {
			l.run(steps, &in[thread][0], &in[thread][2*l.width])
			return steps * l.accs * l.ops
		})
	}
	return 0
}

// reading is the rate of reading a buffer from its beginning to its end and again, in billions of bytes a second.
func (o Options) reading(ctx context.Context, read func(n int, p, dst *byte)) float64 {
	pieces := max(o.Buffer/pieceBytes, 1)
	buffer := randomBytes(pieces, o.Threads)
	sums := make([][64]byte, o.Threads) // each in a cache line of its own
	var next atomic.Int64
	return o.best(ctx, func(thread int) int {
		at := int(next.Add(1)-1) % pieces * pieceBytes
		read(pieceBytes/256, &buffer[at], &sums[thread][0])
		return pieceBytes
	})
}

// randomBytes is memory that neither the processor nor the system can hold in less, in pieces.
func randomBytes(pieces, threads int) []byte {
	buffer := make([]byte, pieces*pieceBytes)
	var next atomic.Int64
	var done sync.WaitGroup
	for range threads {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < pieces; i = int(next.Add(1)) - 1 {
				piece := buffer[i*pieceBytes:][:pieceBytes]
				r := rand.NewPCG(1, uint64(i))
				for j := 0; j < len(piece); j += 8 {
					binary.LittleEndian.PutUint64(piece[j:], r.Uint64())
				}
			}
		})
	}
	done.Wait()
	return buffer
}

// best runs piece on all threads for a while, some times over, and gives the highest rate in billions of what piece
// returns a second.
func (o Options) best(ctx context.Context, piece func(thread int) int) float64 {
	rate := 0.0
	for range rounds {
		var total atomic.Int64
		var done sync.WaitGroup
		start := time.Now()
		for t := range o.Threads {
			done.Go(func() {
				sum := 0
				for time.Since(start) < o.Window && ctx.Err() == nil {
					sum += piece(t)
				}
				total.Add(int64(sum))
			})
		}
		done.Wait()
		rate = max(rate, float64(total.Load())/float64(time.Since(start).Nanoseconds()))
	}
	return rate
}
