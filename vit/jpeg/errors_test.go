package jpeg

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// change is a file of testdata with one part replaced.
func change(t *testing.T, name string, old, new string) []byte {
	t.Helper()
	data := readFile(t, name)
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not contain %x", name, old)
	}
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

// lastScans is a file of testdata with its last scan n times.
func lastScans(t *testing.T, name string, n int) []byte {
	t.Helper()
	data := readFile(t, name)
	from := bytes.LastIndex(data, []byte("\xff\xda"))
	to := len(data) - 2
	return slices.Concat(data[:from], bytes.Repeat(data[from:to], n), data[to:])
}

// TestManyScans: a file whose scans would each walk over the whole picture, thousands of times, is refused before it has
// taken time. The last one refines coefficients, so Pillow would take every repetition.
func TestManyScans(t *testing.T) {
	if _, err := Decode(t.Context(), lastScans(t, "progressive420.jpg", 40), 1<<20); err != nil {
		t.Errorf("50 scans: %v", err)
	}
	_, err := Decode(t.Context(), lastScans(t, "progressive420.jpg", 20000), 1<<20)
	if err == nil || !strings.Contains(err.Error(), "more than 500 scans") {
		t.Errorf("20,000 scans: the error is %v", err)
	}
}

// TestDecodeStops: a context that is done ends a decode.
func TestDecodeStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, name := range []string{"progressive420.jpg", "gray.jpg", "quality50.jpg"} {
		if img, err := Decode(ctx, readFile(t, name), 1<<20); !errors.Is(err, context.Canceled) || img != nil {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string // part of the error
	}{
		{"empty", nil, "does not begin"},
		{"text", []byte("hello"), "does not begin"},
		{"start only", []byte("\xff\xd8"), "truncated"},
		{"start and end", []byte("\xff\xd8\xff\xd9"), "no picture data"},
		{"header only", readFile(t, "block.jpg")[:200], "truncated"},
		{"without its end marker", bytes.TrimSuffix(readFile(t, "block.jpg"), []byte("\xff\xd9")), "truncated"},
		{"a segment of one byte", []byte("\xff\xd8\xff\xe0\x00\x01"), "segment of 1 bytes"},
		{"zero width", change(t, "block.jpg", "\xff\xc0\x00\x11\x08\x00\x08\x00\x08", "\xff\xc0\x00\x11\x08\x00\x08\x00\x00"), "empty"},
		{"zero height", change(t, "block.jpg", "\xff\xc0\x00\x11\x08\x00\x08\x00\x08", "\xff\xc0\x00\x11\x08\x00\x00\x00\x08"), "empty"},
		{"gigantic", change(t, "block.jpg", "\xff\xc0\x00\x11\x08\x00\x08\x00\x08", "\xff\xc0\x00\x11\x08\xff\xff\xff\xff"), "more than the limit"},
		{"12 bits", change(t, "block.jpg", "\xff\xc0\x00\x11\x08", "\xff\xc0\x00\x11\x0c"), "12 bits"},
		{"arithmetic coding", change(t, "block.jpg", "\xff\xc0\x00\x11", "\xff\xc9\x00\x11"), "arithmetic"},
		{"lossless", change(t, "block.jpg", "\xff\xc0\x00\x11", "\xff\xc3\x00\x11"), "SOF3"},
		{"two frames", append(readFile(t, "block.jpg")[:0:0], twice(t, "block.jpg", "\xff\xc0")...), "second frame"},
		{"two components", change(t, "block.jpg", "\xff\xc0\x00\x11\x08\x00\x08\x00\x08\x03", "\xff\xc0\x00\x11\x08\x00\x08\x00\x08\x02"), "wrong length"},
		{"sampling of 0", change(t, "block.jpg", "\x03\x01\x22\x00", "\x03\x01\x02\x00"), "sampling"},
		{"no quantizer", drop(t, "gray.jpg", "\xff\xdb"), "quantization table"},
		{"scan before the frame", []byte("\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\xd9"), "before the frame"},
		{"overlapping codes", change(t, "gray.jpg", "\xff\xc4\x00\x1f\x00\x00\x01\x05", "\xff\xc4\x00\x1f\x00\x03\x01\x02"), "Huffman"},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := Decode(t.Context(), c.data, 1<<20)
			if err == nil {
				t.Fatalf("no error, but a picture of %d x %d", img.Width, img.Height)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q lacks %q", err, c.want)
			}
		})
	}
}

// segmentAt is where the segment of a marker begins in a file, and where it ends.
func segmentAt(t *testing.T, data []byte, marker string) (from, to int) {
	t.Helper()
	from = bytes.Index(data, []byte(marker))
	if from < 0 {
		t.Fatalf("no marker %x", marker)
	}
	return from, from + 2 + int(data[from+2])<<8 + int(data[from+3])
}

// drop is a file without its first segment of a marker.
func drop(t *testing.T, name, marker string) []byte {
	data := readFile(t, name)
	from, to := segmentAt(t, data, marker)
	return append(data[:from:from], data[to:]...)
}

// twice is a file with its first segment of a marker repeated.
func twice(t *testing.T, name, marker string) []byte {
	data := readFile(t, name)
	from, to := segmentAt(t, data, marker)
	return append(append(data[:to:to], data[from:to]...), data[to:]...)
}

// TestTruncated cuts files at every byte: each beginning is refused as truncated, or for a reason that comes before, and
// never with a panic.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"sampling2x2small.jpg", "progressive420.jpg", "restart1.jpg", "cmyk.jpg"} {
		data := readFile(t, name)
		for n := range len(data) - 1 {
			if _, err := Decode(t.Context(), data[:n], 1<<20); err == nil {
				t.Fatalf("%s cut to %d of %d bytes decodes without an error", name, n, len(data))
			} else if n > 2 && !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
	}
}

// TestDamaged changes bytes here and there: what comes out is an error or a picture of the size that the header says.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name := range readExpected(t) {
		data := readFile(t, name)
		for range 200 {
			bad := bytes.Clone(data)
			for range 1 + r.IntN(3) {
				bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
			}
			if img, err := Decode(t.Context(), bad, 1<<14); err == nil && len(img.Pix) != 3*img.Width*img.Height {
				t.Fatalf("%s damaged gives %d bytes for %d x %d", name, len(img.Pix), img.Width, img.Height)
			}
			ReadMetadata(bad)
		}
	}
}
