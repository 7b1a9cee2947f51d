package serve

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestErrorsSayKeys: an error of the library comes out with the names of the request, not with those of Go or of a command line.
func TestErrorsSayKeys(t *testing.T) {
	cold := Ask{MaxTokens: 3, Temperature: -1}
	for _, c := range []struct {
		err  error
		want string
	}{
		{cold.check(), "temperature is -1; give 0 (greedy) or a finite number above it"},
		{&loupe.OptionError{Field: "TraceOptions.Grad", Err: errors.New("there is no token 9")}, "there is no token 9"},
		{&loupe.OptionError{Field: "attribution.Options.Window", Value: -1, Want: "give more"}, "window is -1; give more"},
		{&loupe.OptionError{Field: "Options.MaxPixels", Fault: "too long", Want: "shorten the text or lower Options.MaxPixels"}, "too long; shorten the question, or choose a smaller picture"},
		{errors.New("Options.MinPixels and loupe.Load"), "min pixels and loupe.Load"},
	} {
		if got := sentence(c.err); got != c.want {
			t.Errorf("%v is said as %q, want %q", c.err, got, c.want)
		}
	}
	keys := map[string]bool{"target": true} // of the page's other requests
	for i := range reflect.TypeFor[Ask]().NumField() {
		keys[reflect.TypeFor[Ask]().Field(i).Tag.Get("json")] = true
	}
	for field, key := range requestNames {
		if !keys[key] {
			t.Errorf("%s is called %q, which no request has", field, key)
		}
		of, own, _ := strings.Cut(field, ".")
		types := map[string]reflect.Type{"Generation": reflect.TypeFor[loupe.Generation](), "Files": reflect.TypeFor[loupe.Files](), "TraceOptions": reflect.TypeFor[loupe.TraceOptions]()}
		if _, has := types[of].FieldByName(own); !has {
			t.Errorf("there is no %s", field)
		}
	}
}
