package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// patched is a copy of data with bytes replaced from at on.
func patched(data []byte, at int, with ...byte) []byte {
	out := bytes.Clone(data)
	copy(out[at:], with)
	return out
}

// hugePNG is a sound PNG header of 65535 x 65535 pixels before data for far fewer.
func hugePNG(t *testing.T) []byte {
	out := bytes.Clone(readPicture(t, "rgb.png"))
	binary.BigEndian.PutUint32(out[16:], 65535)
	binary.BigEndian.PutUint32(out[20:], 65535)
	return rechecked(out)
}

// rechecked is a PNG with the checksum of its header made right.
func rechecked(png []byte) []byte {
	binary.BigEndian.PutUint32(png[29:], crc32.ChecksumIEEE(png[12:29]))
	return png
}

// pngChunk is a chunk with its checksum.
func pngChunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// compressed is what zlib makes of n zeros behind a prefix.
func compressed(t *testing.T, prefix string, n int) []byte {
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<16)
	z.Write([]byte(prefix))
	for ; n > 0; n -= len(zeros) {
		z.Write(zeros[:min(n, len(zeros))])
	}
	z.Close()
	return b.Bytes()
}

// pngOf is a PNG of 13 x 11 pixels in 24 bits with chunks before its data.
func pngOf(data []byte, w, h uint32, before ...[]byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 8, 2, 0, 0, 0))...)
	out = append(out, bytes.Join(before, nil)...)
	return append(append(out, pngChunk("IDAT", data)...), pngChunk("IEND", nil)...)
}

func filterPNG(t *testing.T) []byte { return pngOf(compressed(t, "\x09", 11*40), 13, 11) }

// bombPNG is a file of half a megabyte whose picture has as many pixels as Pillow allows.
func bombPNG(t *testing.T) []byte { return pngOf(compressed(t, "", 1<<20), 13370, 13370) }

// textBombPNG is a small picture with a text that grows a thousandfold.
func textBombPNG(t *testing.T) []byte {
	text := append([]byte("Comment\x00\x00"), compressed(t, "", 2<<20)...)
	return pngOf(compressed(t, "", 11*40), 13, 11, pngChunk("zTXt", text))
}

// TestLoadFileErrors has the files that are no pictures, or no whole ones. Each error names the file, and says what is wrong
// and what to do.
func TestLoadFileErrors(t *testing.T) {
	png, gif := readPicture(t, "rgb.png"), readPicture(t, "still.gif")
	half := func(name string) []byte { data := readPicture(t, name); return data[:len(data)/2] }
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"empty", nil, []string{"is empty", "give a picture"}},
		{"text.txt", []byte("not a picture\n"), []string{"unknown kind", "give a JPEG, PNG"}},
		{"page.html", []byte("\n <svg/>"), []string{"SVG", "draw it to PNG", "give a JPEG, PNG"}},
		{"paper.pdf", []byte("%PDF-1.7"), []string{"a PDF", "give a JPEG, PNG"}},
		{"photo.heic", []byte("\x00\x00\x00\x18ftypheic"), []string{"HEIC", "convert it to JPEG first", "give a JPEG, PNG"}},
		{"half.png", half("rgb.png"), []string{"PNG", "truncated", "save it again"}},
		{"half.gif", half("still.gif"), []string{"GIF", "truncated", "save it again"}},
		{"half.webp", half("lossy.webp"), []string{"WebP", "truncated", "save it again"}},
		{"half_animation.webp", half("animated.webp"), []string{"WebP", "truncated", "save it again"}},
		{"half.bmp", half("bits24.bmp"), []string{"BMP", "truncated", "save it again"}},
		{"half.tiff", half("rgb_none.tiff"), []string{"TIFF", "truncated", "save it again"}},
		{"half.jpg", half("exif6.jpg"), []string{"JPEG"}},
		{"signature.png", png[:8], []string{"PNG", "before its image data", "save it again"}},
		{"header_only.gif", gif[:6], []string{"GIF", "no header", "save it again"}},
		{"crc.png", patched(png, 29, 0, 0, 0, 0), []string{"PNG", "checksum", "save it again"}},
		{"filter.png", filterPNG(t), []string{"PNG", "row 1 of 11", "filter 9"}},
		{"cgbi.png", append(append(bytes.Clone(png[:8]), pngChunk("CgBI", []byte("P\x00 \x02"))...), png[8:]...), []string{"PNG", "iOS", "pngcrush"}},
		{"bomb.png", bombPNG(t), []string{"PNG", "decompression bomb", "make the picture smaller"}},
		{"text_bomb.png", textBombPNG(t), []string{"PNG", "more than 1 MB"}},
		{"huge.png", hugePNG(t), []string{"65535 x 65535", "more than the limit", "make it smaller"}},
		{"negative.png", rechecked(patched(png, 16, 0xff, 0xff, 0xff, 0xff)), []string{"PNG", "impossible size"}},
		{"no_width.png", rechecked(patched(png, 16, 0, 0, 0, 0)), []string{"PNG", "0 x 11", "empty"}},
		{"no_width.gif", patched(gif, bytes.IndexByte(gif, 0x2c)+5, 0, 0), []string{"GIF", "0 x 11", "empty"}},
		{"no_image.gif", append(bytes.Clone(gif[:13+24]), 0x3b), []string{"GIF", "no image"}},
		{"unknown_block.gif", append(bytes.Clone(gif[:13+24]), 0x99), []string{"GIF", "0x99"}},
		{"code_size.gif", patched(gif, bytes.IndexByte(gif, 0x2c)+10, 12), []string{"GIF", "code size of 12"}},
		{"huge.gif", patched(gif, bytes.IndexByte(gif, 0x2c)+1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), []string{"GIF", "65535 x 65535", "limit"}},
		{"no_frame.webp", patched(readPicture(t, "animated.webp")[:30], 4, 22, 0), []string{"WebP", "ANIM"}},
		{"directory_beyond.tiff", []byte("II*\x00\xff\xff\xff\x7f"), []string{"TIFF", "truncated"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.name)
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := LoadFile(t.Context(), path, Limits{})
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range append(c.want, c.name) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not say %q", err, want)
				}
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 8<<20 {
				t.Errorf("%d bytes of memory were taken before the file was refused", taken)
			}
		})
	}
}

