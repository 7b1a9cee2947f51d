package picture

import (
	"bytes"
	"errors"
	"regexp"
)

// exifOrientation is the orientation in an Exif block, with or without its "Exif" prefix (once or more often). A block that
// does not begin as TIFF does is an error, as it is where Pillow turns the picture.
func exifOrientation(block []byte) (o int, ok bool, err error) {
	for bytes.HasPrefix(block, []byte("Exif\x00\x00")) {
		block = block[6:]
	}
	if len(block) == 0 {
		return 1, false, nil
	}
	order, big, first, err := ifdHeader(block)
	if err != nil || big { // Pillow reads eight bytes, too few for BigTIFF
		return 1, false, errors.New("its Exif block does not begin as one does, and the picture may have to be turned; remove the Exif data, or save the picture again")
	}
	o, ok = readIFD(block, order, false, first).orientation()
	return o, ok, nil
}

var xmpPattern = regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`)

// xmpOrientation is the first orientation that an XMP packet names, 1 where it names none.
func xmpOrientation(packet []byte) int {
	m := xmpPattern.FindSubmatch(packet)
	if m == nil || m[2][0] == '9' {
		return 1
	}
	return max(int(m[2][0]-'0'), 1)
}

// orientationOf is the orientation that Pillow's exif_transpose applies: that of the Exif block, whatever its value, or
// else that of the XMP packet.
func orientationOf(exif, xmp []byte) (int, error) {
	o, ok, err := exifOrientation(exif)
	if err != nil || ok {
		return o, err
	}
	return xmpOrientation(xmp), nil
}
