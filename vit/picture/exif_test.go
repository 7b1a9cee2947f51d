package picture

import (
	"encoding/binary"
	"math"
	"testing"
)

// exifBlock is an Exif block with one tag of one value, which lies in the entry or, if it is longer, behind the directory.
func exifBlock(order binary.AppendByteOrder, head string, tag, kind uint16, value ...byte) []byte {
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(order.AppendUint16(b, tag), kind)
	b = order.AppendUint32(b, uint32(uint64(len(value))/kindSize[kind]))
	if len(value) <= 4 {
		return append(append(b, value...), make([]byte, 8-len(value))...)
	}
	return append(order.AppendUint32(order.AppendUint32(b, 26), 0), value...)
}

// TestExifOrientation has the values that Pillow 12.1.1 takes for an orientation, and those that it does not.
func TestExifOrientation(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	double := le.AppendUint64(nil, math.Float64bits(8))
	for _, c := range []struct {
		name string
		tiff []byte
		want int
		ok   bool
		bad  bool
	}{
		{"little endian", exifBlock(le, "II*\x00", 0x112, kindShort, 6, 0), 6, true, false},
		{"big endian", exifBlock(be, "MM\x00*", 0x112, kindShort, 0, 8), 8, true, false},
		{"a prefix", append([]byte("Exif\x00\x00"), exifBlock(be, "MM\x00*", 0x112, kindShort, 0, 8)...), 8, true, false},
		{"two prefixes", append([]byte("Exif\x00\x00Exif\x00\x00"), exifBlock(be, "MM\x00*", 0x112, kindShort, 0, 8)...), 8, true, false},
		{"version swapped", exifBlock(be, "MM*\x00", 0x112, kindShort, 0, 8), 8, true, false},
		{"long", exifBlock(le, "II*\x00", 0x112, kindLong, 3, 0, 0, 0), 3, true, false},
		{"signed short", exifBlock(le, "II*\x00", 0x112, 8, 5, 0), 5, true, false},
		{"rational", exifBlock(le, "II*\x00", 0x112, kindRational, 12, 0, 0, 0, 2, 0, 0, 0), 6, true, false},
		{"double", exifBlock(le, "II*\x00", 0x112, kindDouble, double...), 8, true, false},
		{"the first of two", exifBlock(le, "II*\x00", 0x112, kindShort, 7, 0, 3, 0), 7, true, false},
		{"a byte", exifBlock(le, "II*\x00", 0x112, kindByte, 6), 1, true, false},
		{"text", exifBlock(le, "II*\x00", 0x112, kindASCII, '6', 0), 1, true, false},
		{"out of range", exifBlock(le, "II*\x00", 0x112, kindShort, 9, 0), 1, true, false},
		{"nought", exifBlock(le, "II*\x00", 0x112, kindShort, 0, 0), 1, true, false},
		{"an unknown kind", patched(exifBlock(le, "II*\x00", 0x112, kindShort, 6, 0), 12, 99), 1, false, false},
		{"another tag", exifBlock(le, "II*\x00", 0x113, kindShort, 6, 0), 1, false, false},
		{"no block", nil, 1, false, false},
		{"directory outside", []byte("II*\x00\xff\xff\xff\xff"), 1, false, false},
		{"directory cut", exifBlock(le, "II*\x00", 0x112, kindShort, 6, 0)[:18], 1, false, false},
		{"value outside", exifBlock(le, "II*\x00", 0x112, kindRational, 12, 0, 0, 0, 2, 0, 0, 0)[:30], 1, false, false},
		{"neither order", exifBlock(le, "IM*\x00", 0x112, kindShort, 6, 0), 1, false, true},
		{"short", []byte("II*\x00"), 1, false, true},
		{"big", exifBlock(le, "II+\x00", 0x112, kindShort, 6, 0), 1, false, true},
	} {
		if got, ok, err := exifOrientation(c.tiff); got != c.want || ok != c.ok || (err != nil) != c.bad {
			t.Errorf("%s: %d, %v, %v; want %d, %v, refused %v", c.name, got, ok, err, c.want, c.ok, c.bad)
		}
	}
}

func TestXMPOrientation(t *testing.T) {
	six := exifBlock(binary.LittleEndian, "II*\x00", 0x112, kindShort, 6, 0)
	nine := exifBlock(binary.LittleEndian, "II*\x00", 0x112, kindShort, 9, 0)
	for _, c := range []struct {
		name, xmp string
		exif      []byte
		want      int
	}{
		{"an attribute", `<a tiff:Orientation="5"/>`, nil, 5},
		{"an element", `<tiff:Orientation>7</tiff:Orientation>`, nil, 7},
		{"the first digit", `tiff:Orientation="38"`, nil, 3},
		{"the first place", `tiff:Orientation="8" tiff:Orientation="3"`, nil, 8},
		{"nine", `tiff:Orientation="9"`, nil, 1},
		{"nought", `tiff:Orientation="0"`, nil, 1},
		{"single quotes", `tiff:Orientation='6'`, nil, 1},
		{"behind Exif", `tiff:Orientation="5"`, six, 6},
		{"behind an Exif value that means nothing", `tiff:Orientation="5"`, nine, 1},
		{"none", `<a/>`, nil, 1},
	} {
		if got, err := orientationOf(c.exif, []byte(c.xmp)); got != c.want || err != nil {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

// FuzzIFD looks for directories that are read beyond the file's end, or without end.
func FuzzIFD(f *testing.F) {
	f.Add(exifBlock(binary.LittleEndian, "II*\x00", 0x112, kindShort, 6, 0))
	f.Add(exifBlock(binary.BigEndian, "MM\x00*", 0x112, kindRational, 0, 0, 0, 6, 0, 0, 0, 1))
	f.Add(readPicture(f, "tiled_deflate_big.tiff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		order, big, first, err := ifdHeader(data)
		if err != nil {
			return
		}
		d := readIFD(data, order, big, first)
		for tag := range d.tags {
			d.numbers(tag)
		}
		if o, _ := d.orientation(); o < 1 || o > 8 {
			t.Errorf("an orientation of %d", o)
		}
	})
}
