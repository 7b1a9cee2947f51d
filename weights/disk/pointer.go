package disk

import "bytes"

// NotItself says what stands in place of a file's own content: a Git LFS pointer, which `git clone` leaves without Git LFS,
// or the page of a web site. "": neither.
func NotItself(data []byte) string {
	switch start := bytes.TrimSpace(data[:min(len(data), 256)]); {
	case bytes.HasPrefix(start, []byte("version https://git-lfs.github.com/")):
		return "it is a Git LFS pointer and not the file: run `git lfs pull` in the repository, or download the file"
	case bytes.HasPrefix(bytes.ToLower(start), []byte("<!doctype html")), bytes.HasPrefix(bytes.ToLower(start), []byte("<html")):
		return "it is a web page and not the file: download it again, with the address of the file itself"
	}
	return ""
}
