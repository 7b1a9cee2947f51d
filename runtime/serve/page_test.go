package serve

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestStudio is a person's way through the page: drop a picture, read the score, choose a token and a patch, take a head
// away, save what is on the screen, compare.
func TestStudio(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.watchDownloads()
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	if score := p.text("#score"); score == "–" || score == "" {
		t.Errorf("the score is %q", score)
	}
	if got := p.text("#caption"); !strings.Contains(got, "contribution") || !strings.Contains(got, "that no patch adds") {
		t.Errorf("below the picture stands %q, and nothing of contributions", got)
	}
	p.until(`document.querySelectorAll("#multiples button").length === 16`)
	p.shoot("first")

	p.click(`.token:not(.special)`)
	p.until(`document.getElementById("caption").textContent.includes("looked")`)
	p.until(`!document.getElementById("share").hidden`)
	p.clickCell(3, 4, 8, 10)
	p.until(`document.getElementById("caption").textContent.includes("who looked at the picture token in row 4, column 5")`)
	p.until(`document.getElementById("token-note").textContent.startsWith("How much each token looked")`)
	p.shoot("patch")

	p.click(`#multiples button:nth-of-type(6)`)
	p.until(`document.getElementById("caption").textContent.includes("layer 1, head 1")`)
	p.click("#tab-edit")
	p.click(`#edit [data-id=ablate]`)
	p.click(`#edit [data-id=go]`)
	p.until(`document.getElementById("status").textContent.startsWith("Run 2 took")`)
	p.until(`document.querySelector("#edit [data-id=result] tbody tr")`)
	p.shoot("edit")

	p.click("#tab-export")
	p.click(`#export [data-id=png]`)
	p.until(`window.saved.length === 1`)
	p.click(`#export [data-id=json]`)
	p.until(`window.saved.length === 2`)
	p.click("#tab-compare")
	p.until(`!document.querySelector("#compare [data-id=difference]").hidden`)
	p.shoot("compare")
	p.click("#tab-tour")
	p.until(`document.querySelectorAll("#tour .steps button").length === 9`)
	for range 3 {
		p.click("#tour .primary")
	}
	p.shoot("tour")
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

// click clicks in the middle of an element.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// clickCell clicks on a cell of the picture, which has rows and columns.
func (p *tab) clickCell(row, col, rows, cols float64) {
	p.t.Helper()
	p.do(chromedp.ScrollIntoView(chromedp.CSS("#seen")))
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
