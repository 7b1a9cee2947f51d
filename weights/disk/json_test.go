package disk_test

import (
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights/disk"
)

func TestBoundJSON(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		fits bool
	}{
		{`[1, 2, 3]`, 4, true}, {`[1, 2, 3]`, 3, false}, {`{"a": "b,c,[d]", "e\",": 1}`, 5, true}, {`{"a": 1, "b": 2}`, 4, false},
		{strings.Repeat("[", 1000), 100, false}, {`"` + strings.Repeat(",", 1000), 100, true}, {"", 1, true}, {`"\`, 1, true},
	} {
		if err := disk.BoundJSON([]byte(c.text), c.most); (err == nil) != c.fits {
			t.Errorf("%.40q within %d: %v", c.text, c.most, err)
		}
	}
}
