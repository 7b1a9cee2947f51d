package serve

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestStudio is a person's way through the page: drop a picture, read the score, choose a token and a patch, take a head
// away, save what is on the screen, compare.
func TestStudio(t *testing.T) {
	m := embedded(t)
	p := openStudio(t, Options{Model: m})
	p.watchDownloads()
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	if score := p.text("#score"); score == "–" || score == "" {
		t.Errorf("the score is %q", score)
	}
	if got := p.text("#caption"); !strings.Contains(got, "contribution") || !strings.Contains(got, "that no patch adds") {
		t.Errorf("below the picture stands %q, and nothing of contributions", got)
	}
	p.until(`document.querySelectorAll("#multiples [role=option]").length === ` + strconv.Itoa(decoder.layers(m)*decoder.heads(m)))
	p.shoot("first")

	p.click(`.token:not(.special)`)
	p.until(`document.getElementById("caption").textContent.includes("looked")`)
	p.until(`!document.getElementById("share").hidden`)
	grid := prompt(t, m).Images.Grids[0]
	p.clickCell(1, 2, float64(grid[1]/2), float64(grid[2]/2))
	p.until(`document.getElementById("caption").textContent.includes("who looked at the picture token in row 2, column 3")`)
	p.until(`document.getElementById("token-note").textContent.startsWith("How much each token looked")`)
	p.shoot("patch")

	p.click(`#multiples [aria-label^="layer 1, head 1,"]`)
	p.until(`document.getElementById("caption").textContent.includes("layer 1, head 1")`)
	p.do(chromedp.SetValue(chromedp.CSS("#tower"), "vision"))
	eval[any](p, `(() => { document.getElementById("tower").dispatchEvent(new Event("input")); return null; })()`)
	p.until(`document.getElementById("caption").textContent.includes("vision layer 1, head 1")`)
	p.click("#tab-edit")
	p.click(`#edit [data-id=ablate]`)
	p.click(`#edit [data-id=go]`)
	p.until(`document.getElementById("status").textContent.startsWith("Run 2 took")`)
	p.until(`document.querySelector("#edit [data-id=result] tbody tr")`)
	if got := p.text("#edit tbody tr td:last-child"); got == "0" || got == "" {
		t.Errorf("without a head of the vision tower the score changes by %q", got)
	}
	p.shoot("edit")

	p.click("#tab-export")
	p.click(`#export [data-id=png]`)
	p.until(`window.saved.length === 1`)
	p.click(`#export [data-id=json]`)
	p.until(`window.saved.length === 2`)
	p.click(`#export [data-id=grid]`)
	p.until(`window.saved.length === 3`)
	p.checkSaved(grid[1], grid[2])
	p.click("#tab-compare")
	p.until(`!document.querySelector("#compare [data-id=difference]").hidden`)
	p.shoot("compare")
	p.click("#tab-tour")
	p.until(`document.querySelectorAll("#tour .steps button").length === 9`)
	for range 3 {
		p.click("#tour .primary")
	}
	p.until(`document.querySelector("#tour [aria-current=step]").textContent.includes("One head")`)
	p.click("#tour summary")
	p.shoot("tour")
}

// checkSaved looks into what was saved: the picture, the numbers and all heads.
func (p *tab) checkSaved(rows, cols int) {
	p.t.Helper()
	for _, i := range []string{"0", "2"} {
		size := eval[[2]int](p, `await createImageBitmap(window.saved[`+i+`]).then(({width, height}) => [width, height])`)
		if size[0] < 1000 || size[1] < 500 {
			p.t.Errorf("saved picture %s has %v pixels", i, size)
		}
	}
	out := eval[struct {
		Score struct{ Score float64 }
		Map   struct {
			Rows, Cols     int
			Least, Largest float64
			Values         []float64
		}
		Interventions []struct{ Tap, Op string }
	}](p, `JSON.parse(await window.saved[1].text())`)
	if len(out.Map.Values) != rows*cols || out.Map.Rows != rows || slices.Max(out.Map.Values) != out.Map.Largest || len(out.Interventions) != 1 || out.Interventions[0].Op != "zero" {
		p.t.Errorf("saved %d values, %d x %d, and the edits %v", len(out.Map.Values), out.Map.Rows, out.Map.Cols, out.Interventions)
	}
	if got := p.text("#score"); got != strconv.FormatFloat(out.Score.Score, 'f', 1, 64) {
		p.t.Errorf("saved the score %v, and the page shows %s", out.Score.Score, got)
	}
}

