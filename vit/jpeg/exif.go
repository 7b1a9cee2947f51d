package jpeg

import "bytes"

// Metadata is what the segments before the first scan say beside the picture.
type Metadata struct {
	Exif []byte // the Exif segments joined, with the prefix of the first; nil for none
	XMP  []byte // the last XMP packet; nil for none
	DPI  bool   // the JFIF header names a resolution in dots
}

// ReadMetadata reads the segments up to the first scan. Exif that is longer than a segment is split over several.
func ReadMetadata(data []byte) (m Metadata) {
	d := &decoder{data: data, pos: 2}
	for {
		marker, ok := d.nextMarker()
		if !ok || marker == mSOS || marker == mEOI {
			return m
		}
		if marker == 0x01 || marker >= mRST0 && marker <= mSOI {
			continue
		}
		seg, err := d.segment()
		if err != nil {
			return m
		}
		switch marker {
		case mAPP0:
			if bytes.HasPrefix(seg, []byte("JFIF")) && len(seg) >= 12 {
				m.DPI = m.DPI || seg[7] == 1 || seg[7] == 2
			}
		case mAPP0 + 1:
			if rest, ok := bytes.CutPrefix(seg, []byte("Exif\x00\x00")); ok {
				if m.Exif == nil {
					rest = seg
				}
				m.Exif = append(m.Exif, rest...)
			} else if packet, ok := bytes.CutPrefix(seg, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok {
				m.XMP = packet
			}
		}
	}
}
