package jpeg

import (
	"bytes"
	"encoding/binary"
	"regexp"
)

// Orientation is the EXIF orientation of a file, 1 to 8, or else that of its XMP packet; 1 where there is none.
func Orientation(data []byte) int {
	d := &decoder{data: data, pos: 2}
	var xmp []byte
	for {
		m, ok := d.nextMarker()
		if !ok || m == mSOS || m == mEOI {
			break
		}
		if m == 0x01 || m >= mRST0 && m <= mSOI {
			continue
		}
		seg, err := d.segment()
		if err != nil {
			break
		}
		if m != mAPP0+1 {
			continue
		}
		if tiff, ok := bytes.CutPrefix(seg, []byte("Exif\x00\x00")); ok {
			if o, ok := ExifOrientation(tiff); ok {
				return o
			}
		}
		if packet, ok := bytes.CutPrefix(seg, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok {
			xmp = packet
		}
	}
	if o, ok := XMPOrientation(xmp); ok {
		return o
	}
	return 1
}

// ExifOrientation is the orientation tag of a TIFF structure's first directory, as EXIF blocks of every container hold it.
// ok is false where there is no such tag. A value that means nothing is 1.
func ExifOrientation(tiff []byte) (o int, ok bool) {
	if len(tiff) < 8 {
		return 1, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 1, false
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1, false
	}
	for i := range uint64(order.Uint16(tiff[at:])) {
		e := at + 2 + 12*i
		if e+12 > uint64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[e:]) != 0x0112 {
			continue
		}
		v := int(order.Uint16(tiff[e+8:]))
		if order.Uint16(tiff[e+2:]) == 4 { // a LONG
			v = int(order.Uint32(tiff[e+8:]))
		}
		if v < 1 || v > 8 {
			v = 1
		}
		return v, true
	}
	return 1, false
}

var xmpPattern = regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`)

// XMPOrientation is the first orientation that an XMP packet names; ok is false where it names none.
func XMPOrientation(packet []byte) (o int, ok bool) {
	m := xmpPattern.FindSubmatch(packet)
	if m == nil {
		return 1, false
	}
	if o = int(m[2][0] - '0'); o < 1 || o > 8 {
		o = 1
	}
	return o, true
}
