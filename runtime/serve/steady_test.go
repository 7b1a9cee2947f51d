package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/loupe-vl/loupe/runtime/demo"
)

// ran waits until a run has ended, and its map is drawn.
func (p *tab) ran(number int) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.getElementById("status").textContent.startsWith("Run %d took")`, number))
	p.settle()
}

// input puts a value into a field, as somebody who types does.
func (p *tab) input(selector, value string) {
	p.t.Helper()
	eval[any](p, `((e) => { e.value = `+strconv.Quote(value)+`; e.dispatchEvent(new Event("input", {bubbles: true})); return null; })(document.querySelector(`+strconv.Quote(selector)+`))`)
}

// TestRestart: a page that outlives a restart says so, and shows nothing of what either program made.
func TestRestart(t *testing.T) {
	o := Options{Model: embedded(t)}
	p := openStudio(t, o)
	p.drop()
	p.ran(1)
	first := p.studio.Load().runs.list()[0].id
	p.start(o)
	p.refused.Store(true)
	p.click("#run")
	p.until(`!document.getElementById("restarted").hidden`)
	if got := p.text("#restarted"); !strings.Contains(got, "started anew") {
		t.Errorf("the page says %q", got)
	}
	p.until(`document.getElementById("score").textContent === "–" && document.querySelectorAll("#runs button, #multiples [role=option], .token").length === 0`)
	p.until(`document.getElementById("caption").textContent === "" && document.getElementById("original").hidden`)
	if sum := eval[float64](p, `document.getElementById("seen").getContext("2d").getImageData(0, 0, 200, 200).data.reduce((a, b) => a + b, 0)`); sum != 0 {
		t.Error("the picture is still there")
	}
	if got := p.studio.Load().runs.list(); len(got) != 0 {
		t.Errorf("the new studio took %v of a page that was not its own", got)
	}
	if second := newRunID(p.studio.Load().nonce, 1); first == second {
		t.Errorf("two studios have the run %s", first)
	}
	p.click("#reload")
	p.until(`document.body?.dataset.ready && document.getElementById("restarted").hidden`)
	p.drop()
	p.ran(1)
}

// TestRestartUnasked: the page notices a restart without being asked anything.
func TestRestartUnasked(t *testing.T) {
	o := Options{Model: embedded(t)}
	p := openStudio(t, o)
	p.drop()
	p.ran(1)
	p.start(o)
	p.until(`!document.getElementById("restarted").hidden`)
}

// TestTenEdits: the run that edits are compared with outlives ten of them, until it is let go.
func TestTenEdits(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.input("#max-tokens", "2")
	p.drop()
	p.ran(1)
	p.click("#tab-edit")
	p.input("#edit [data-id=tap]", "visual.merger")
	for i := range 10 {
		p.input("#edit [data-id=factor]", strconv.Itoa(i+2))
		if i > 0 {
			p.click("#edit [data-id=clear]")
		}
		p.click("#edit [data-id=add]")
		p.click("#edit [data-id=go]")
		p.ran(i + 2)
		p.until(fmt.Sprintf(`document.querySelector("#edit [data-id=result] h3")?.textContent === "Run %d beside run 1"`, i+2))
	}
	if got := p.text("#runs"); !strings.Contains(got, "1 · held") {
		t.Errorf("the runs are %q, and the first is not held", got)
	}
	if got := len(p.studio.Load().runs.list()); got != defaultRuns {
		t.Errorf("%d runs are kept", got)
	}
	p.click("#edit [data-id=held] button")
	p.until(`!document.querySelector("#edit [data-id=held] button")`)
	if _, pinned := p.studio.Load().runs.names(); len(pinned) != 0 {
		t.Errorf("%v are held still", pinned)
	}
}

// TestLockedCell: a chosen cell, and what is shown of it, stays while the mouse moves.
func TestLockedCell(t *testing.T) {
	m := embedded(t)
	p := openStudio(t, Options{Model: m})
	p.drop()
	p.ran(1)
	p.click(`#multiples [aria-label^="layer 1, head 1,"]`)
	p.until(`document.getElementById("caption").textContent.includes("layer 1, head 1")`)
	grid := prompt(t, m).Images.Grids[0]
	rows, cols := float64(grid[1]/2), float64(grid[2]/2)
	p.clickCell(1, 2, rows, cols)
	const chosen = "who looked at the picture token in row 2, column 3"
	p.until(`document.getElementById("caption").textContent.includes("` + chosen + `")`)
	p.settle()
	before := p.text("#caption") + p.text("#token-note")
	box := eval[struct{ X, Y, Width, Height float64 }](p, `(({x, y, width, height}) => ({x, y, width, height}))(document.getElementById("seen").getBoundingClientRect())`)
	for cell := range 5 {
		p.do(chromedp.MouseEvent("mouseMoved", box.X+(float64(cell)+0.5)*box.Width/cols, box.Y+2.5*box.Height/rows))
		p.until(fmt.Sprintf(`document.getElementById("readout").textContent.startsWith("row 3, column %d")`, cell+1))
		p.settle()
		if now := p.text("#caption") + p.text("#token-note"); now != before {
			t.Fatalf("with the mouse on column %d the page shows %q, and not %q", cell+1, now, before)
		}
	}
	word := eval[struct{ X, Y float64 }](p, `((e) => { e.scrollIntoView({block: "center"}); const b = e.getBoundingClientRect(); return {x: b.x + 4, y: b.y + 8}; })(document.querySelector(".token:not(.special)"))`)
	p.do(chromedp.MouseEvent("mouseMoved", word.X, word.Y))
	p.settle()
	if now := p.text("#caption") + p.text("#token-note"); now != before {
		t.Errorf("with the mouse on a word the page shows %q, and not %q", now, before)
	}
}

