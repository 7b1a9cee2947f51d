package picture

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// signatures are the first bytes of the kinds that loupe reads, and of those that people have and it does not.
var signatures = []struct {
	at          int
	magic, kind string
}{
	{0, "\xff\xd8\xff", "JPEG"}, {0, "\x89PNG\r\n\x1a\n", "PNG"}, {0, "GIF87a", "GIF"}, {0, "GIF89a", "GIF"}, {0, "BM", "BMP"},
	{0, "IIRO", "a RAW file of a camera (ORF)"}, {0, "IIRS", "a RAW file of a camera (ORF)"}, {0, "IIU\x00", "a RAW file of a camera (RW2)"},
	{8, "CR\x02\x00", "a RAW file of a camera (CR2)"}, {0, "FUJIFILMCCD-RAW", "a RAW file of a camera (RAF)"}, {0, "FOVb", "a RAW file of a camera (X3F)"},
	{0, "II*\x00", "TIFF"}, {0, "MM\x00*", "TIFF"}, {0, "MM*\x00", "TIFF"}, {0, "II\x00*", "TIFF"}, {0, "MM\x00+", "TIFF"}, {0, "II+\x00", "TIFF"},
	{0, "\xff\x0a", "JPEG XL"}, {0, "\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"},
	{0, "\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"}, {0, "\xff\x4f\xff\x51", "JPEG 2000"}, {0, "8BPS", "a Photoshop document"},
	{0, "%PDF", "a PDF"}, {0, "%!PS", "PostScript"}, {0, "\xc5\xd0\xd3\xc6", "PostScript"}, {0, "\x00\x00\x01\x00", "a Windows icon"},
	{0, "icns", "an Apple icon"}, {0, "DDS ", "a DirectDraw surface"}, {0, "qoif", "QOI"},
	{0, "gimp xcf", "a GIMP document"}, {0, "v/1\x01", "OpenEXR"}, {0, "#?RADIANCE", "Radiance HDR"}, {0, "#?RGBE", "Radiance HDR"},
	{0, "II\xbc", "JPEG XR"}, {0, "P7\n", "PAM"}, {0, "PF\n", "PFM"}, {0, "Pf\n", "PFM"}, {0, "\x01\xda", "an SGI picture"}, {0, "\x59\xa6\x6a\x95", "a Sun raster"},
	{0, "SIMPLE  =", "FITS"}, {0, "\xd7\xcd\xc6\x9a", "a Windows metafile"}, {0, "PK\x03\x04", "a ZIP archive (or an office document)"},
	{0, "\x1aE\xdf\xa3", "a Matroska or WebM video"}, {0, "\x1f\x8b", "a gzip archive"}, {257, "ustar", "a tar archive"}, {0, "version https://git-lfs", "a pointer of Git LFS, not the file it stands for"},
}

// brands are the kinds of files of the ISO base media format, by their main brand.
var brands = map[string]string{
	"heic": "HEIC", "heix": "HEIC", "hevc": "HEIC", "hevx": "HEIC", "heim": "HEIC", "heis": "HEIC", "mif1": "HEIC or AVIF", "msf1": "HEIC or AVIF",
	"avif": "AVIF", "avis": "AVIF", "crx ": "a RAW file of a camera (CR3)", "jxl ": "JPEG XL", "jp2 ": "JPEG 2000",
}

// sniff tells the kind of a file by its first bytes: "" if there are none.
func sniff(data []byte) string {
	for _, s := range signatures {
		if len(data) >= s.at && bytes.HasPrefix(data[s.at:], []byte(s.magic)) {
			return s.kind
		}
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\xef\xbb\xbf")))
	switch {
	case len(data) == 0:
		return ""
	case isPNM(data):
		return "PNM"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "WebP"
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		if kind, ok := brands[string(data[8:12])]; ok {
			return kind
		}
		return "a video (or HEIC or AVIF)"
	case len(data) >= 16 && isDIB(data):
		return "BMP"
	case bytes.Contains(text, []byte("<svg")):
		return "SVG"
	case bytes.HasPrefix(text, []byte("<")):
		return "SVG or other XML, or a web page"
	case len(data) >= 18 && isTGA(data):
		return "TGA (or of an unknown kind)"
	case len(data) >= 128 && data[0] == 10 && data[1] <= 5 && data[2] == 1:
		return "PCX (or of an unknown kind)"
	case bytes.Trim(data[:min(len(data), 4096)], "\x00") == nil || len(bytes.Trim(data[:min(len(data), 4096)], "\x00")) == 0:
		return "of zeros only, as a download or a card that failed leaves it"
	}
	return "of an unknown kind"
}

// kinds of files that a person calls pictures, and that their first bytes tell for sure.
var pictureKinds = map[string]bool{
	"JPEG": true, "PNG": true, "GIF": true, "WebP": true, "TIFF": true, "HEIC": true, "AVIF": true, "HEIC or AVIF": true, "JPEG XL": true, "JPEG 2000": true,
	"JPEG XR": true, "a Photoshop document": true, "SVG": true, "QOI": true, "OpenEXR": true, "a GIMP document": true, "a DirectDraw surface": true,
}

// Kind tells what a file is by its first bytes (512 are enough), and whether it is a picture, also one that Decode
// refuses. Kinds that only a name tells from other files, as BMP, PNM and TGA, do not count as pictures.
func Kind(head []byte) (kind string, picture bool) {
	kind = sniff(head)
	return kind, pictureKinds[kind] || strings.HasPrefix(kind, "a RAW file")
}

// isDIB tells a Windows bitmap without its file header.
func isDIB(data []byte) bool {
	switch binary.LittleEndian.Uint32(data) {
	case 12:
		return data[8] == 1 && data[9] == 0
	case 40, 52, 56, 64, 108, 124:
		return data[12] <= 1 && data[13] == 0
	}
	return false
}

// isTGA tells a Targa file, which has no signature, by a header that makes sense.
func isTGA(data []byte) bool {
	return data[1] <= 1 && strings.IndexByte("\x01\x02\x03\x09\x0a\x0b", data[2]) >= 0 && strings.IndexByte("\x01\x08\x0f\x10\x18\x20", data[16]) >= 0 && data[17]&0xc0 == 0
}

// remedy says what to do with a file that is not read.
func remedy(kind string) string {
	const kinds = "give a JPEG, PNG, GIF, WebP, BMP, TIFF or PNM"
	switch {
	case strings.HasPrefix(kind, "HEIC"):
		return "convert it to JPEG first (on the phone: Settings, Camera, Formats, Most Compatible; here: heif-convert FILE.heic FILE.jpg), or " + kinds
	case kind == "AVIF":
		return "convert it to PNG first (avifdec FILE.avif FILE.png), or " + kinds
	case kind == "JPEG XL":
		return "convert it to PNG first (djxl FILE.jxl FILE.png), or " + kinds
	case strings.HasPrefix(kind, "a RAW"):
		return "develop it to JPEG or TIFF first, or " + kinds
	case strings.HasPrefix(kind, "SVG"), kind == "a PDF", kind == "PostScript":
		return "draw it to PNG at the size that it should have first, or " + kinds
	case strings.Contains(kind, "Git LFS"):
		return "fetch the file with git lfs pull"
	}
	return kinds
}
