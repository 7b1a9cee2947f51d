package loupe

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/disk"
)

// extensions are the ends of names that a person takes for a picture's. Those that loupe cannot read are among them, so
// that such a file in a directory is an error, and never left out in silence.
var extensions = strings.Fields(`.jpg .jpeg .jpe .jfif .jif .pjpeg .pjp .mpo .png .apng .gif .webp .bmp .dib .tif .tiff .pbm .pgm .ppm .pnm
	.heic .heif .hif .heics .avif .avifs .jxl .jp2 .j2k .j2c .jpc .jpf .jpx .jpm .jxr .hdp .wdp .psd .psb .svg .svgz .ico .cur .icns .tga .pcx .dds
	.exr .hdr .xcf .qoi .pam .pfm .sgi .ras .xpm .xbm .eps .wmf .emf .bpg .jng .mng
	.cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .dng .orf .rw2 .raf .pef .srw .x3f .3fr .raw .rwl .iiq .mrw .kdc .erf .dcr .mef .mos`)

// picturesIn lists the pictures of a directory in name order, those that loupe cannot read included: what has a picture's
// name, and what begins as a picture does under another name. others are what it passes over.
func picturesIn(dir string) (names, others []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if isPicture(path) {
			names = append(names, path)
		} else {
			others = append(others, path)
		}
	}
	if len(names) == 0 {
		return nil, others, fmt.Errorf("directory %s holds no pictures; give one with JPEG, PNG, GIF, WebP, BMP, TIFF or PNM files", dir)
	}
	return names, others, nil
}

// isPicture tells what a person would call a picture: by its name, or else by its first bytes. Directories are none, nor are
// the files that macOS writes beside those on foreign disks.
func isPicture(path string) bool {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err == nil && info.IsDir() || strings.HasPrefix(name, "._") {
		return false
	}
	if slices.Contains(extensions, strings.ToLower(filepath.Ext(name))) {
		return true
	}
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, _, err := disk.Open(path, info.Size())
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	_, is := picture.Kind(head[:n])
	return is
}

// PassedOver lists what is in the directories among paths beside the pictures: Pictures leaves it out.
func PassedOver(paths []string) []string {
	var out []string
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			_, others, _ := picturesIn(path) // an error is told by Pictures
			out = append(out, others...)
		}
	}
	return out
}
