package device

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights/option"
)

// TestParse: what names a device does, and what people write for one elsewhere is refused with what to write here.
func TestParse(t *testing.T) {
	for text, want := range map[string]Choice{
		"":           {Kind: CPU},
		"cpu":        {Kind: CPU},
		"cuda":       {Kind: CUDA, Ordinals: []int{0}},
		"cuda:0":     {Kind: CUDA, Ordinals: []int{0}},
		"cuda:7":     {Kind: CUDA, Ordinals: []int{7}},
		"cuda:65535": {Kind: CUDA, Ordinals: []int{65535}},

		"cuda:1,cuda:0": {Kind: CUDA, Ordinals: []int{1, 0}},
		"cuda,cuda:3":   {Kind: CUDA, Ordinals: []int{0, 3}},
	} {
		if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"gpu":                    "a GPU is cuda: use cpu",
		"GPU":                    "a GPU is cuda: use cpu",
		"CUDA":                   "write cuda",
		"CPU":                    "write cpu",
		" cuda":                  "write cuda",
		"0":                      "write cuda:0 for that GPU",
		"1":                      "write cuda:1 for that GPU",
		"gpu:1":                  "write cuda:1 for that GPU",
		"cuda1":                  "write cuda:1 for that GPU",
		"cuda:01":                "write cuda:1 for that GPU",
		"cuda:+1":                "write cuda:1 for that GPU",
		"CUDA:2":                 "write cuda:2 for that GPU",
		"cuda:":                  "use cpu, cuda",
		"cuda:-1":                "use cpu, cuda",
		"-1":                     "use cpu, cuda",
		"cuda:65536":             "use cpu, cuda",
		"cuda:99999999999999999": "use cpu, cuda",
		"cuda:one":               "use cpu, cuda",
		"cuda:0,1":               "give GPUs as cuda:0,cuda:1",
		"cuda:0,":                "give GPUs as cuda:0,cuda:1",
		"cuda:1,cpu":             "leave cpu out",
		"auto":                   "no device is chosen by itself",
		"mps":                    "use cpu, cuda",
		"rocm":                   "use cpu, cuda",
		"cpu:0":                  "use cpu, cuda",
		"/device:GPU:0":          "use cpu, cuda",
	} {
		_, err := Parse(text)
		var refused *option.Error
		if !errors.As(err, &refused) || refused.Field != "Options.Device" {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if said := err.Error(); !strings.HasPrefix(said, fmt.Sprintf("Options.Device is %q; %s", text, want)) {
			t.Errorf("%q: %q does not say %q", text, said, want)
		}
	}
}

// TestParseTwice: a GPU that is named twice is refused by that.
func TestParseTwice(t *testing.T) {
	if _, err := Parse("cuda,cuda:1,cuda:0"); err == nil || err.Error() != "Options.Device names the GPU 0 twice; name it once" {
		t.Error(err)
	}
}

// FuzzParse: whatever is taken has one form, and whatever is proposed is taken.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "cpu", "cuda", "cuda:3", "gpu:4", "cuda:007", "CUDA", "cuda:0,cuda:1", "\x00cuda"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err == nil {
			if c.Kind == CUDA && len(c.Ordinals) != len(strings.Split(text, ",")) {
				t.Errorf("%q is %+v", text, c)
			}
			if c.Kind == CUDA && len(c.Ordinals) == 1 && text != CUDA && text != fmt.Sprintf("cuda:%d", c.Ordinals[0]) {
				t.Errorf("%q is %+v", text, c)
			}
			return
		}
		var refused *option.Error
		if !errors.As(err, &refused) {
			t.Fatalf("%q: %v", text, err)
		}
		if proposed, is := strings.CutPrefix(refused.Want, "write "); is {
			proposed, _, _ = strings.Cut(proposed, " ")
			if _, err := Parse(proposed); err != nil {
				t.Errorf("%q: %q is proposed: %v", text, proposed, err)
			}
		}
	})
}
