package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

func TestWordsAreCounted(t *testing.T) {
	truth := "This portrait shows weak originality, plain color, sound texture, strong composition and brilliant content."
	data := filepath.Join(t.TempDir(), paint.DataName)
	if err := os.WriteFile(data, []byte(`{"image":"a.png","critique":"`+truth+`"}`+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	count := func(said ...string) string {
		var in, out strings.Builder
		for _, s := range said {
			in.WriteString(`{"image":"some/where/a.png","critique":"` + s + `"}` + "\n")
		}
		if err := words(&out, strings.NewReader(in.String()), data); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(out.String()), " ")
	}
	got := count(truth,
		"A seascape. Its color is plain, its texture weak; the composition is strong, the content brilliant and the originality weak.",
		"This portrait shows weak.")
	for _, want := range []string{
		"critiques that can be read 2 of 3", "family 1 of 3", "level of texture 1 of 3", "level of color 2 of 3",
		"all namings 10 of 18 0.556", "all six of a picture 1 of 3", "five or six of a picture 1 of 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the count does not say %q: %s", want, got)
		}
	}
	for _, bad := range []string{"", `{"image":"b.png","critique":"x"}`, `{`} {
		if err := words(&strings.Builder{}, strings.NewReader(bad), data); err == nil {
			t.Errorf("%q is counted", bad)
		}
	}
}
