package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ledgerFile holds one line for each result that is pinned: its name, a space, the SHA-256 of its bytes.
const ledgerFile = "testdata/ledger.txt"

// ledger is what a run computes, by section. A section is the results of one command on one fixture.
type ledger map[string]map[string]string

// put enters a digest. Names have no spaces.
func (l ledger) put(t *testing.T, section, name, digest string) {
	t.Helper()
	if l[section] == nil {
		l[section] = map[string]string{}
	}
	if _, twice := l[section][name]; twice || digest == "" || strings.ContainsAny(section+name, " \n") {
		t.Errorf("%s/%s: entered twice, or with digest %q", section, name, digest)
	}
	l[section][name] = digest
}

// lines are the ledger as its file has it, sorted.
func (l ledger) lines() (out []string) {
	for section, entries := range l {
		for name, digest := range entries {
			out = append(out, fmt.Sprintf("%s/%s %s", section, name, digest))
		}
	}
	slices.Sort(out)
	return out
}

// readLedger splits the lines of a ledger's file into those of the sections that a run has computed, and the others.
func readLedger(text []byte, computed ledger) (held, others []string) {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		inside := false
		for section := range computed {
			inside = inside || strings.HasPrefix(line, section+"/")
		}
		if inside {
			held = append(held, line)
		} else {
			others = append(others, line)
		}
	}
	return held, others
}

// TestLedger computes what the program gives for fixed inputs and compares every digest with testdata/ledger.txt. It is for
// changes that must change no number: run it before and after. It goes through the command line alone, so that it stays as it
// is while the packages below are laid anew.
//
//	go test ./cmd/loupe -run TestLedger                                  the committed fixture, in seconds
//	LOUPE_LONG=1 go test ./cmd/loupe -run TestLedger                     the embedded model, and ../shared/golden/a and b, too
//	LOUPE_LONG=1 LOUPE_UPDATE=1 go test ./cmd/loupe -run TestLedger      writes what this program gives to the file
//
// A line that differs names the first results that changed: logits/..., taps/..., train/... and so on.
func TestLedger(t *testing.T) {
	got := ledger{}
	for _, f := range ledgerFixtures(t) {
		f.enter(t, got)
	}
	if t.Failed() {
		return
	}
	text, err := os.ReadFile(ledgerFile)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	held, others := readLedger(text, got)
	lines := got.lines()
	if os.Getenv("LOUPE_UPDATE") == "1" {
		all := append(lines, others...)
		slices.Sort(all)
		if err := os.WriteFile(ledgerFile, []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, d := range differences(held, lines) {
		t.Error(d)
	}
	t.Logf("%d results compared, %d of the file not computed here", len(lines), len(others))
}

// differences says for each name how two sorted ledgers differ: at most 20, for one wrong bit reaches all that follows it.
func differences(held, got []string) (out []string) {
	digests := func(lines []string) map[string]string {
		m := map[string]string{}
		for _, line := range lines {
			name, digest, _ := strings.Cut(line, " ")
			m[name] = digest
		}
		return m
	}
	want, now := digests(held), digests(got)
	for _, line := range got {
		name, digest, _ := strings.Cut(line, " ")
		if w, known := want[name]; !known {
			out = append(out, name+": not in the ledger; LOUPE_UPDATE=1 enters it")
		} else if w != digest {
			out = append(out, fmt.Sprintf("%s is %.12s, and the ledger has %.12s: a number changed", name, digest, w))
		}
	}
	for _, line := range held {
		if name, _, _ := strings.Cut(line, " "); now[name] == "" {
			out = append(out, name+": in the ledger, and no longer computed")
		}
	}
	if n := len(out); n > 20 {
		out = append(out[:20], fmt.Sprintf("and %d more", n-20))
	}
	return out
}

// TestLedgerDifferences plants the faults that the ledger must tell.
func TestLedgerDifferences(t *testing.T) {
	computed := ledger{}
	computed.put(t, "x/logits", "text", "aa")
	computed.put(t, "x/logits", "new", "bb")
	computed.put(t, "x/taps", "lm_head", "cc")
	file := []byte("x/logits/gone dd\nx/logits/text ab\nx/taps/lm_head cc\ny/logits/text ee\n")
	held, others := readLedger(file, computed)
	if len(held) != 3 || len(others) != 1 {
		t.Errorf("held %q, others %q", held, others)
	}
	want := []string{"x/logits/new: not in", "x/logits/text is aa, and the ledger has ab", "x/logits/gone: in the ledger"}
	got := differences(held, computed.lines())
	if len(got) != len(want) {
		t.Fatalf("differences %q", got)
	}
	for i, d := range got {
		if !strings.HasPrefix(d, want[i]) {
			t.Errorf("difference %d is %q, want %q...", i, d, want[i])
		}
	}
}

// TestLedgerIsWhole holds the file to its form, and to having each kind of result for each fixture.
func TestLedgerIsWhole(t *testing.T) {
	text, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if !slices.IsSorted(lines) {
		t.Error("the lines are not sorted")
	}
	for _, line := range lines {
		var name string
		var digest []byte
		if n, err := fmt.Sscanf(line, "%s %64x", &name, &digest); n != 2 || err != nil || len(digest) != 32 {
			t.Errorf("%q is no name and digest", line)
		}
	}
	for _, fixture := range []string{"golden", "a", "b"} {
		for _, kind := range []string{"logits", "score", "taps", "train/lora", "train/dora", "train/full", "attend", "against", "quantize", "merge"} {
			if !bytes.Contains(text, []byte("\n"+fixture+"/"+kind+"/")) && !bytes.HasPrefix(text, []byte(fixture+"/"+kind+"/")) {
				t.Errorf("the ledger has nothing of %s/%s", fixture, kind)
			}
		}
	}
	for _, kind := range []string{"logits", "score", "attend"} {
		if !bytes.Contains(text, []byte("\nembedded/"+kind+"/")) {
			t.Errorf("the ledger has nothing of embedded/%s", kind)
		}
	}
}

// ledgerFixtures are the fixtures that are here, and wanted.
func ledgerFixtures(t *testing.T) []*ledgerFixture {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the ledger has results that are made of float64 sums, which Go fuses on " + runtime.GOARCH + ": it is kept on amd64")
	}
	committed := &ledgerFixture{
		name: "golden", dir: golden, pictures: filepath.Join(golden, "pictures"), extension: ".png",
		head: filepath.Join("..", "..", "runtime", "testdata", "gradients", "head"),
	}
	out := []*ledgerFixture{committed}
	if os.Getenv("LOUPE_LONG") != "1" {
		t.Log("the committed fixture alone: LOUPE_LONG=1 computes all")
		return out
	}
	out = append(out, &ledgerFixture{name: "embedded"})
	shared := os.Getenv("LOUPE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(shared, "golden")); err != nil {
		t.Log("../shared/golden is not here: its results are not computed; name the folder with LOUPE_SHARED")
		return out
	}
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(shared, "golden", name)
		out = append(out, &ledgerFixture{name: name, dir: dir, pictures: filepath.Join(shared, "reference", "images"), extension: ".jpg", head: headOfTraining(t, dir)})
	}
	return out
}
