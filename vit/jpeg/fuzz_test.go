package jpeg

import "testing"

// FuzzDecode: any bytes give an error, or a picture of the size that the header says within the limit, the same each time.
func FuzzDecode(f *testing.F) {
	for name := range readExpected(f) {
		f.Add(readFile(f, name))
	}
	f.Add([]byte("\xff\xd8\xff\xd9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		ReadMetadata(data)
		img, err := Decode(t.Context(), data, limit)
		if err != nil {
			return
		}
		if img.Width*img.Height > limit || len(img.Pix) != 3*img.Width*img.Height {
			t.Fatalf("%d x %d pixels in %d bytes", img.Width, img.Height, len(img.Pix))
		}
	})
}