// TestReload: after the page is loaded anew the run in view has its controls: what it was asked, and what is shown of it.
func TestReload(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.drop()
	p.ran(1)
	p.input("#question", "Is it night?")
	p.input("#max-tokens", "3")
	p.input("#system", "Be brief.")
	p.input("#seed", "7")
	p.click("#run")
	p.ran(2)
	p.input("#show", "attention")
	p.input("#layer", "0")
	p.input("#head", "2")
	p.until(`document.getElementById("caption").textContent.includes("layer 0, head 2")`)
	p.settle()
	controls := `["question", "max-tokens", "system", "seed", "temperature", "show", "tower", "layer", "head", "colors"].map((id) => document.getElementById(id).value).join(" | ") + document.getElementById("caption").textContent`
	before := eval[string](p, controls)
	p.do(chromedp.Reload())
	p.until(`document.body?.dataset.ready`)
	p.until(`document.getElementById("caption").textContent.includes("layer 0, head 2")`)
	if after := eval[string](p, controls); after != before {
		t.Errorf("after it was loaded anew the page has %q, and before %q", after, before)
	}
	p.click("#runs button:first-child")
	p.until(`document.getElementById("question").value === "Score this painting."`)
	p.click("#run")
	p.ran(3)
	if got := p.studio.Load().runs.list()[2].ask; got.Question != "Score this painting." || got.MaxTokens != 48 {
		t.Errorf("run 3 was asked %+v; the form is that of run 1", got)
	}
}

// TestStalled: somebody who takes none of an answer does not keep the page waiting.
func TestStalled(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t), Patience: 300 * time.Millisecond})
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(1)
	back, err := p.studio.Load().take(context.Background()) // so that the page's run waits behind the one that stalls
	if err != nil {
		t.Fatal(err)
	}
	body, kind := form(t, strings.Replace(askFor(""), `"max_tokens": 5`, `"max_tokens": 1024`, 1), demo.Picture())
	data := new(strings.Builder)
	if _, err := io.Copy(data, body); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, data.Len(), data)
	for len(p.studio.Load().uploads) == 0 {
		time.Sleep(time.Millisecond)
	}
	p.drop()
	back()
	p.until(`document.getElementById("status").textContent.startsWith("Run ") && document.getElementById("status").textContent.includes(" took ")`)
}

