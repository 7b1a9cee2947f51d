package picture

import (
	"encoding/binary"
	"errors"
	"math"
)

// ifd is one directory of a TIFF file, or of an Exif block, which has the same form. odd are repeated tags, and tags
// without readable values: libtiff is stricter about them than Pillow.
type ifd struct {
	order binary.ByteOrder
	big   bool // BigTIFF: counts and offsets of 8 bytes
	tags  map[uint16]ifdTag
	next  uint64 // offset of the next directory; 0 after the last
	whole bool   // it was read to its end
	odd   map[uint16]bool
}

// ifdTag is a tag's values as they lie in the file.
type ifdTag struct {
	kind uint16
	data []byte
}

// Kinds of a tag's values, and the bytes of one.
const (
	kindByte, kindASCII, kindShort, kindLong, kindRational = 1, 2, 3, 4, 5
	kindUndefined                                          = 7
	kindFloat, kindDouble, kindIFD, kindLong8              = 11, 12, 13, 16
)

var kindSize = map[uint16]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}

// ifdHeader reads the eight or sixteen bytes before the first directory, and where that lies. Pillow also accepts the two
// headers whose version has its bytes swapped.
func ifdHeader(data []byte) (order binary.ByteOrder, big bool, first uint64, err error) {
	if len(data) < 8 {
		return nil, false, 0, errors.New("no TIFF header")
	}
	switch string(data[:4]) {
	case "II*\x00", "II\x00*", "II+\x00":
		order = binary.LittleEndian
	case "MM\x00*", "MM*\x00", "MM\x00+":
		order = binary.BigEndian
	default:
		return nil, false, 0, errors.New("no TIFF header")
	}
	if data[2] == '+' || data[3] == '+' && data[2] == 0 && data[0] == 'M' {
		if len(data) < 16 {
			return nil, false, 0, errors.New("no BigTIFF header")
		}
		return order, true, order.Uint64(data[8:]), nil
	}
	return order, false, uint64(order.Uint32(data[4:])), nil
}

// readIFD reads the directory at an offset as Pillow does: tags of unknown types or without values are skipped. What a
// truncated file or an offset outside of it hides is absent.
func readIFD(data []byte, order binary.ByteOrder, big bool, at uint64) *ifd {
	d := &ifd{order: order, big: big, tags: map[uint16]ifdTag{}, odd: map[uint16]bool{}}
	part := func(at, n uint64) []byte {
		if at > uint64(len(data)) || n > uint64(len(data))-at {
			return nil
		}
		return data[at : at+n]
	}
	wide, entry, word := uint64(2), uint64(12), uint64(4)
	if big {
		wide, entry, word = 8, 20, 8
	}
	number := func(b []byte) uint64 {
		switch len(b) {
		case 2:
			return uint64(order.Uint16(b))
		case 4:
			return uint64(order.Uint32(b))
		}
		return order.Uint64(b)
	}
	head := part(at, wide)
	if head == nil {
		return d
	}
	at += wide
	for range number(head) {
		e := part(at, entry)
		if e == nil {
			return d
		}
		at += entry
		tag, kind, count, value := order.Uint16(e), order.Uint16(e[2:]), number(e[4:4+word]), e[4+word:]
		size := kindSize[kind]
		if size == 0 || count == 0 {
			d.odd[tag] = true
			continue
		}
		if count > uint64(len(data)) {
			return d
		}
		if size *= count; size > word {
			if value = part(number(value), size); value == nil {
				return d
			}
		}
		_, twice := d.tags[tag]
		d.odd[tag] = d.odd[tag] || twice
		d.tags[tag] = ifdTag{kind, value[:size]}
	}
	if last := part(at, word); last != nil {
		d.next, d.whole = number(last), true
	}
	return d
}

// maxValues is how many values of a tag are read: no picture within the limits has a million strips.
const maxValues = 1 << 20

// numbers are a tag's values; nil where it is absent or holds no numbers.
func (d *ifd) numbers(tag uint16) []float64 {
	t, ok := d.tags[tag]
	if !ok {
		return nil
	}
	n := len(t.data) / int(kindSize[t.kind])
	if n > maxValues {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		b := t.data[i*int(kindSize[t.kind]):]
		switch t.kind {
		case kindByte:
			out[i] = float64(b[0])
		case 6:
			out[i] = float64(int8(b[0]))
		case kindShort:
			out[i] = float64(d.order.Uint16(b))
		case 8:
			out[i] = float64(int16(d.order.Uint16(b)))
		case kindLong, kindIFD:
			out[i] = float64(d.order.Uint32(b))
		case 9:
			out[i] = float64(int32(d.order.Uint32(b)))
		case kindRational:
			out[i] = float64(d.order.Uint32(b)) / float64(d.order.Uint32(b[4:]))
		case 10:
			out[i] = float64(int32(d.order.Uint32(b))) / float64(int32(d.order.Uint32(b[4:])))
		case kindFloat:
			out[i] = float64(math.Float32frombits(d.order.Uint32(b)))
		case kindDouble:
			out[i] = math.Float64frombits(d.order.Uint64(b))
		case kindLong8:
			out[i] = float64(d.order.Uint64(b))
		default:
			return nil
		}
	}
	return out
}

// tagOrientation is the tag of TIFF and Exif that says how a picture is turned.
const tagOrientation = 274

// orientation is the directory's orientation, 1 where its value means nothing; ok is false where there is no such tag.
func (d *ifd) orientation() (o int, ok bool) {
	t, ok := d.tags[tagOrientation]
	if !ok {
		return 1, false
	}
	if t.kind == kindByte { // Pillow keeps bytes as bytes, which are no orientation
		return 1, true
	}
	v := d.numbers(tagOrientation)
	for o := 2; o <= 8; o++ {
		if len(v) > 0 && v[0] == float64(o) {
			return o, true
		}
	}
	return 1, true
}
