package metrics

import (
	"io"
	"strings"
	"testing"
)

// TestRowsAreBounded: a row that never ends, or of columns without end, is refused by its line before it fills the memory.
func TestRowsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name, head, more string
		says             string
	}{
		{"a field without a closing quote", "true,predicted\n1,2\n\"", "aaaaaaaa\n", "line 3 has more than 16 MB"},
		{"a row without an end", "true,predicted\n", "11111111", "line 2 has more than 16 MB"},
		{"columns without an end", "true,predicted\n", "1,", "line 2 has more than 16384 columns"},
	} {
		_, err := ReadPairs(io.MultiReader(strings.NewReader(c.head), strings.NewReader(strings.Repeat(c.more, 32<<20/len(c.more)))), "t.csv")
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %.200v; want %q", c.name, err, c.says)
		}
	}
}
