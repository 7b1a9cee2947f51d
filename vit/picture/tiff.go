package picture

import (
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/tiff"
)

// Tags of a TIFF directory, and values of theirs.
const (
	tagCompression = 259
	tagPhotometric = 262
	tagFillOrder   = 266
	tagSamples     = 277
	tagPlanar      = 284

	ccittGroup3, ccittGroup4 = 3, 4
	whiteIsZero, blackIsZero = 0, 1
	lowBitFirst              = 2
	planesApart              = 2
)

// decodeTIFF decodes the first page. Three kinds come out of x/image otherwise than out of Pillow and are set right; two
// that it would misread are refused.
func decodeTIFF(data []byte, l Limits) (Image, error) {
	if tiffTag(data, tagPlanar, 1) == planesApart && tiffTag(data, tagSamples, 1) > 1 {
		return Image{}, damaged(errors.New("its colours lie in separate planes"))
	}
	how, white := tiffTag(data, tagCompression, 1), tiffTag(data, tagPhotometric, 0)
	fax := how == ccittGroup3 || how == ccittGroup4
	if tiffTag(data, tagFillOrder, 1) == lowBitFirst && !fax {
		return Image{}, damaged(errors.New("its bytes are stored with the lowest bit first"))
	}
	return decodeStd(data, l, tiff.DecodeConfig, func(r io.Reader) (image.Image, error) {
		img, err := tiff.Decode(r)
		if err != nil {
			return nil, err
		}
		switch p := img.(type) {
		case *image.Gray:
			if fax && white == blackIsZero { // x/image takes the code's white for 1
				invert(p.Pix)
			}
		case *image.Gray16:
			if white == whiteIsZero { // Pillow shows 16 bits as they are
				invert(p.Pix)
			}
		case *image.RGBA:
			straighten(p.Pix)
		case *image.RGBA64:
			high := image.NewRGBA(p.Rect)
			for i := range high.Pix {
				high.Pix[i] = p.Pix[2*i]
			}
			straighten(high.Pix)
			img = high
		}
		return img, nil
	})
}

func invert(pix []byte) {
	for i := range pix {
		pix[i] ^= 0xff
	}
}

// straighten divides the colours of RGBA by their alpha, as Pillow does on reading a picture that is stored multiplied.
func straighten(pix []byte) {
	for i := 0; i < len(pix); i += 4 {
		a := int(pix[i+3])
		for c := i; c < i+3 && a != 0xff; c++ {
			if a == 0 {
				pix[c] = 0
			} else {
				pix[c] = byte(min(int(pix[c])*0xff/a, 0xff))
			}
		}
	}
}

// tiffTag is the first value of a SHORT or LONG in the first directory, or absent.
func tiffTag(data []byte, tag uint16, absent int) int {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	if len(data) < 8 {
		return absent
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return absent
	}
	for i := range int64(order.Uint16(data[at:])) {
		e := at + 2 + 12*i
		if e+12 > int64(len(data)) {
			return absent
		}
		if order.Uint16(data[e:]) != tag {
			continue
		}
		if order.Uint16(data[e+2:]) == 4 {
			return int(order.Uint32(data[e+8:]))
		}
		return int(order.Uint16(data[e+8:]))
	}
	return absent
}
