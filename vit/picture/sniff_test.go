package picture

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestOtherKinds: what is no picture that loupe reads is named, with what to do, and none of it is taken for another kind.
func TestOtherKinds(t *testing.T) {
	box := func(brand string) string { return "\x00\x00\x00\x1cftyp" + brand + "\x00\x00\x00\x00mif1heic" }
	pad := strings.Repeat("\x07", 300)
	for _, c := range []struct {
		data, kind, remedy string
		picture            bool
	}{
		{box("heic"), "HEIC", "convert it to JPEG", true}, {box("heix"), "HEIC", "convert it to JPEG", true}, {box("mif1"), "HEIC or AVIF", "convert it to JPEG", true},
		{box("avif"), "AVIF", "avifdec", true}, {box("crx "), "a RAW file of a camera (CR3)", "develop it", true}, {box("isom"), "a video", "give a JPEG", false},
		{"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL", "djxl", true}, {"\xff\x0a" + pad, "JPEG XL", "djxl", true},
		{"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000", "give a JPEG", true}, {"\xff\x4f\xff\x51" + pad, "JPEG 2000", "give a JPEG", true},
		{"8BPS\x00\x01" + pad, "a Photoshop document", "give a JPEG", true}, {"II*\x00\x10\x00\x00\x00CR\x02\x00", "a RAW file of a camera (CR2)", "develop it", true},
		{"FUJIFILMCCD-RAW 0201" + pad, "RAF", "develop it", true}, {"IIU\x00" + pad, "RW2", "develop it", true}, {"IIRO" + pad, "ORF", "develop it", true},
		{"<?xml version=\"1.0\"?>\n<svg xmlns=\"\">", "SVG", "draw it to PNG", true}, {"\xef\xbb\xbf <svg>", "SVG", "draw it to PNG", true}, {"<!DOCTYPE html><html>", "a web page", "give a JPEG", false},
		{"%PDF-1.4", "a PDF", "draw it to PNG", false}, {"%!PS-Adobe-3.0 EPSF", "PostScript", "draw it to PNG", false}, {"\x00\x00\x01\x00\x01\x00" + pad, "a Windows icon", "give a JPEG", false},
		{"\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0d\x00\x0b\x00\x18\x00" + pad, "TGA", "give a JPEG", false}, {"\x0a\x05\x01\x08" + pad, "PCX", "give a JPEG", false},
		{"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS", "git lfs pull", false}, {"qoif" + pad, "QOI", "give a JPEG", true}, {"P7\nWIDTH 1", "PAM", "give a JPEG", false},
		{strings.Repeat("\x00", 600), "of zeros only", "give a JPEG", false}, {"hello, world", "of an unknown kind", "give a JPEG", false}, {"PK\x03\x04" + pad, "a ZIP archive", "give a JPEG", false},
	} {
		kind, is := Kind([]byte(c.data))
		if !strings.Contains(kind, c.kind) || is != c.picture {
			t.Errorf("%.12q is %q (a picture: %v), want %q (%v)", c.data, kind, is, c.kind, c.picture)
		}
		_, err := Decode(t.Context(), []byte(c.data), Limits{})
		if err == nil || !strings.Contains(err.Error(), c.kind) || !strings.Contains(err.Error(), c.remedy) {
			t.Errorf("%.12q: the error is %v, want one that says %q and %q", c.data, err, c.kind, c.remedy)
		}
	}
}

// TestPreviewOfRAW: a TIFF whose first page is a camera's preview is refused.
func TestPreviewOfRAW(t *testing.T) {
	page := map[uint16][]uint32{tagWidth: {2}, tagHeight: {1}, tagBits: {8, 8, 8}, tagPhotometric: {2}, tagStripOffsets: {1024}, tagSamples: {3}, tagRowsPerStrip: {1}, tagStripBytes: {6}}
	if _, err := Decode(t.Context(), tiffOf([]byte("abcdef"), page), Limits{}); err != nil {
		t.Fatal(err)
	}
	page[tagSubfileType], page[tagSubIFDs] = []uint32{1}, []uint32{1030}
	if _, err := Decode(t.Context(), tiffOf([]byte("abcdef"), page), Limits{}); err == nil || !strings.Contains(err.Error(), "RAW file of a camera") {
		t.Errorf("the error is %v", err)
	}
}

// TestDecodeStops: a context that is done ends every decoder, by its own error.
func TestDecodeStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, name := range []string{"exif6.jpg", "rgb.png", "still.gif", "lossy.webp", "animated.webp", "bits24.bmp", "rle8.bmp", "rgb_lzw.tiff", "jpeg.tiff"} {
		if img, err := Decode(ctx, readPicture(t, name), Limits{}); !errors.Is(err, context.Canceled) || img.Pix != nil {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if _, _, err := DecodeAnimation(ctx, readPicture(t, "anim_mixed.gif"), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("animation: the error is %v", err)
	}
	if _, err := Decode(ctx, []byte("P2\n1 1\n255\n7"), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("pnm: the error is %v", err)
	}
}
