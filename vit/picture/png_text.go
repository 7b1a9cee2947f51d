package picture

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// pngText is what a PNG's chunks of text and metadata say about the picture's orientation, in Pillow's order of precedence.
type pngText struct {
	exif       []byte // of the last eXIf chunk, or text of the key "exif"; nil for none
	rawProfile string // "Raw profile type exif": Exif as ImageMagick writes it, in hexadecimal behind three lines
	xmpText    string // the text of "XML:com.adobe.xmp"
	xmp        []byte // the same, as an iTXt chunk holds it
	odd        bool   // a text of the key "xmp", over which Pillow fails
	memory     int    // bytes of all texts
}

const (
	xmpKey        = "XML:com.adobe.xmp"
	rawProfileKey = "Raw profile type exif"

	maxText     = 1 << 20 // bytes that a compressed text or color profile may grow to
	maxTextsAll = 64 << 20
)

var errTextBomb = errors.New("a compressed text or color profile grows to more than 1 MB, or all of them to more than 64 MB")

// handle reads a chunk that it knows.
func (t *pngText) handle(name string, body []byte) error {
	switch name {
	case "eXIf":
		t.exif = append([]byte("Exif\x00\x00"), body...)
	case "tEXt":
		key, value, _ := bytes.Cut(body, []byte{0})
		if string(key) == "exif" {
			t.exif = append([]byte{}, value...)
		}
		return t.set(string(key), string(value))
	case "zTXt":
		key, value, _ := bytes.Cut(body, []byte{0})
		if len(value) > 0 && value[0] != 0 {
			return fmt.Errorf("a zTXt chunk of compression method %d", value[0])
		}
		text, err := t.inflate(value[min(1, len(value)):])
		if err != nil {
			return err
		}
		return t.set(string(key), string(text))
	case "iTXt":
		return t.international(body)
	case "iCCP":
		_, value, ok := bytes.Cut(body, []byte{0})
		if !ok {
			value = body
		}
		if len(value) == 0 || value[0] != 0 {
			return errors.New("an iCCP chunk of an unknown compression method")
		}
		_, err := t.inflate(value[1:])
		return err
	}
	return nil
}

// set keeps a text by its key.
func (t *pngText) set(key, value string) error {
	switch key {
	case "":
		return nil
	case rawProfileKey:
		t.rawProfile = value
	case xmpKey:
		t.xmpText = value
	case "xmp":
		t.odd = true
	}
	return t.count(len(value))
}

func (t *pngText) count(n int) error {
	if t.memory += n; t.memory > maxTextsAll {
		return errTextBomb
	}
	return nil
}

// inflate decompresses a text as far as it goes; a damaged one is empty.
func (t *pngText) inflate(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, maxText+1))
	if len(text) > maxText {
		return nil, errTextBomb
	}
	if countErr := t.count(len(text)); countErr != nil {
		return nil, countErr
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil
	}
	return text, nil
}

// international reads an iTXt chunk. XMP counts even where the text is not UTF-8.
func (t *pngText) international(body []byte) error {
	parts := bytes.SplitN(body, []byte{0}, 2)
	if len(parts) < 2 || len(parts[1]) < 2 {
		return nil
	}
	compressed, method := parts[1][0] != 0, parts[1][1]
	fields := bytes.SplitN(parts[1][2:], []byte{0}, 3)
	if len(fields) < 3 || compressed && method != 0 {
		return nil
	}
	text := fields[2]
	if compressed {
		z, err := t.inflate(text)
		if err != nil || z == nil {
			return err
		}
		text = z
	}
	key := string(parts[0])
	if key == xmpKey {
		t.xmp = text
	}
	for _, f := range [][]byte{fields[0], fields[1], text} {
		if !utf8.Valid(f) {
			return nil
		}
	}
	return t.set(key, string(text))
}

// orientation is what Pillow turns the picture by.
func (t *pngText) orientation() (int, error) {
	exif := t.exif
	if exif == nil && t.rawProfile != "" {
		lines := strings.Split(t.rawProfile, "\n")
		var err error
		if exif, err = fromHex(strings.Join(lines[min(3, len(lines)):], "")); err != nil {
			return 0, fmt.Errorf("its %q is not hexadecimal, and the picture may have to be turned; save the picture again", rawProfileKey)
		}
	}
	o, ok, err := exifOrientation(exif)
	switch {
	case err != nil || ok:
		return o, err
	case t.xmpText != "":
		return xmpOrientation([]byte(t.xmpText)), nil
	case t.odd:
		return 0, errors.New("it has a text of the key xmp, which may say how the picture is turned, and the reference cannot read it; save the picture again")
	}
	return xmpOrientation(t.xmp), nil
}

// fromHex reads hexadecimal digits in pairs, with white space between pairs, as Python's bytes.fromhex does.
func fromHex(s string) ([]byte, error) {
	digit := func(c byte) (byte, bool) {
		switch {
		case c >= '0' && c <= '9':
			return c - '0', true
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			return c | 0x20 - 'a' + 10, true
		}
		return 0, false
	}
	out := []byte{}
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\n\r\v\f", s[i]) >= 0 {
			i++
			continue
		}
		if i+1 == len(s) {
			return nil, errors.New("an odd number of digits")
		}
		high, ok := digit(s[i])
		low, also := digit(s[i+1])
		if !ok || !also {
			return nil, errors.New("no digit")
		}
		out, i = append(out, high<<4|low), i+2
	}
	return out, nil
}
