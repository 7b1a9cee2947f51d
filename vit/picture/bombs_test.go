package picture

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// side is of pictures with as many pixels as Pillow opens.
const side = 13370

// tiffOf is a TIFF with one directory, whose tags have the values, and data at byte 1024, where they do not fit in 4 bytes.
func tiffOf(data []byte, tags map[uint16][]uint32) []byte {
	le := binary.LittleEndian
	out := append([]byte("II*\x00\x08\x00\x00\x00"), byte(len(tags)), 0)
	var values []byte
	for tag := range uint16(1024) {
		v, ok := tags[tag]
		if !ok {
			continue
		}
		out = le.AppendUint32(le.AppendUint16(le.AppendUint16(out, tag), kindLong), uint32(len(v)))
		if len(v) == 1 {
			out = le.AppendUint32(out, v[0])
			continue
		}
		out = le.AppendUint32(out, uint32(512+len(values)))
		for _, n := range v {
			values = le.AppendUint32(values, n)
		}
	}
	out = append(le.AppendUint32(out, 8), make([]byte, 512)...)[:512] // the next directory is the first
	out = append(append(out, values...), make([]byte, 1024)...)[:1024]
	return append(out, data...)
}

// lzwZeros are n noughts as GIF and TIFF pack them.
func lzwZeros(n int, order lzw.Order) []byte {
	var b bytes.Buffer
	z := lzw.NewWriter(&b, order, 8)
	zeros := make([]byte, 1<<16)
	for ; n > 0; n -= len(zeros) {
		z.Write(zeros[:min(n, len(zeros))])
	}
	z.Close()
	return b.Bytes()
}

func gifBlocksOf(data []byte) (out []byte) {
	for len(data) > 0 {
		n := min(255, len(data))
		out = append(append(out, byte(n)), data[:n]...)
		data = data[n:]
	}
	return append(out, 0)
}