// TestFields: what a field holds is taken as it is meant, or refused in the page's words.
func TestFields(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.refused.Store(true)
	p.input("#max-tokens", "2")
	p.drop()
	p.ran(1)
	p.click("#tab-edit")
	p.input("#edit [data-id=tap]", "model.layers.1.out")
	count := func() int {
		return len(eval[[]any](p, `JSON.parse(document.querySelector("#edit [data-id=json]").value)`))
	}
	for _, c := range []struct{ field, value, want string }{
		{"#edit [data-id=rows]", "5,", "a comma with no number"},
		{"#edit [data-id=rows]", ",", "a comma with no number"},
		{"#edit [data-id=rows]", "5 6", "“5 6” is none"},
		{"#edit [data-id=rows]", "1.5", "“1.5” is none"},
		{"#edit [data-id=rows]", "0x10", "“0x10” is none"},
		{"#edit [data-id=rows]", "1e3", "“1e3” is none"},
		{"#edit [data-id=factor]", "", "The factor is empty"},
	} {
		p.input("#edit [data-id=rows]", "")
		p.input("#edit [data-id=factor]", "0.5")
		p.input(c.field, c.value)
		p.click("#edit [data-id=add]")
		p.until(`document.getElementById("error").textContent.includes(` + strconv.Quote(c.want) + `)`)
		if n := count(); n != 0 {
			t.Errorf("%q in %s makes %d edits", c.value, c.field, n)
		}
	}
	p.input("#edit [data-id=factor]", "0.5")
	p.input("#edit [data-id=rows]", " 5, -1 ")
	p.click("#edit [data-id=add]")
	if got, _ := json.Marshal(eval[any](p, `JSON.parse(document.querySelector("#edit [data-id=json]").value)`)); string(got) != `[{"op":"scale","rows":[5,-1],"scale":0.5,"tap":"model.layers.1.out"}]` {
		t.Errorf("the edit is %s", got)
	}
	eval[any](p, `((e) => { e.open = true; return null; })(document.querySelector("#edit details"))`)
	for text, want := range map[string]string{
		`[`:                              "no JSON",
		`{"tap": "x"}`:                   "no list",
		`[3]`:                            "Edit 1 is no object",
		`[{"op": "zero"}]`:               "names no tap",
		`[{"tap": "x", "op": "double"}]`: `has the op "double"`,
		`[{"tap": "x", "op": "zero", "rows": "one"}]`: "“rows” is no list of whole numbers",
		`[{"tap": "x", "op": "scale"}]`:               "needs a “scale”",
		`[{"tap": "x", "op": "add", "value": 3}]`:     "not the name of a direction",
		`[{"tap": "x", "op": "zero", "haed": 3}]`:     "“haed”, which no edit has",
		`[{"tap": "x", "op": "zero", "head": -1}]`:    "no whole number from 0",
	} {
		p.input("#edit [data-id=json]", text)
		p.click("#edit [data-id=use]")
		p.until(`document.getElementById("error").textContent.includes(` + strconv.Quote(want) + `)`)
	}
	p.input("#edit [data-id=json]", `[{"tap": "model.layers.77.out", "op": "zero"}]`)
	p.click("#edit [data-id=use]")
	p.click("#edit [data-id=go]")
	p.until(`document.getElementById("error").textContent.includes("matches no tap point")`)
	if text := p.error(); strings.Contains(text, "--") || strings.Contains(text, "loupe ") {
		t.Errorf("the page says %q", text)
	}
	for field, want := range map[string]string{"max-tokens": "number of tokens", "temperature": "temperature", "seed": "seed"} {
		before := eval[string](p, `document.getElementById("`+field+`").value`)
		p.input("#"+field, "")
		p.press("r")
		eval[any](p, `(document.activeElement.blur(), document.getElementById("ask").dispatchEvent(new Event("submit", {cancelable: true})), null)`)
		p.until(`document.getElementById("error").textContent.includes("` + want + `")`)
		p.input("#"+field, before)
	}
}
