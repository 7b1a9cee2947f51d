package option

import (
	"errors"
	"io/fs"
	"testing"
)

func TestError(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		want string
	}{
		{&Error{Field: "Generation.Temperature", Value: -3.5, Want: "give 0 or more"}, "Generation.Temperature is -3.5; give 0 or more"},
		{&Error{Field: "Options.Precision", Value: "fp8", Want: "give exact"}, `Options.Precision is "fp8"; give exact`},
		{&Error{Field: "train.Options.HeadHidden", Value: []int{0, 3}, Want: "give widths"}, "train.Options.HeadHidden is 0,3; give widths"},
		{&Error{Field: "train.Options.Data", Want: "name a file"}, "train.Options.Data is missing; name a file"},
		{&Error{Field: "Files.Images", Fault: "there is no picture", Want: "give Files.Images or Files.Videos"}, "there is no picture; give Files.Images or Files.Videos"},
		{&Error{Field: "Options.Head", Err: fs.ErrNotExist}, "Options.Head: file does not exist"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%+v says %q, want %q", *c.err, got, c.want)
		}
	}
	if err := error(&Error{Field: "Options.Head", Err: fs.ErrNotExist}); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestRename(t *testing.T) {
	flags := map[string]string{"Options.MaxPixels": "--max-pixels", "train.Options.Out": "--out", "LoRA.Rank": "--lora-rank", "loupe.Load": "--model"}
	for text, want := range map[string]string{
		"lower Options.MaxPixels.":                        "lower --max-pixels.",
		"Options.MaxPixels":                               "--max-pixels",
		"(Options.MaxPixels, train.Options.Out)":          "(--max-pixels, --out)",
		"read /x/Options.MaxPixels":                       "read /x/Options.MaxPixels",
		"Options.MaxPixelsOf and MyOptions.MaxPixels":     "Options.MaxPixelsOf and MyOptions.MaxPixels",
		"Options.MaxPixels.jpg":                           "Options.MaxPixels.jpg",
		"loupe.Options.MaxPixels, Model.Dir and Error.As": "loupe.Options.MaxPixels, Model.Dir and Error.As",
		"other.LoRA.Rank LoRA.Rank":                       "other.LoRA.Rank --lora-rank",
		"give that to loupe.Load":                         "give that to --model",
		"":                                                "",
	} {
		got := Rename(text, func(f string) (string, bool) { s, ok := flags[f]; return s, ok })
		if got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func FuzzRename(f *testing.F) {
	f.Add("lower Options.MaxPixels; or x.Options.MaxPixels")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Rename(text, func(string) (string, bool) { return "", false }); got != text {
			t.Errorf("%q became %q with no names", text, got)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"temperature", "top-k", "top-p", "seed"}
	for name, want := range map[string]string{"temprature": "temperature", "top-q": "top-k", "sede": "", "seeds": "seed", "": "", "precision": ""} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}
