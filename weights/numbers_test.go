package weights

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"
)

func tensorOf(d DType, shape []int, data []byte) Tensor {
	return Tensor{Name: "w", DType: d, Shape: shape, Data: data, File: "w.safetensors", Stored: "w"}
}

func TestBF16(t *testing.T) {
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{0, 0}, {1, 0x3f80}, {-2, 0xc000}, {float32(math.Copysign(0, -1)), 0x8000},
		{math.Float32frombits(0x3f808000), 0x3f80},             // a tie goes to even, down
		{math.Float32frombits(0x3f818000), 0x3f82},             // and up
		{math.Float32frombits(0x3f808001), 0x3f81},             // above a tie
		{math.MaxFloat32, 0x7f80},                              // rounds to infinity
		{float32(math.Inf(-1)), 0xff80},                        //
		{math.Float32frombits(0x7f800001), 0x7fc0},             // NaN stays one
		{math.Float32frombits(0xffffffff), 0xffff},             //
		{math.Float32frombits(0x00008000), 0},                  // subnormal tie
		{math.Float32frombits(0x00018000), 2},                  //
		{math.Float32frombits(0x007fffff), 0x0080},             // largest subnormal
		{math.Float32frombits(uint32(0x4049) << 16), 0x4049},   // exact
		{math.Float32frombits(uint32(0x4049)<<16 | 1), 0x4049}, //
	} {
		if got := F32ToBF16(c.x); got != c.want {
			t.Errorf("F32ToBF16(%x) = %04x, want %04x", math.Float32bits(c.x), got, c.want)
		}
	}
	for i := range 1 << 16 {
		h := uint16(i)
		if x := BF16ToF32(h); x == x && F32ToBF16(x) != h {
			t.Fatalf("%04x does not come back", h)
		}
	}
}

func TestFloat16Table(t *testing.T) {
	table := Float16Table()
	for i, x := range table {
		if x == x && F32ToF16(x) != uint16(i) {
			t.Fatalf("%04x does not come back", i)
		}
	}
	if table[0x3c00] != 1 || table[0x0001] != 1.0/(1<<24) || !math.IsInf(float64(table[0xfc00]), -1) {
		t.Error("known values are wrong")
	}
}

// Every bit pattern of every 16- and 8-bit type, and chosen ones of the wider,
// at each place around the blocks of the scan.
func TestCheckFinite(t *testing.T) {
	float := func(d DType, bits uint64) float64 {
		b := binary.LittleEndian.AppendUint64(nil, bits)
		return float64At(d, b)
	}
	patterns := map[DType][]uint64{
		F32: {0, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 0x80000000, 0x3f800000, 0x007fffff},
		F64: {0, 0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000001, 1 << 63, 0x000fffffffffffff},
	}
	for i := range uint64(1 << 16) {
		patterns[BF16] = append(patterns[BF16], i)
		patterns[F16] = append(patterns[F16], i)
		if i < 256 {
			patterns[F8E4M3] = append(patterns[F8E4M3], i)
			patterns[F8E5M2] = append(patterns[F8E5M2], i)
		}
	}
	for d, list := range patterns {
		size := d.Size()
		fill := make([]byte, 200/size*size)
		for i := range fill {
			fill[i] = 0x37 // a finite value of every type
		}
		for n, bits := range list {
			data := append([]byte(nil), fill...)
			at := (n * 7) % (len(data) / size)
			copy(data[at*size:(at+1)*size], binary.LittleEndian.AppendUint64(nil, bits))
			x := float(d, bits)
			err := CheckFinite(tensorOf(d, []int{len(data) / size}, data))
			if bad := math.IsNaN(x) || math.IsInf(x, 0); bad != (err != nil) {
				t.Fatalf("%s %x (%g) at %d: %v", d, bits, x, at, err)
			}
		}
	}
}