// TestModelAndBase compares a model with its base, and finds the runs again after the page is opened anew.
func TestModelAndBase(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t), Base: embedded(t)})
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	p.do(chromedp.SetValue(chromedp.CSS("#which-model"), "base"))
	p.click("#run")
	p.until(`document.getElementById("status").textContent.startsWith("Run 2 took")`)
	p.do(chromedp.Reload())
	p.until(`document.body.dataset.ready`)
	p.until(`document.querySelectorAll("#runs button").length === 2`)
	if got := p.text("#runs"); !strings.Contains(got, "base") {
		t.Errorf("the runs are %q, and none is of the base", got)
	}
	p.click("#tab-compare")
	p.until(`!document.querySelector("#compare [data-id=difference]").hidden`)
	p.until(`document.querySelector("#compare [data-id=difference] .scale").getAttribute("aria-label").includes("from 0 to 0")`)
}

// TestErrorsOnPage: what goes wrong is said on the page, in a sentence.
func TestErrorsOnPage(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.click("#run")
	p.until(`!document.getElementById("error").hidden`)
	if got := p.error(); !strings.Contains(got, "no picture yet") {
		t.Errorf("the page says %q", got)
	}
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	if got := p.error(); got != "" {
		t.Errorf("after a good run the page still says %q", got)
	}
	p.click("#tab-edit")
	p.do(chromedp.SetValue(chromedp.CSS(`#edit [data-id=rows]`), "one"))
	p.click(`#edit [data-id=add]`)
	p.until(`document.getElementById("error").textContent.includes("Rows are whole numbers")`)
}

// TestStudioLarge opens a model of real size, where LOUPE_STUDIO_MODEL names one: the page does not let it run unasked, and
// fetches a layer at a time.
func TestStudioLarge(t *testing.T) {
	dir := os.Getenv("LOUPE_STUDIO_MODEL")
	if dir == "" {
		t.Skip("LOUPE_STUDIO_MODEL does not name the directory of a model of real size")
	}
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := openStudio(t, Options{Model: m})
	p.patience = 10 * time.Minute
	p.do(chromedp.SetValue(chromedp.CSS("#max-tokens"), "4"))
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	t.Log(p.text("#status"))
	if eval[float64](p, `Number(document.getElementById("status").textContent.match(/took ([0-9.]+)/)[1])`) > 5 {
		p.until(`document.querySelector("#multiples button:not([role])")`)
		p.click("#multiples button:not([role])")
	}
	p.until(`document.querySelectorAll("#multiples [role=option]").length === ` + strconv.Itoa(decoder.layers(m)*decoder.heads(m)))
	p.click(`.token:last-of-type`)
	p.until(`document.getElementById("caption").textContent.includes("looked")`)
	p.shoot("large")
}

// watchDownloads notes what the page saves.
func (p *tab) watchDownloads() {
	p.t.Helper()
	eval[any](p, `(() => {
		window.saved = [];
		const make = URL.createObjectURL;
		URL.createObjectURL = (blob) => { window.saved.push(blob); return make(blob); };
		return null;
	})()`)
}

// click clicks in the middle of an element, once the page stands still.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.settle()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// clickCell clicks on a cell of the picture, which has rows and columns.
func (p *tab) clickCell(row, col, rows, cols float64) {
	p.t.Helper()
	p.do(chromedp.ScrollIntoView(chromedp.CSS("#seen")))
	p.settle()
	box := eval[struct{ X, Y, Width, Height float64 }](p, `(({x, y, width, height}) => ({x, y, width, height}))(document.getElementById("seen").getBoundingClientRect())`)
	p.do(chromedp.MouseClickXY(box.X+(col+0.5)*box.Width/cols, box.Y+(row+0.5)*box.Height/rows))
}

// drop drops the built-in picture on the page.
func (p *tab) drop() {
	p.t.Helper()
	eval[any](p, `await (async () => {
		const data = new DataTransfer();
		data.items.add(new File([await (await fetch("/api/sample")).blob()], "dropped.png", {type: "image/png"}));
		document.querySelector("main").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
		return null;
	})()`)
}

// TestNamedScore: the score box shows the target named score, wherever it stands. Without one it shows the first target, by its name.
func TestNamedScore(t *testing.T) {
	for _, c := range []struct {
		names []string // of the head's first targets
		shown int      // which of them is the score
		words string
	}{
		{[]string{"beauty"}, 0, "beauty, of 100"},
		{[]string{"beauty", "score"}, 1, "of 100"},
	} {
		m := embedded(t)
		for i, name := range c.names {
			m.Head.Config.Targets[i].Name = name
		}
		p := openStudio(t, Options{Model: m})
		p.drop()
		p.ran(1)
		s, err := m.Score(t.Context(), prompt(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.text("#score"), strconv.FormatFloat(s.Targets[c.shown].Clamped, 'f', 1, 64); got != want {
			t.Errorf("targets %v: the score is %s, want %s", c.names, got, want)
		}
		if got := p.text("#score-words"); !strings.HasPrefix(got, c.words) {
			t.Errorf("targets %v: beside the score stands %q, want %q", c.names, got, c.words)
		}
	}
}
