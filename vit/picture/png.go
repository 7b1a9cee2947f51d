package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image/png"
	"io"

	"github.com/loupe-vl/loupe/vit/jpeg"
)

func decodePNG(data []byte, l Limits) (Image, error) {
	if len(data) < 33 || string(data[12:16]) != "IHDR" {
		return Image{}, damaged(errors.New("no header"))
	}
	w, h := binary.BigEndian.Uint32(data[16:]), binary.BigEndian.Uint32(data[20:])
	if w > 1<<31-1 || h > 1<<31-1 {
		return Image{}, damaged(errors.New("impossible size"))
	}
	if err := l.check(int(w), int(h)); err != nil {
		return Image{}, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return Image{}, damaged(err)
	}
	depth, colour := data[24], data[25]
	out, err := toRGB(img, depth == 16 && colour == 0)
	out.Key = pngKey(data, depth, colour)
	return out, err
}

// eachChunk calls f with the chunks of a PNG until it returns false.
func eachChunk(data []byte, f func(name string, body []byte) bool) {
	for rest := data[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		if uint64(n)+12 > uint64(len(rest)) || !f(string(rest[4:8]), rest[8:8+n]) {
			return
		}
		rest = rest[12+n:]
	}
}

// pngKey is the one colour that a tRNS chunk makes transparent, in the form in which Pillow's info["transparency"] survives
// convert("RGB"): a palette's only if a single entry is transparent and all others are opaque. Of gray kinds that Pillow
// holds as "1" or "I;16" the number itself survives, and is then taken for a red.
func pngKey(data []byte, depth, colour byte) *[3]byte {
	var key *[3]byte
	var palette []byte
	eachChunk(data, func(name string, body []byte) bool {
		switch name {
		case "PLTE":
			palette = body
		case "tRNS":
			key = keyOf(body, palette, depth, colour)
		}
		return name != "IDAT"
	})
	return key
}

func keyOf(trns, palette []byte, depth, colour byte) *[3]byte {
	switch {
	case colour == 3:
		i := bytes.IndexByte(trns, 0)
		if i < 0 || bytes.Count(trns, []byte{0xff}) != len(trns)-1 {
			return nil
		}
		if 3*i+3 > len(palette) {
			return &[3]byte{}
		}
		return (*[3]byte)(bytes.Clone(palette[3*i : 3*i+3]))
	case colour == 0 && len(trns) >= 2:
		v := trns[1]
		switch depth {
		case 1:
			if trns[0]|v != 0 {
				v = 255
			}
			return &[3]byte{v, 0, 0}
		case 16:
			return &[3]byte{v, 0, 0}
		}
		return &[3]byte{v, v, v}
	case colour == 2 && len(trns) >= 6:
		return &[3]byte{trns[1], trns[3], trns[5]}
	}
	return nil
}

// pngOrientation reads the eXIf chunk, or else the XMP packet.
func pngOrientation(data []byte) int {
	var xmp []byte
	orientation := 0
	eachChunk(data, func(name string, body []byte) bool {
		switch name {
		case "eXIf":
			if o, ok := jpeg.ExifOrientation(body); ok {
				orientation = o
			}
		case "iTXt":
			if packet, ok := pngXMP(body); ok {
				xmp = packet
			}
		}
		return orientation == 0
	})
	if orientation != 0 {
		return orientation
	}
	if o, ok := jpeg.XMPOrientation(xmp); ok {
		return o
	}
	return 1
}

// maxXMP bounds what a compressed XMP packet may grow to.
const maxXMP = 1 << 20

// pngXMP is the text of an iTXt chunk that holds XMP.
func pngXMP(body []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(body, []byte("XML:com.adobe.xmp\x00"))
	if !ok || len(rest) < 2 {
		return nil, false
	}
	compressed := rest[0] == 1
	_, rest, _ = bytes.Cut(rest[2:], []byte{0}) // language
	_, rest, ok = bytes.Cut(rest, []byte{0})    // translated keyword
	if !ok || !compressed {
		return rest, ok
	}
	z, err := zlib.NewReader(bytes.NewReader(rest))
	if err != nil {
		return nil, false
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, maxXMP))
	return text, err == nil
}
