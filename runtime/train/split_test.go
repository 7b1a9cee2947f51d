package train

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recordsOf are n records and their pictures; record i is of the same picture as record copyOf[i], if it is there.
func recordsOf(n int, copyOf map[int]int) ([]Record, *Pictures) {
	var records []Record
	var digests []digest
	for i := range n {
		records = append(records, Record{Image: fmt.Sprint(i), Where: fmt.Sprintf("line %d", i+1)})
		if of, ok := copyOf[i]; ok {
			i = of
		}
		digests = append(digests, digest{pixels: sha256.Sum256([]byte{byte(i)}), width: 3, height: 2})
	}
	return records, grouped(digests, make([][]digest, len(digests)))
}

// parted is split without the pictures of each part.
func parted(records []Record, p *Pictures, part float64, seed uint64) (train, eval []Record) {
	train, eval, _, _ = split(records, p, part, seed)
	return train, eval
}

func names(records []Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, r.Image)
	}
	return out
}

// TestSplit: the part is exact where there are no copies, copies are never on both sides, and neither the order of the
// records nor what others say of themselves moves a picture.
func TestSplit(t *testing.T) {
	records, pictures := recordsOf(40, nil)
	train, eval := parted(records, pictures, 0.2, 1)
	if len(train) != 32 || len(eval) != 8 {
		t.Errorf("%d to learn from and %d to evaluate on, want 32 and 8", len(train), len(eval))
	}
	if _, other := parted(records, pictures, 0.2, 2); slices.Equal(names(eval), names(other)) {
		t.Error("another seed gives the same split")
	}
	var back []Record
	var digests []digest
	for i := range slices.Backward(records) {
		back, digests = append(back, records[i]), append(digests, pictures.digests[pictures.Of[i]])
	}
	_, turned := parted(back, grouped(digests, make([][]digest, len(digests))), 0.2, 1)
	got := names(turned)
	slices.Reverse(got)
	if !slices.Equal(got, names(eval)) {
		t.Errorf("in another order %v are to evaluate on, not %v", got, names(eval))
	}
}

func TestSplitKeepsCopiesTogether(t *testing.T) {
	for seed := range uint64(50) {
		records, pictures := recordsOf(30, map[int]int{3: 1, 7: 1, 20: 12, 29: 28})
		records[28].Split = "eval"
		train, eval, trainPictures, evalPictures := split(records, pictures, 0.3, seed)
		for _, group := range [][]string{{"1", "3", "7"}, {"12", "20"}, {"28", "29"}} {
			n := 0
			for _, name := range group {
				if slices.Contains(names(eval), name) {
					n++
				}
			}
			if n != 0 && n != len(group) {
				t.Fatalf("seed %d: %d of the copies %v are to evaluate on", seed, n, group)
			}
		}
		if len(train)+len(eval) != 30 || !slices.Contains(names(eval), "29") {
			t.Fatalf("seed %d: %d and %d records; the copy of picture 28, which is for evaluation, must go with it: %v", seed, len(train), len(eval), names(eval))
		}
		// 26 pictures: one is said to be for evaluation, and three tenths of the other 25 are 7.5, which rounds to 8.
		if evalPictures.Len() != 9 || trainPictures.Len() != 17 || len(evalPictures.Of) != len(eval) {
			t.Fatalf("seed %d: %d pictures to learn from and %d to evaluate on, want 17 and 9", seed, trainPictures.Len(), evalPictures.Len())
		}
	}
}

// TestSplitIsOfPictures: to say a record twice moves no picture to the other side.
func TestSplitIsOfPictures(t *testing.T) {
	records, pictures := recordsOf(20, nil)
	more, again := recordsOf(24, map[int]int{20: 3, 21: 3, 22: 3, 23: 9})
	_, eval := parted(records, pictures, 0.25, 4)
	_, evalAgain := parted(more, again, 0.25, 4)
	kept := slices.DeleteFunc(names(evalAgain), func(name string) bool { return slices.Contains([]string{"20", "21", "22", "23"}, name) })
	if !slices.Equal(kept, names(eval)) {
		t.Errorf("with records repeated %v are to evaluate on, without %v", kept, names(eval))
	}
}

// TestSplitAsSaid: what the records say holds, with train.Options.EvalSplit 0 too.
func TestSplitAsSaid(t *testing.T) {
	records, pictures := recordsOf(5, nil)
	records[1].Split, records[4].Split = "eval", "train"
	train, eval := parted(records, pictures, 0, 9)
	if !slices.Equal(names(eval), []string{"1"}) || !slices.Equal(names(train), []string{"0", "2", "3", "4"}) {
		t.Errorf("to learn from %v, to evaluate on %v", names(train), names(eval))
	}
	if said := pictures.BothSides(records); said != "" {
		t.Errorf("told of pictures on both sides: %s", said)
	}
}

// TestBothSides: a picture that records put on both sides is told of, by the two records.
func TestBothSides(t *testing.T) {
	records, pictures := recordsOf(6, map[int]int{4: 2})
	records[2].Split, records[4].Split = "train", "eval"
	said := pictures.BothSides(records)
	for _, part := range []string{"1 of the pictures", "both sides", "2 (line 3)", "4 (line 5)"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is not in %q", part, said)
		}
	}
}

// TestReadPictures: copies under other names are one picture, a picture of the same pixels in another shape is another.
func TestReadPictures(t *testing.T) {
	dir := t.TempDir()
	paint := func(name string, w, h int, c color.Color) Record {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range w * h {
			img.Set(i%w, i/w, c)
		}
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		return Record{Image: f.Name(), Where: name}
	}
	red, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}
	records := []Record{paint("a.png", 8, 4, red), paint("b.png", 8, 4, blue), paint("copy.png", 8, 4, red), paint("turned.png", 4, 8, red)}
	p, err := ReadPictures(context.Background(), records)
	if err != nil || !slices.Equal(p.Of, []int{0, 1, 0, 2}) || p.Len() != 3 || !slices.Equal(p.Records[0], []int{0, 2}) {
		t.Errorf("pictures %+v, %v", p, err)
	}
	if _, err := ReadPictures(context.Background(), []Record{{Image: filepath.Join(dir, "gone.png"), Where: "line 7"}}); err == nil || !strings.Contains(err.Error(), "line 7") {
		t.Errorf("a picture that is not there: %v", err)
	}
}