func TestCheckFiniteNames(t *testing.T) {
	data := make([]byte, 2*300)
	binary.LittleEndian.PutUint16(data[2*217:], 0x7fc0)
	binary.LittleEndian.PutUint16(data[2*250:], 0x7f80)
	err := CheckFinite(tensorOf(BF16, []int{3, 100}, data))
	wantError(t, err, `"w"`, "w.safetensors", "217", "[2 17]")
	for _, n := range []int{0, 1, 3, 31, 32, 33, 63, 64, 65} {
		data := make([]byte, 4*n)
		if err := CheckFinite(tensorOf(F32, []int{n}, data)); err != nil {
			t.Error(err)
		}
		if n == 0 {
			continue
		}
		binary.LittleEndian.PutUint32(data[4*(n-1):], 0x7f800000)
		wantError(t, CheckFinite(tensorOf(F32, []int{n}, data)), `"w"`)
	}
	if err := CheckFinite(tensorOf(I64, []int{1}, []byte{255, 255, 255, 255, 255, 255, 255, 127})); err != nil {
		t.Error(err)
	}
}

func TestStatistics(t *testing.T) {
	const n = 10001
	data := make([]byte, 0, 4*n)
	for i := range n {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i-5000)))
	}
	data = binary.LittleEndian.AppendUint32(data, 0x7fc00000)
	data = binary.LittleEndian.AppendUint32(data, 0xff800000)
	s, err := Statistics(tensorOf(F32, []int{n + 2}, data))
	if err != nil {
		t.Fatal(err)
	}
	wantStd := math.Sqrt((float64(n)*float64(n) - 1) / 12)
	if s.Count != n+2 || s.NaN != 1 || s.Inf != 1 || s.Min != -5000 || s.Max != 5000 || math.Abs(s.Mean) > 1e-9 || math.Abs(s.Std-wantStd) > 1e-8 {
		t.Errorf("%+v, want std %g", s, wantStd)
	}
	s, err = Statistics(tensorOf(BF16, []int{1}, []byte{0xc0, 0x7f}))
	if err != nil || s != (Stats{Count: 1, NaN: 1}) {
		t.Errorf("%+v, %v", s, err)
	}
	for d, want := range map[DType]float64{I64: -1, I32: -1, I16: -1, I8: -1, U8: 255, U16: 65535, U32: math.MaxUint32, U64: math.MaxUint64} {
		s, err := Statistics(tensorOf(d, []int{1}, []byte{255, 255, 255, 255, 255, 255, 255, 255}[:d.Size()]))
		if err != nil || s.Mean != want {
			t.Errorf("%s: %+v, %v", d, s, err)
		}
	}
	for bits, want := range map[byte]float64{0x7e: 448, 0x01: 1.0 / 512, 0xb8: -1, 0x08: 1.0 / 64} {
		if got := f8e4m3(bits); got != want {
			t.Errorf("f8e4m3(%02x) = %g, want %g", bits, got, want)
		}
	}
}

func TestDigests(t *testing.T) {
	// SHA-256 of no bytes, and of "abc" (FIPS 180-4's example).
	if got := tensorOf(U8, []int{0}, nil).SHA256(); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Error(got)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	d, n, err := FileSHA256(put(t, filepath.Join(t.TempDir(), "f"), []byte("abc")))
	if d != abc || n != 3 || err != nil {
		t.Error(d, n, err)
	}
	line := TensorDigest{"a.b", BF16, []int{2, 3}, abc}
	if got := line.String(); got != "a.b BF16 [2 3] "+abc {
		t.Error(got)
	}
	_, _, err = FileSHA256(t.TempDir())
	wantError(t, err, "directory")
}

func BenchmarkCheckFinite(b *testing.B) {
	t := tensorOf(BF16, []int{8 << 20}, make([]byte, 16<<20))
	b.SetBytes(int64(len(t.Data)))
	for b.Loop() {
		if err := CheckFinite(t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatistics(b *testing.B) {
	t := tensorOf(BF16, []int{1 << 20}, make([]byte, 2<<20))
	b.SetBytes(int64(len(t.Data)))
	for b.Loop() {
		if _, err := Statistics(t); err != nil {
			b.Fatal(err)
		}
	}
}
