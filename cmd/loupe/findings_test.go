//go:build unix

package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/weights/disk"
)

var writeFindings = flag.Bool("write", false, "write what the commands of docs/findings.md print into it")

// console is a block of commands of a page, and what each printed, line by line.
type console []struct{ command, output string }

// TestFindings runs the commands of docs/findings.md as they stand there, and holds the page to what they print and its claims
// to the numbers.
func TestFindings(t *testing.T) {
	if testing.Short() {
		t.Skip("it paints and probes a hundred pictures")
	}
	page := readPage(t, "findings.md")
	shell := shellOf(t, t.TempDir())
	var out strings.Builder
	var ran []console
	for i, part := range strings.Split(page, "```") {
		body, is := strings.CutPrefix(part, "console\n")
		if i > 0 {
			out.WriteString("```")
		}
		if !is {
			out.WriteString(part)
			continue
		}
		out.WriteString("console\n")
		block := parseConsole(body)
		for j, c := range block {
			cmd := shell(c.command)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			printed, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v: %s", c.command, err, stderr.String())
			}
			block[j].output = trimLines(string(printed))
			out.WriteString("$ " + strings.ReplaceAll(c.command, "\n", "\n> ") + "\n" + block[j].output)
		}
		ran = append(ran, block)
	}
	if *writeFindings {
		err := disk.WriteFile(filepath.Join("..", "..", "docs", "findings.md"), func(w io.Writer) error {
			_, err := io.WriteString(w, out.String())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(strings.Split(page, "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("docs/findings.md is not what its commands print: run `go test ./cmd/loupe -run TestFindings -write` and read whether its text is still true (-page +printed):\n%s", diff)
	}
	if len(ran) != 6 {
		t.Fatalf("the page has %d blocks of commands, want 6", len(ran))
	}
	checkProbes(t, ran[1][0].output)
	checkSinks(t, ran[2][0].output)
	checkSilence(t, ran[3][6].output)
	checkFlaw(t, ran[4][1].output)
	checkFaithful(t, ran[5][0].output, ran[5][1].output)
}

// TestAnatomyCommands runs every command of docs/anatomy.md as it stands there, from what looks like the module's root.
func TestAnatomyCommands(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"docs", "runtime"} {
		path, err := filepath.Abs(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	shell := shellOf(t, dir)
	commands := 0
	for line := range strings.Lines(readPage(t, "anatomy.md")) {
		command, is := strings.CutPrefix(line, "    loupe ")
		if !is {
			continue
		}
		commands++
		if out, err := shell("loupe " + command).CombinedOutput(); err != nil {
			t.Errorf("loupe %s%v: %s", command, err, out)
		}
	}
	if commands < 10 {
		t.Errorf("the page has %d commands", commands)
	}
	for _, name := range []string{"step.npz", "head.png", "look.png", "contribution.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("the commands leave no %s: %v", name, err)
		}
	}
}

// parseConsole divides a block: a command begins with "$ ", goes on with "> ", and what it printed follows.
func parseConsole(text string) (c console) {
	for line := range strings.Lines(text) {
		if command, is := strings.CutPrefix(line, "$ "); is {
			c = append(c, struct{ command, output string }{command: strings.TrimSuffix(command, "\n")})
		} else if more, is := strings.CutPrefix(line, "> "); is {
			c[len(c)-1].command += "\n" + strings.TrimSuffix(more, "\n")
		}
	}
	return c
}

// trimLines leaves the spaces at the ends of lines away.
func trimLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}

// claim fails where a sentence of the page is not true of the numbers.
func claim(t *testing.T, holds bool, sentence string, numbers ...any) {
	t.Helper()
	if !holds {
		t.Errorf("docs/findings.md claims: %s. It does not hold: %v. Change the text, or find out why the model is another.", sentence, numbers)
	}
}

// table is numbers by the names of their line and column; columns are parted by two spaces or more.
type table map[string]map[string]float64

func readColumns(t *testing.T, text string) (rows table, names []string) {
	t.Helper()
	rows = table{}
	var columns []string
	for line := range strings.Lines(text) {
		var cells []string
		for _, c := range strings.Split(line, "  ") {
			if c = strings.TrimSpace(c); c != "" {
				cells = append(cells, c)
			}
		}
		if columns == nil {
			columns = cells
			continue
		}
		rows[cells[0]] = map[string]float64{}
		names = append(names, cells[0])
		for i, c := range cells[1:] {
			v, err := strconv.ParseFloat(c, 64)
			if err != nil {
				t.Fatalf("%q in %s", c, line)
			}
			rows[cells[0]][columns[i+1]] = v
		}
	}
	return rows, names
}

func checkProbes(t *testing.T, text string) {
	r, names := readColumns(t, text)
	first, second, last, merger := r["visual.patch_embed"], r["visual.blocks.1.out"], r["visual.blocks.3.out"], r["visual.merger"]
	best := map[string]float64{}
	for _, n := range names {
		for target, v := range r[n] {
			best[target] = max(best[target], v)
		}
	}
	claim(t, first["texture"] > 0.8, "texture is there before the first block", first["texture"])
	claim(t, first["color"] < 0.3 && best["color"] > 0.7, "color is not", first["color"], best["color"])
	for _, late := range []string{"originality", "content"} {
		claim(t, first[late] < 0.4 && last[late] > second[late]+0.05, late+" comes last", first[late], second[late], last[late])
	}
	claim(t, first["score"] < second["score"] && second["score"] < last["score"] && last["score"] < merger["score"], "the score can be read better after each half of the tower, and best after the merger", first["score"], second["score"], last["score"], merger["score"])
	early := r["model.layers.0.out, last token"]
	claim(t, early["score"] > 0.7, "the last token has the score from the first layer on", early["score"])

	for _, n := range names {
		claim(t, !strings.HasPrefix(n, "visual.") || r[n]["its column"] < 0.2, "in the vision tower a row tells hardly anything of its column", n, r[n]["its column"])
	}
	claim(t, last["off the middle"] > last["its column"]+0.03 && last["off the middle"] > first["off the middle"]+0.05, "and a little more of how far it lies off the middle", last, first)
	claim(t, last["its row"] > first["its row"]+0.1 && second["its row"] > first["its row"], "how far down it lies it comes to know, block by block", first["its row"], second["its row"], last["its row"])
	claim(t, merger["its row"] < last["its row"]+0.05 && merger["its column"] < last["its column"]+0.05 && merger["off the middle"] < last["off the middle"]+0.05, "the merger adds hardly anything to any of them", last, merger)
	decoded := r["model.layers.2.out"]
	claim(t, decoded["its row"] > merger["its row"]+0.1, "how far down a token lies can be read better after the decoder", merger["its row"], decoded["its row"])
	claim(t, decoded["its column"] < merger["its column"]+0.1, "its column no better than before", merger["its column"], decoded["its column"])
}

func checkSinks(t *testing.T, text string) {
	heads, heavy := 0, 0
	var agree, heaviest []float64 // of each head
	var rim, even []float64       // of each block's mean
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch { // block, head, share, %, even, %, where, times even, agree, %
		case len(f) < 8 || f[0] == "block":
		case f[1] == "mean":
			rim, even = append(rim, parsed(t, f[2])), append(even, parsed(t, f[4]))
		default:
			heads++
			heaviest = append(heaviest, parsed(t, f[len(f)-3]))
			agree = append(agree, parsed(t, f[len(f)-2])/100)
			if parsed(t, f[len(f)-3]) > 10 {
				heavy++
			}
		}
	}
	if heads != 24 || len(rim) != 4 {
		t.Fatalf("the table has %d heads and %d blocks", heads, len(rim))
	}
	claim(t, 2*heavy > heads, "in most heads one patch gets more than ten times an even look", heavy, heads)
	claim(t, slices.Max(agree) < 0.6 && slices.Min(agree) > 0.15 && slices.Min(agree) < 0.2, "by head a sixth to little more than a half agree", agree)
	claim(t, slices.Index(agree, slices.Max(agree)) == slices.Index(heaviest, slices.Max(heaviest)), "most of them in the head whose heaviest patch is the heaviest", agree, heaviest)
	claim(t, rim[0] < 1.2*even[0] && rim[3] > 1.2*even[3] && rim[3] > rim[0]+5, "the last block gives the rim clearly more, the first does not", rim, even)
}

// silenced is how well scores follow the painter's while a part of the model is silenced.
type silenced struct{ n, r, low, high, off, mean float64 }

func checkSilence(t *testing.T, text string) {
	of := map[string]silenced{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line) // name, n, pictures value 95 % interval, Pearson r, r, low, to, high, MAE, off, ..., MAE of the mean, mean
		at := slices.Index(f, "Pearson")
		mae := slices.Index(f, "MAE")
		base := len(f) - 4
		if at < 0 || mae < 0 || f[base-1] != "mean" {
			t.Fatalf("cannot read %q", line)
		}
		of[f[0]] = silenced{parsed(t, f[1]), parsed(t, f[at+2]), parsed(t, f[at+3]), parsed(t, f[at+5]), parsed(t, f[mae+1]), parsed(t, f[base])}
	}
	nothing, attentionZero, attentionMean, mlpZero, mlpMean := of["nothing"], of["attention-zero"], of["attention-mean"], of["mlp-zero"], of["mlp-mean"]
	if len(of) != 5 || nothing.n != 120 {
		t.Fatalf("%d runs of %v pictures, want 5 of 120: %s", len(of), nothing.n, text)
	}
	claim(t, nothing.r > 0.97 && nothing.off < 4, "the control follows the painter's", nothing)
	for _, a := range []silenced{attentionZero, attentionMean} {
		claim(t, a.low > 0.8 && a.high < nothing.low, "without what attention tells the scores still follow the painter's, if less closely", a, nothing)
	}
	claim(t, mlpZero.high < 0.6 && mlpZero.off > mlpZero.mean, "zeroed perceptrons leave next to nothing of the score", mlpZero)
	claim(t, mlpMean.low > mlpZero.high+0.2 && mlpMean.off < mlpMean.mean, "that is for the most part what zeroing does", mlpMean, mlpZero)
	claim(t, mlpMean.r < attentionMean.r-0.03 && mlpMean.low > 0.7, "at their mean the scores still follow, more loosely than without attention", mlpMean, attentionMean)
}

