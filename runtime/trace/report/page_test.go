package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

func analyze(t *testing.T, name string, o AnalysisOptions) (*fixture.Case, *Analysis) {
	t.Helper()
	c := fixture.Open(t, committed, name, headDir)
	if o.Methods == nil && name == "image" {
		o.Methods = DefaultMethods(c.Model, attribution.Contribution)
	}
	a, err := Analyze(context.Background(), c.Model, c.Prompt, o)
	if err != nil {
		t.Fatal(err)
	}
	return c, a
}

// TestAttentionMaps: the bytes of a page are the probabilities of the taps, as near as bytes are, for the prompt and for the answer.
func TestAttentionMaps(t *testing.T) {
	const answer = 4
	c, a := analyze(t, "image_and_video", AnalysisOptions{Tokens: answer})
	cells := picturePositions(c.Prompt)
	byPosition := map[int]Token{}
	for _, token := range a.Tokens {
		byPosition[token.Position] = token
	}
	l := a.Attention
	checked := 0
	_, err := c.Model.Trace(context.Background(), c.Prompt, loupe.TraceOptions{Taps: []string{"model.layers.*.self_attn.probs"}, Steps: answer - 1}, func(x loupe.Tap) error {
		var layer, step int
		at := 0
		if _, err := fmt.Sscanf(x.Name, "steps.%d/model.layers.%d.self_attn.probs", &step, &layer); err == nil {
			at = len(c.Prompt.IDs) + step - 1
		} else if _, err := fmt.Sscanf(x.Name, "model.layers.%d.self_attn.probs", &layer); err != nil {
			return err
		}
		for q := range x.Shape[1] {
			token, ok := byPosition[at+q]
			if !ok || token.Look < 0 {
				continue
			}
			for k, head := range l.Heads[layer] {
				if head < 0 {
					continue
				}
				row := x.Data[(head*x.Shape[1]+q)*x.Shape[2]:]
				r := (layer*len(l.Heads[0])+k)*l.Queries + token.Look
				least, largest := float64(l.Least[r]), float64(l.Largest[r])
				for i, cell := range cells {
					got := least + float64(l.Values[r*len(cells)+i])/255*(largest-least)
					if math.Abs(got-float64(row[cell])) > (largest-least)/509 {
						t.Fatalf("%s: head %d, position %d, cell %d is %v, want %v", x.Name, head, at+q, i, got, row[cell])
					}
				}
				checked++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := l.Layers * l.All * l.Queries; checked != want {
		t.Errorf("%d rows were compared, and the page has %d", checked, want)
	}
}

func TestTokens(t *testing.T) {
	c, a := analyze(t, "image", AnalysisOptions{Tokens: 3})
	if n := len(c.Prompt.IDs) - a.Cells + 3; len(a.Tokens) != n {
		t.Errorf("%d tokens, want %d", len(a.Tokens), n)
	}
	first, last := c.Prompt.Images.At[0], a.Tokens[len(a.Tokens)-1]
	for _, token := range a.Tokens[:len(a.Tokens)-1] {
		if blind := token.Position < first; blind != (token.Look < 0) {
			t.Errorf("the token at %d, with pictures from %d on, has the row %d", token.Position, first, token.Look)
		}
	}
	if !last.Answer || last.Look != -1 {
		t.Errorf("the last token is %+v; nothing read it", last)
	}
}

// TestBudget: with little room the mean stays, then the heads that look at the pictures most, and then the last tokens.
func TestBudget(t *testing.T) {
	_, all := analyze(t, "image", AnalysisOptions{Tokens: 2})
	per := all.Attention.Layers * all.Attention.Queries * all.Cells
	_, some := analyze(t, "image", AnalysisOptions{Tokens: 2, Budget: 3 * per})
	if got := len(some.Attention.Heads[0]); got != 3 || some.Attention.Queries != all.Attention.Queries {
		t.Errorf("%d heads of %d looks in room for three", got, some.Attention.Queries)
	}
	for layer, heads := range some.Attention.Heads {
		for i, h := range heads {
			if h != all.Attention.Heads[layer][i] {
				t.Errorf("layer %d keeps %v of %v", layer, heads, all.Attention.Heads[layer])
			}
		}
	}
	_, few := analyze(t, "image", AnalysisOptions{Tokens: 2, Budget: per / 2})
	if got := len(few.Attention.Values); got > per/2 || few.Attention.Queries == 0 || few.Tokens[len(few.Tokens)-2].Look < 0 {
		t.Errorf("%d bytes of %d looks in room for %d", got, few.Attention.Queries, per/2)
	}
}

// TestPageOfLargePicture: a page of a picture of 1,024 tokens, seen by a model of the 2B's shape, stays below 30 MB even if no
// number of it can be packed.
func TestPageOfLargePicture(t *testing.T) {
	const layers, blocks, towerHeads, cells, looks = 28, 32, 16, 1024, 200
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	const budget = 15_000_000
	heads := budget / (layers * looks * cells)
	floats := make([]float32, layers*heads*looks)
	a := &Analysis{Model: "2b", Cells: cells, Patches: 4 * cells,
		Panels:    []Panel{{Kind: "image", Rows: 32, Cols: 32, Merge: 2, PNG: noise(3 * cells * 28 * 28)}},
		Attention: &AttentionMaps{Layers: layers, Queries: looks, Values: noise(budget), Least: floats, Largest: floats, Share: floats},
		Tower:     &TowerAttention{Blocks: blocks, Values: noise(blocks * (towerHeads + 1) * 4 * cells)},
		Words:     &Words{},
	}
	for range 4 {
		a.Maps = append(a.Maps, PageMap{Values: noise(4 * cells)})
	}
	for range cells {
		a.Words.Cells = append(a.Words.Cells, []int{10000, 10001, 10002, 10003, 10004, 10005, 10006})
	}
	text, err := HTML(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(len(text))/1e6)
	if len(text) > 30_000_000 {
		t.Errorf("%d bytes", len(text))
	}
}

// TestPageStandsAlone: nothing in the page points anywhere else, and what a token says cannot break out of it.
func TestPageStandsAlone(t *testing.T) {
	_, a := analyze(t, "image", AnalysisOptions{Tokens: 2})
	a.Tokens[0].Text, a.Model = "</script><script>alert(1)</script>", "<b>x"
	text, err := HTML(a)
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)(src|href)\s*=\s*["']([^"'{d]|d[^a])|https?://|[:\s]url\(|@import|fetch\(|XMLHttp`).Find(text); m != nil {
		t.Errorf("the page has %q", m)
	}
	if bytes.Contains(text, []byte("<script>alert")) || bytes.Contains(text, []byte("<b>x")) {
		t.Error("text became markup")
	}
}

// browser is a headless Chromium, or the test is skipped.
func browser(t *testing.T) string {
	for _, name := range []string{os.Getenv("LOUPE_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("no Chromium: the page's script is not run; name one with LOUPE_CHROMIUM")
	return ""
}

// drive is what the test does to the page, once it stands: what it finds becomes the title.
const drive = `<script>
addEventListener("error", (e) => { document.title = JSON.stringify({ error: e.message }); });
const waiting = setInterval(() => {
  if (!document.documentElement.dataset.ready) return;
  clearInterval(waiting);
  const press = (id, key) => $(id).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const found = { ready: document.documentElement.dataset.ready, view: $("view").selectedOptions[0].textContent, least: $("least").textContent, largest: $("largest").textContent };
  press("tokens", "ArrowLeft");
  found.look = state.look; found.viewThen = state.view;
  press("tokens", "ArrowUp"); press("tokens", "ArrowDown");
  found.layer = state.layer;
  press("panel-0", "ArrowDown"); press("panel-0", "ArrowDown"); press("panel-0", "ArrowRight");
  found.cell = state.cell;
  found.told = $("told").textContent;
  found.marked = [...document.querySelectorAll(".token")].filter((e) => e.style.background).length;
  found.heads = document.querySelectorAll("#heads button").length;
  document.querySelectorAll("#heads button")[1].click();
  found.head = state.head;
  found.value = current().at(state.cell);
  $("view").value = "tower"; $("view").onchange({ target: $("view") });
  found.tower = $("heads").children.length;
  const signed = data.maps.findIndex((m) => m.scale.signed);
  $("view").value = String(signed); $("view").onchange({ target: $("view") });
  const f = current();
  found.signed = signed;
  found.unit = $("unit").textContent;
  found.middle = f.at(127.5);
  found.cover = [cover(f, 0), cover(f, 127.5), cover(f, 255)];
  $("view").value = "tower"; $("view").onchange({ target: $("view") });
  press("panel-0", "Escape");
  found.free = state.cell === null;
  const box = $("panel-0").getBoundingClientRect();
  $("panel-0").dispatchEvent(new PointerEvent("pointermove", { clientX: box.right - 2, clientY: box.bottom - 2, bubbles: true }));
  found.hovered = $("told").textContent;
  const before = document.documentElement.dataset.theme; $("theme").click();
  found.theme = before !== document.documentElement.dataset.theme;
  document.title = JSON.stringify(found);
}, 20);
</script></body>`

// TestPageInBrowser runs the page's script: it draws, and every control that it has works by keys.
func TestPageInBrowser(t *testing.T) {
	chromium := browser(t)
	_, a := analyze(t, "image", AnalysisOptions{Tokens: 4})
	text, err := HTML(a)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, bytes.Replace(text, []byte("</body>"), []byte(drive), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr",
		"--virtual-time-budget=10000", "--dump-dom", "file://"+file)
	var said bytes.Buffer
	cmd.Stderr = &said
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if i := strings.Index(said.String(), "CONSOLE"); i >= 0 {
		t.Errorf("the console says %s", said.String()[i:min(len(said.String()), i+300)])
	}
	title := regexp.MustCompile(`<title>(.*?)</title>`).FindSubmatch(dom)
	if title == nil {
		t.Fatal("the page has no title")
	}
	var found struct {
		Error, Ready, View, Least, Largest, ViewThen, Told, Hovered string
		Look, Layer, Cell, Marked, Heads, Head, Tower               int
		Value                                                       float64
		Signed                                                      int
		Unit                                                        string
		Middle                                                      float64
		Cover                                                       []float64
		Free, Theme                                                 bool
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(title[1]))), &found); err != nil {
		t.Fatalf("%v in %s", err, title[1])
	}
	prompt := 0
	for _, token := range a.Tokens {
		if token.Look >= 0 && !token.Answer {
			prompt++
		}
	}
	m := a.Maps[0]
	switch {
	case found.Error != "" || found.Ready != "yes":
		t.Fatalf("the page says %q and is ready: %q", found.Error, found.Ready)
	case found.View != m.Name || found.Least != short(m.Scale.Least) || found.Largest != short(m.Scale.Largest):
		t.Errorf("it begins with %s from %s to %s, want %s from %v to %v", found.View, found.Least, found.Largest, m.Name, m.Scale.Least, m.Scale.Largest)
	case found.Look != prompt-2 || found.ViewThen != "attention":
		t.Errorf("left of the prompt's last token is token %d of %d, view %s", found.Look, prompt, found.ViewThen)
	case found.Layer != a.Attention.Layers-2:
		t.Errorf("up and down from the last layer is layer %d", found.Layer)
	case found.Cell != a.Panels[0].Cols+1:
		t.Errorf("a step down and one to the right from the corner is cell %d", found.Cell)
	case !strings.Contains(found.Told, "Row 2, column 2"):
		t.Errorf("it tells %q", found.Told)
	case found.Marked != a.Attention.Queries:
		t.Errorf("%d tokens show how much they look at the cell, want %d", found.Marked, a.Attention.Queries)
	case found.Heads != a.Attention.All+1 || found.Head != 1 || found.Tower != len(a.Tower.Heads):
		t.Errorf("%d heads, number %d pressed, %d in the tower", found.Heads, found.Head, found.Tower)
	case !strings.Contains(found.Hovered, fmt.Sprintf("Row %d, column %d", a.Panels[0].Rows, a.Panels[0].Cols)):
		t.Errorf("over the last cell it tells %q", found.Hovered)
	case found.Signed < 0 || a.Maps[found.Signed].Scale.Least != -a.Maps[found.Signed].Scale.Largest || found.Middle != 0 || !strings.Contains(found.Unit, "0 in the middle"):
		t.Errorf("map %d parts at %v, and its scale says %q", found.Signed, found.Middle, found.Unit)
	case !slices.Equal(found.Cover, []float64{1, 0, 1}):
		t.Errorf("the least, 0 and the largest cover %v of the picture", found.Cover)
	case !found.Free || !found.Theme:
		t.Errorf("escape lets go: %v; the theme changes: %v", found.Free, found.Theme)
	}
	l := a.Attention
	r := (found.Layer*len(l.Heads[0])+1)*l.Queries + found.Look
	want := float64(l.Least[r]) + float64(l.Values[r*a.Cells+found.Cell])/255*float64(l.Largest[r]-l.Least[r])
	if math.Abs(found.Value-want) > 1e-6*math.Abs(want) {
		t.Errorf("the page reads %v, want %v", found.Value, want)
	}
}

// short is a number as the page writes it, for those that it does not write with an exponent.
func short(v float64) string { return strings.Replace(figure.Number(v), "+", "", 1) }

func TestAnalyzeRefuses(t *testing.T) {
	c := fixture.Open(t, committed, "text", "")
	if _, err := Analyze(context.Background(), c.Model, c.Prompt, AnalysisOptions{}); err == nil || !strings.Contains(err.Error(), "Files.Images") {
		t.Errorf("error is %v", err)
	}
	if _, err := Analyze(context.Background(), c.Model, c.Prompt, AnalysisOptions{Tokens: -1}); err == nil {
		t.Error("-1 tokens were taken")
	}
	if _, err := HTML(&Analysis{Attention: &AttentionMaps{}, Tower: &TowerAttention{}, Panels: []Panel{{PNG: make([]byte, maxPage)}}}); err == nil || !strings.Contains(err.Error(), "Options.MaxPixels") {
		t.Errorf("error is %v", err)
	}
}