// bombs are small files that ask for much: pixels, frames, chunks, text, tags, scans.
func bombs(t *testing.T) map[string][]byte {
	le := binary.LittleEndian
	strip := func(data []byte, compression uint32, more map[uint16][]uint32) []byte {
		tags := map[uint16][]uint32{tagWidth: {side}, tagHeight: {side}, tagBits: {8, 8, 8}, tagCompression: {compression}, tagPhotometric: {2}, tagStripOffsets: {1024},
			tagSamples: {3}, tagRowsPerStrip: {side}, tagStripBytes: {uint32(len(data))}}
		for k, v := range more {
			tags[k] = v
		}
		return tiffOf(data, tags)
	}
	tile := func(w, h uint32) map[uint16][]uint32 {
		return map[uint16][]uint32{tagWidth: {10}, tagHeight: {10}, tagTileWidth: {w}, tagTileHeight: {h}, tagTileOffsets: {1024}, tagTileBytes: {64}}
	}
	zeros := compressed(t, "", 1<<20)
	profile := pngChunk("iCCP", append([]byte("p\x00\x00"), zeros...))
	frame := func(w, h int, data []byte) []byte {
		out := le.AppendUint16(le.AppendUint16([]byte{0x2c, 0, 0, 0, 0}, uint16(w)), uint16(h))
		return append(append(out, 0, 8), gifBlocksOf(data)...)
	}
	gif := append(le.AppendUint16(le.AppendUint16([]byte("GIF89a"), side), side), 0, 0, 0)
	small := frame(2000, 2000, lzwZeros(2000*2000, lzw.LSB))
	jpeg, err := os.ReadFile(filepath.Join("..", "jpeg", "testdata", "gray.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	sof := bytes.Index(jpeg, []byte("\xff\xc0"))
	bmp := le.AppendUint32(le.AppendUint32(append([]byte("BM"), make([]byte, 8)...), 54), 40)
	bmp = le.AppendUint32(le.AppendUint32(bmp, side), side)
	bmp = append(append(bmp, 1, 0, 8, 0, 1, 0, 0, 0), make([]byte, 20)...)
	progressive, err := os.ReadFile(filepath.Join("..", "jpeg", "testdata", "progressive444.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"png_pixels": pngOf(compressed(t, "", 1<<20), side, side), "png_text": pngOf(nil, 9, 9, pngChunk("zTXt", append([]byte("c\x00\x00"), compressed(t, "", 9<<20)...))),
		"png_profiles": pngOf(nil, 9, 9, bytes.Repeat(profile, 3000)), "png_chunks": pngOf(nil, 9, 9, bytes.Repeat(pngChunk("tEXt", []byte("a\x00b")), 300000)),
		"gif_pixels": append(bytes.Clone(gif), frame(side, side, lzwZeros(1<<20, lzw.LSB))...), "gif_screen": append(append(bytes.Clone(gif), frame(1, 1, lzwZeros(1, lzw.LSB))...), 0x3b),
		"gif_frames":   append(append(append(le.AppendUint16(le.AppendUint16([]byte("GIF89a"), 2000), 2000), 0, 0, 0), bytes.Repeat(small, 400)...), 0x3b),
		"tiff_deflate": strip(zeros, tiffAdobeDeflate, nil), "tiff_lzw": strip(lzwZeros(1<<20, lzw.MSB), tiffLZW, nil), "tiff_packbits": strip(bytes.Repeat([]byte{0x81, 0}, 1000), tiffPackBits, nil),
		"tiff_fax":  strip(bytes.Repeat([]byte{0xff}, 1000), tiffGroup4, map[uint16][]uint32{tagBits: {1}, tagSamples: {1}, tagPhotometric: {0}}),
		"tiff_tile": strip(zeros, tiffAdobeDeflate, tile(side, side)), "tiff_tile_large": strip(zeros, tiffAdobeDeflate, tile(1<<30, 1<<30)), "tiff_tile_wide": strip(zeros, tiffLZW, tile(1<<31-1, 1)),
		"tiff_size": strip(zeros, tiffAdobeDeflate, map[uint16][]uint32{tagWidth: {1<<32 - 1}, tagHeight: {1<<32 - 1}}), "tiff_rows": strip(zeros, tiffAdobeDeflate, map[uint16][]uint32{tagRowsPerStrip: {1<<32 - 1}}),
		"tiff_values": patched(strip(zeros, tiffAdobeDeflate, map[uint16][]uint32{tagStripOffsets: {1, 2}}), 10+12*4+4, 0xff, 0xff, 0xff, 0x7f),
		"jpeg_pixels": patched(jpeg, sof+5, side>>8, side&255, side>>8, side&255), "bmp_runs": append(bmp, bytes.Repeat([]byte{255, 0}, 2000)...), "bmp_jumps": append(bmp, bytes.Repeat([]byte{0, 2, 0, 0, 255, 255}, 2000)...),
		"jpeg_progressive": patched(progressive, bytes.Index(progressive, []byte("\xff\xc2"))+5, side>>8, side&255, side>>8, side&255),
		"pnm_plain":        []byte("P2\n13000 13000\n255\n1 2 3"), "pnm_comments": append([]byte("P2\n9 9\n255\n"), bytes.Repeat([]byte("#\n"), 1<<20)...), "zeros": make([]byte, 1<<20),
	}
}

// TestBombs: each is refused, or decoded, soon and in little memory. On an idle machine none takes 3 seconds.
func TestBombs(t *testing.T) {
	for name, data := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := Decode(t.Context(), data, Limits{})
			_, _, animation := DecodeAnimation(t.Context(), data, Limits{})
			runtime.ReadMemStats(&after)
			taken, mb := time.Since(start), (after.TotalAlloc-before.TotalAlloc)>>20
			t.Logf("%d bytes: %v, %d MB: %v", len(data), taken.Round(time.Millisecond), mb, err)
			if taken > 20*time.Second || mb > 500 {
				t.Errorf("%d bytes take %v and %d MB: %v", len(data), taken, mb, err)
			}
			if err == nil != (name == "gif_frames") || animation == nil { // its first frame alone is a picture
				t.Errorf("accepted or refused otherwise (%v, %v)", err, animation)
			}
		})
	}
}