func checkFlaw(t *testing.T, text string) {
	var grid [][]float64
	for line := range strings.Lines(text) {
		var row []float64
		for _, f := range strings.Fields(line) {
			row = append(row, parsed(t, f))
		}
		grid = append(grid, row)
	}
	var sum, cells [4]float64
	for y, row := range grid {
		for x, v := range row {
			if 2*x+1 == len(row) || 2*y+1 == len(grid) {
				continue // a cell in the middle belongs to two quadrants
			}
			q := 2*(2*y/len(grid)) + 2*x/len(row)
			sum[q] += v
			cells[q]++
		}
	}
	for q := 1; q < 4; q++ {
		claim(t, sum[0]/cells[0] < sum[q]/cells[q], "the ruined quadrant adds the least", grid)
	}
}

func checkFaithful(t *testing.T, contribution, raw string) {
	margins := func(text string) (out []float64) {
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); f[len(f)-1] == "%" {
				out = append(out, parsed(t, f[len(f)-2]))
			}
		}
		if len(out) != 2 {
			t.Fatalf("%d margins in:\n%s", len(out), text)
		}
		return out
	}
	sum, look := margins(contribution), margins(raw)
	for i, what := range []string{"deletion", "insertion"} {
		claim(t, sum[i] > 3 && sum[i] > look[i], "the parts of the sum beat random orders, and raw attention, in "+what, sum[i], look[i])
	}
}

func parsed(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, ","), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
