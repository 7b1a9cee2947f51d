package jpeg

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// exif is a TIFF structure with one tag.
func exif(order binary.AppendByteOrder, head string, tag, kind uint16, value uint32) []byte {
	b := append([]byte(head), 0, 0, 0, 0, 0, 0)
	b = b[:len(head)]
	b = order.AppendUint16(b, 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, tag)
	b = order.AppendUint16(b, kind)
	b = order.AppendUint32(b, 1)
	if kind == 3 {
		return order.AppendUint16(order.AppendUint16(b, uint16(value)), 0)
	}
	return order.AppendUint32(b, value)
}

func TestExifOrientation(t *testing.T) {
	for _, c := range []struct {
		name string
		tiff []byte
		want int
		ok   bool
	}{
		{"little endian", exif(binary.LittleEndian, "II", 0x112, 3, 6), 6, true},
		{"big endian", exif(binary.BigEndian, "MM", 0x112, 3, 8), 8, true},
		{"long", exif(binary.LittleEndian, "II", 0x112, 4, 3), 3, true},
		{"out of range", exif(binary.LittleEndian, "II", 0x112, 3, 9), 1, true},
		{"another tag", exif(binary.LittleEndian, "II", 0x113, 3, 6), 1, false},
		{"neither order", exif(binary.LittleEndian, "IM", 0x112, 3, 6), 1, false},
		{"short", []byte("II*\x00"), 1, false},
		{"directory outside", []byte("II*\x00\xff\xff\xff\xff"), 1, false},
		{"directory cut", exif(binary.LittleEndian, "II", 0x112, 3, 6)[:18], 1, false},
	} {
		if got, ok := ExifOrientation(c.tiff); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestOrientation(t *testing.T) {
	app1 := func(body string) string {
		return fmt.Sprintf("\xff\xe1%c%c%s", (len(body)+2)>>8, (len(body)+2)&255, body)
	}
	xmp := func(text string) string { return app1("http://ns.adobe.com/xap/1.0/\x00" + text) }
	six := app1("Exif\x00\x00" + string(exif(binary.BigEndian, "MM", 0x112, 3, 6)))
	for _, c := range []struct {
		name, segments string
		want           int
	}{
		{"none", "", 1},
		{"exif", six, 6},
		{"xmp attribute", xmp(`<a tiff:Orientation="5"/>`), 5},
		{"xmp element", xmp(`<tiff:Orientation>7</tiff:Orientation>`), 7},
		{"exif before xmp", xmp(`<a tiff:Orientation="5"/>`) + six, 6},
		{"after the scan", "\xff\xda\x00\x02" + six, 1},
		{"cut", six[:20], 1},
	} {
		if got := Orientation([]byte("\xff\xd8" + c.segments + "\xff\xd9")); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
