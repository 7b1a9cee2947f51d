package train_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/runtime/train"
)

// tree writes files, by name, into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
	return dir
}

// TestPicturesAreFound: names as other systems write them find their files, and a name that fits is taken as it is.
func TestPicturesAreFound(t *testing.T) {
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	for _, c := range []struct{ name, file, said string }{
		{"as it is", "a.jpg", "a.jpg"},
		{"separators of Windows", "pictures/old/a.jpg", `pictures\old\a.jpg`},
		{"a Mac's file, a record of another system", decomposed + ".jpg", composed + ".jpg"},
		{"the other way round", composed + ".jpg", decomposed + ".jpg"},
		{"a Mac's folder", decomposed + "/" + decomposed + ".jpg", composed + "/" + composed + ".jpg"},
		{"a Mac's folder, separators of Windows", decomposed + "/a.jpg", composed + `\a.jpg`},
		{"the case of an extension", "IMG_1.JPG", "IMG_1.jpg"},
		{"the case of a folder", "Pictures/a.jpg", `pictures\a.JPG`},
		{"percent signs", "100%25 %s.jpg", "100%25 %s.jpg"},
		{"a URL of a file", "a.jpg", "file://DIR/a.jpg"},
		{"spaces", "a b .jpg", " a b .jpg "},
		{"up and down", "a.jpg", "./x/../a.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS != "linux" && (strings.Contains(c.name, "Mac") || strings.Contains(c.name, "other way") || strings.Contains(c.name, "the case")) {
				t.Skip("the system may itself find names that are composed otherwise")
			}
			dir := tree(t, map[string]string{c.file: "x"})
			said := strings.ReplaceAll(c.said, "DIR", dir)
			write(t, filepath.Join(dir, "d.csv"), "image,score\n\""+said+"\",1\n")
			records, err := train.ReadRecords(filepath.Join(dir, "d.csv"))
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dir, c.file); records[0].Image != want {
				t.Errorf("found %q, want %q", records[0].Image, want)
			}
		})
	}
}

// TestPicturesOfTwoCases: a name that two files have but for its case is neither of them.
func TestPicturesOfTwoCases(t *testing.T) {
	dir := tree(t, map[string]string{"a.jpg": "x", "A.jpg": "y", "d.csv": "image,score\na.JPG,1\n"})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) < 3 {
		t.Skipf("the file system heeds no case (%v)", err)
	}
	records, err := train.ReadRecords(filepath.Join(dir, "d.csv"))
	if err != nil || records[0].Image != filepath.Join(dir, "a.JPG") {
		t.Errorf("%v, %v", records, err)
	}
}

// TestImageFolder: pictures may lie elsewhere than the records.
func TestImageFolderOption(t *testing.T) {
	dir := tree(t, map[string]string{"lists/d.csv": "image,score\na.jpg,1\n", "pictures/a.jpg": "x"})
	path := filepath.Join(dir, "lists", "d.csv")
	data, err := train.ReadData(context.Background(), path, train.ReadOptions{ImageFolder: filepath.Join(dir, "pictures")})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "pictures", "a.jpg"); data.Records[0].Image != want {
		t.Errorf("found %q, want %q", data.Records[0].Image, want)
	}
	if _, err := train.ReadData(context.Background(), path, train.ReadOptions{ImageFolder: path}); err == nil || !strings.Contains(err.Error(), "train.ReadOptions.ImageFolder") {
		t.Errorf("error %v, want one of train.ReadOptions.ImageFolder", err)
	}
}

// TestDirectories: a directory as train.Options.Data is the file of records in it, the metadata of an ImageFolder, or files by split.
func TestDirectories(t *testing.T) {
	const line = `{"file_name": "a.jpg", "score": 1}` + "\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // image and split of each record, or parts of the error
		fails bool
	}{
		{"metadata", map[string]string{"metadata.jsonl": line, "other.csv": "x", "a.jpg": ""}, []string{"a.jpg "}, false},
		{"metadata as CSV", map[string]string{"metadata.csv": "file_name,score\na.jpg,1\n"}, []string{"a.jpg "}, false},
		{"one file", map[string]string{"data.jsonl": line, "README.md": "x"}, []string{"a.jpg "}, false},
		{"ImageFolder with splits", map[string]string{"train/metadata.jsonl": line, "validation/metadata.csv": "file_name,score\na.jpg,1\n", "test/metadata.jsonl": line, "docs/metadata.jsonl": "x"},
			[]string{"test/a.jpg test", "train/a.jpg train", "validation/a.jpg eval"}, false},
		{"files by split", map[string]string{"train.jsonl": line, "val.jsonl": line}, []string{"a.jpg train", "a.jpg eval"}, false},
		{"errors of several files", map[string]string{"train.jsonl": line + "{}\n", "val.jsonl": `{"file_name": "a.jpg"}`}, []string{"train.jsonl, line 2: it names no image", "val.jsonl, line 1: it has neither"}, true},
		{"several files", map[string]string{"a.jsonl": line, "b.csv": "x"}, []string{`"a.jsonl", "b.csv": name the one that is meant`}, true},
		{"pictures by class", map[string]string{"good/a.jpg": "", "bad/b.jpg": ""}, []string{"holds no metadata.jsonl", "say no scores"}, true},
		{"save_to_disk", map[string]string{"dataset_info.json": "{}", "state.json": "{}", "data-00000-of-00001.arrow": "x"}, []string{"save_to_disk", "JSON Lines"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, c.files)
			data, err := train.ReadData(context.Background(), dir, train.ReadOptions{})
			if c.fails {
				for _, part := range append(c.want, dir) {
					if err == nil || !strings.Contains(err.Error(), part) {
						t.Errorf("error %v, want one with %q", err, part)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range data.Records {
				rel, err := filepath.Rel(dir, r.Image)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, filepath.ToSlash(rel)+" "+r.Split)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