// TestLargeWebP: golang.org/x/image reads lossy data of up to 16 MB; more is refused by name.
func TestLargeWebP(t *testing.T) {
	data := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x01"), make([]byte, 1<<24)...)
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	if _, err := Decode(t.Context(), data, Limits{}); err == nil || !strings.Contains(err.Error(), "16 MB") {
		t.Errorf("the error is %v", err)
	}
}

func TestLoadFileNoFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{dir: "is a directory; give a file", filepath.Join(dir, "none.png"): "no such file"} {
		_, err := LoadFile(t.Context(), path, Limits{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error is %v, want one that says %q", path, err, want)
		}
	}
}

// TestLimits: a picture of as many pixels as the limit is taken, one of a pixel more is not, of every kind.
func TestLimits(t *testing.T) {
	for _, name := range []string{"exif6.jpg", "rgb.png", "gray1_adam7.png", "still.gif", "lossy.webp", "lossless.webp", "animated.webp", "bits24.bmp", "rgb_lzw.tiff", "tiled.tiff"} {
		data := readPicture(t, name)
		img, err := Decode(t.Context(), data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		n := img.Width * img.Height
		if _, err := Decode(t.Context(), data, Limits{MaxPixels: n}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Decode(t.Context(), data, Limits{MaxPixels: n - 1}); err == nil || !strings.Contains(err.Error(), "limit") {
			t.Errorf("%s of %d pixels under a limit of %d: %v", name, n, n-1, err)
		}
	}
}

// TestTruncated cuts files at every byte: what is cut is refused, or (where only what follows the pixels is gone) gives the
// very same pixels, and nothing panics.
func TestTruncated(t *testing.T) {
	for _, name := range []string{
		"exif6.jpg", "rgb_adam7.png", "palette_trns_two.png", "xmp6_compressed.png", "rgb16_trns.png", "interlaced.gif", "local_palette.gif", "anim_mixed.gif",
		"lossy_alpha.webp", "lossless_alpha.webp", "animated_alpha.webp", "exif3_xmp6.webp", "bits4.bmp", "bits32_v5_alpha.bmp", "rgb_lzw.tiff", "palette.tiff",
		"tiled_deflate_big.tiff", "group3.tiff", "group4.tiff", "orientation6.tiff", "rgb_packbits.tiff", "cmyk.tiff", "planar.tiff", "jpeg.tiff", "rle8.bmp", "rle4.bmp", "bits16_565.bmp",
	} {
		t.Run(name, func(t *testing.T) {
			data := readPicture(t, name)
			whole, err := Decode(t.Context(), data, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for n := range data {
				img, err := Decode(t.Context(), data[:n], Limits{})
				if err == nil && !bytes.Equal(img.Pix, whole.Pix) {
					t.Errorf("cut to %d of %d bytes: accepted with other pixels", n, len(data))
				}
				if _, _, err := DecodeAnimation(t.Context(), data[:n], Limits{}); err == nil && n < len(data)-1 {
					t.Errorf("cut to %d of %d bytes: accepted as a whole animation", n, len(data))
				}
			}
		})
	}
}
