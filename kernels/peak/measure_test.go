package peak

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/internal/emulate"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
)

// kind says what a loop computes, for its test: operands of small integers, so that every order of sums is exact.
type kind struct {
	name  string
	loops []loop
	// fill writes operands u and v of width bytes, and returns what one step adds to each 32-bit lane.
	fill func(r *rand.Rand, u, v []byte) []int
	lane func(bits uint32) int
}

func kinds(m machine) []kind {
	small := func(r *rand.Rand) int { return r.IntN(17) - 8 }
	float := func(bits uint32) int { return int(math.Float32frombits(bits)) }
	return []kind{
		{"fma", m.fma, func(r *rand.Rand, u, v []byte) (sums []int) {
			for i := 0; i < len(u); i += 4 {
				a, b := small(r), small(r)
				binary.LittleEndian.PutUint32(u[i:], math.Float32bits(float32(a)))
				binary.LittleEndian.PutUint32(v[i:], math.Float32bits(float32(b)))
				sums = append(sums, a*b)
			}
			return sums
		}, float},
		{"bf16", m.bf16, func(r *rand.Rand, u, v []byte) (sums []int) {
			for i := 0; i < len(u); i += 2 {
				a, b := small(r), small(r)
				binary.LittleEndian.PutUint16(u[i:], uint16(math.Float32bits(float32(a))>>16))
				binary.LittleEndian.PutUint16(v[i:], uint16(math.Float32bits(float32(b))>>16))
				if i%4 == 0 {
					sums = append(sums, 0)
				}
				sums[i/4] += a * b
			}
			return sums
		}, float},
		{"int8", m.int8, func(r *rand.Rand, u, v []byte) (sums []int) {
			for i := range u {
				a, b := r.IntN(128), r.IntN(256)-128 // the same as signed and as unsigned, and pairs fit 16 bits
				u[i], v[i] = byte(a), byte(int8(b))
				if i%4 == 0 {
					sums = append(sums, 0)
				}
				sums[i/4] += a * b
			}
			return sums
		}, func(bits uint32) int { return int(int32(bits)) }},
	}
}

// TestLoops: a loop computes as much as is counted for it, in every accumulator, and touches nothing else.
func TestLoops(t *testing.T) {
	for _, k := range append(kinds(machineLoops()), kinds(genericLoops())...) {
		for _, l := range k.loops {
			t.Run(k.name+"/"+l.name, func(t *testing.T) {
				run := guarded(t, l)
				r := rand.New(rand.NewPCG(7, 7))
				for _, n := range []int{1, 2, 3, 7} {
					x, dst := make([]byte, 2*l.width), make([]byte, l.accs*l.width)
					each := k.fill(r, x[:l.width], x[l.width:])
					given := slices.Clone(x)
					run(n, x, dst)
					if !slices.Equal(x, given) {
						t.Fatal("the operands were changed")
					}
					for i := 0; i < len(dst); i += 4 {
						want := n * each[i/4%len(each)]
						if got := k.lane(binary.LittleEndian.Uint32(dst[i:])); got != want {
							t.Fatalf("%d steps: lane %d is %d, want %d", n, i/4, got, want)
						}
					}
				}
			})
		}
	}
}

// guarded runs a loop in memory without a byte to spare: on this processor, or on an emulated one if this one lacks it.
func guarded(t *testing.T, l loop) func(n int, x, dst []byte) {
	if l.available {
		return func(n int, x, dst []byte) {
			for _, side := range pages.Sides {
				in, out := pages.Like(t, side, words(x)), pages.Like(t, side, words(dst))
				l.run(n, &emulate.Bytes(in)[0], &emulate.Bytes(out)[0])
				copy(x, emulate.Bytes(in))
				copy(dst, emulate.Bytes(out))
			}
		}
	}
	if runtime.GOARCH != "amd64" {
		t.Skipf("this processor does not have %s", l.name)
	}
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		t.Skipf("this processor does not have %s; %s", l.name, reason)
	}
	return func(n int, x, dst []byte) {
		if err := cpu.Call(l.run, n, x, dst); err != nil {
			t.Fatal(err)
		}
	}
}

// words views bytes as the elements that guarded slices have.
func words(b []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/2)
}

// TestRead: every byte is read, and none beyond the end.
func TestRead(t *testing.T) {
	for name, m := range map[string]machine{"machine": machineLoops(), "generic": genericLoops()} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 5} {
				for _, side := range pages.Sides {
					p := pages.Like(t, side, words(randomBytes(1, 1)[:256*n]))
					data := emulate.Bytes(p)
					var got, want [32]byte
					for i := range got {
						got[i], want[i] = byte(i), byte(i)
					}
					for i, b := range data {
						want[i%32] ^= b
					}
					if m.read(n, &data[0], &got[0]); got != want {
						t.Fatalf("%d blocks: %x, want %x", n, got, want)
					}
				}
			}
		})
	}
}

func TestRandomBytes(t *testing.T) {
	one, many := randomBytes(3, 1), randomBytes(3, 4)
	if !slices.Equal(one, many) {
		t.Error("the bytes depend on the number of threads")
	}
	if slices.Equal(one[:pieceBytes], one[pieceBytes:2*pieceBytes]) {
		t.Error("two pieces hold the same bytes")
	}
}

func TestMeasure(t *testing.T) {
	o := Options{Threads: 2, Buffer: 4 << 20, Window: 5 * time.Millisecond}
	p, err := Measure(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !(p.FMA > 0 && p.Int8 > 0 && p.Read > 0) {
		t.Errorf("peaks %+v: each but bf16 must be above 0", p)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, o); err == nil {
		t.Error("a canceled measurement is no error")
	}
}

func TestBest(t *testing.T) {
	got := Peaks{FMA: 1, BF16: 4, Int8: 5, Read: 8}.Best(Peaks{FMA: 2, BF16: 3, Int8: 6, Read: 7})
	if want := (Peaks{FMA: 2, BF16: 4, Int8: 6, Read: 8}); got != want {
		t.Errorf("best is %+v, want %+v", got, want)
	}
}
