package metrics

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadPairs(t *testing.T) {
	want := Pairs{[]float64{81, 0.5, -3e2}, []float64{79.25, 7, 4}}
	for _, c := range []struct{ name, text string }{
		{"bare", "81,79.25\n0.5,7\n-3e2,4\n"},
		{"no last line end", "81,79.25\n0.5,7\n-3e2,4"},
		{"carriage returns", "81,79.25\r\n0.5,7\r\n-3e2,4\r\n"},
		{"header", "truth,predicted\n81,79.25\n0.5,7\n-3e2,4\n"},
		{"header of other words", "Jury's mean,loupe\n81,79.25\n0.5,7\n-3e2,4\n"},
		{"swapped header", "Prediction,Score\n79.25,81\n7,0.5\n4,-3e2\n"},
		{"byte order mark", "\ufefftruth,predicted\n81,79.25\n0.5,7\n-3e2,4\n"},
		{"byte order mark, bare", "\ufeff81,79.25\n0.5,7\n-3e2,4\n"},
		{"spaces and blank lines", " 81 , 79.25 \n\n0.5,7\n\n-3e2,\t4\n\n"},
		{"semicolons", "truth;predicted\r\n81;79.25\r\n0.5;7\r\n-3e2;4\r\n"},
		{"empty rows of a spreadsheet", ";\ntruth;predicted\n81;79.25\n;\n0.5;7\n-3e2;4\n;\n ;;\n"},
		{"semicolons, bare, after a blank line", "\n81;79.25\n0.5;7\n-3e2;4\n"},
		{"tabs and a mark", "\ufefftruth\tpredicted\n81\t79.25\n0.5\t7\n-3e2\t4\n"},
		{"a semicolon within quotes", "\"truth; of the jury\",\"predicted\"\n81,79.25\n0.5,7\n-3e2,4\n"},
		{"a first line that names the separator", "sep=;\ntruth;predicted\n81;79.25\n0.5;7\n-3e2;4\n"},
		{"a first line that names the separator, with a mark", "\ufeff\"sep=|\"\r\ntruth|predicted\r\n81|79.25\r\n0.5|7\r\n-3e2|4\r\n"},
		{"carriage returns alone", "truth,predicted\r81,79.25\r0.5,7\r-3e2,4"},
		{"carriage returns twice", "truth,predicted\r\r\n81,79.25\r\r\n0.5,7\r\r\n-3e2,4\r\r\n"},
		{"bars", "truth|predicted\n81|79.25\n0.5|7\n-3e2|4\n"},
		{"a bar among commas", "truth,a|b\n81,79.25\n0.5,7\n-3e2,4\n"},
		{"quote", "\"truth\",\"predicted\"\n\"81\",79.25\n0.5,\"7\"\n-3e2,4\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadPairs(strings.NewReader(c.text), "p.csv")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReadPairsErrors(t *testing.T) {
	for _, c := range []struct{ name, text, place, about string }{
		{"empty", "", "line 1, column 1", "no pair"},
		{"header alone", "truth,predicted\n", "line 1, column 1", "no pair"},
		{"second header", "truth,predicted\ntruth,predicted\n", "line 2, column 1", `"truth" is not a number`},
		{"two of one name", "pred,prediction\n1,2\n", "line 1, column 2", "same side"},
		{"word on line 1", "81,high\n", "line 1, column 2", `"high" is not a number`},
		{"word further down", "t,p\n1,2\n\nx,4\n", "line 4, column 1", `"x" is not a number`},
		{"missing first", ",4\n", "line 1, column 1", "is no score"},
		{"missing second", "1,2\n3, \n", "line 2, column 2", "is no score"},
		{"the line below one that names the separator", "sep=;\n1;2\n3;x\n", "line 3, column 2", `"x" is not a number`},
		{"missing word", "N/A,null\n", "line 1, column 1", `"N/A" is no score`},
		{"NaN", "1,2\n3,NaN\n", "line 2, column 2", "not a finite"},
		{"NaN on line 1", "nan,nan\n", "line 1, column 1", "not a finite"},
		{"infinity", "1,2\n-Inf,3\n", "line 2, column 1", "not a finite"},
		{"too large", "1,1e999\n", "line 1, column 2", "not a finite"},
		{"too large, both, on line 1", "1e999,-1e999\n", "line 1, column 1", "not a finite"},
		{"beyond a score", "1,2\n1,2e70\n", "line 2, column 2", "beyond 1e+70"},
		{"one column", "1,2\n3\n", "line 2, column 2", "columns, but 1"},
		{"three columns", "1,2,3\n", "line 1, column 3", "columns, but 3"},
		{"decimal comma", "\"81,5\",80\n", "line 1, column 1", `"81,5" is not a number: write it with a point, 81.5`},
		{"decimal commas between semicolons", "truth;predicted\n81,5;80\n", "line 2, column 1", `"81,5" is not a number: write it with a point, 81.5`},
		{"thousands", "1 000,80\n", "line 1, column 1", "as in 54.5"},
		{"a semicolon further down", "1,2\n3;4\n", "line 2, column 2", "columns, but 1"},
		{"open quote", "1,2\n\"3,4\n", "line 2, column", "quote"},
		{"stray quote", "1,2\"\n", "line 1, column", "quote"},
		{"number over two lines", "1,2\n3,\"4\n5\"\n", "line 2, column 2", "is not a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadPairs(strings.NewReader(c.text), "p.csv")
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "p.csv: "+c.place) || !strings.Contains(err.Error(), c.about) {
				t.Errorf("%q, want %q and %q", err, "p.csv: "+c.place, c.about)
			}
		})
	}
}

func TestReadPairsRefusesUTF16(t *testing.T) {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if _, err := ReadPairs(strings.NewReader(mark+"1\x00,\x002\x00"), "p.csv"); err == nil || !strings.Contains(err.Error(), "p.csv: it is UTF-16: save it") {
			t.Errorf("error %v, want one of UTF-16", err)
		}
	}
}

func TestReadPairsPassesReadErrorsOn(t *testing.T) {
	_, err := ReadPairs(io.MultiReader(strings.NewReader("1,2\n"), iotest.ErrReader(iotest.ErrTimeout)), "p.csv")
	if err == nil || !strings.Contains(err.Error(), "p.csv: "+iotest.ErrTimeout.Error()) {
		t.Errorf("error %v, want the reader's, named p.csv", err)
	}
}

// FuzzReadPairs: whatever the bytes, there is an error that names the file, or pairs that Evaluate takes and that read the
// same once written.
func FuzzReadPairs(f *testing.F) {
	for _, s := range []string{"1,2\n", "truth,predicted\n81,79.25\n", "\ufeff1,2\r\n3,4", "pred,score\n\"1\",2\n", "nan,1\n", "0x1p-2,1_0\n", "t;p\n1;2\n", "sep=;\r1;2\r", "sep=,\n", "\"a;b\"\t\"c\"\n3\t4", "1e999,-0\n", "a,b,c\n\"", "5e-324,1.7976931348623157e308\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ReadPairs(bytes.NewReader(text), "p.csv")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p.csv: ") || p.Truth != nil {
				t.Fatalf("error %q with %d pairs, want one that begins with the name, and none", err, len(p.Truth))
			}
			return
		}
		r, err := Evaluate(context.Background(), p, Options{Resamples: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Pearson.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
		var w strings.Builder
		for i := range p.Truth {
			fmt.Fprintf(&w, "%v,%v\n", p.Truth[i], p.Predicted[i])
		}
		again, err := ReadPairs(strings.NewReader(w.String()), "again.csv")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Error(d)
		}
	})
}
