package serve

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestLongWork: work that takes long tells how far it is and what is left, is not begun anew by another click, and can be stopped.
func TestLongWork(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.input("#max-tokens", "2")
	p.drop()
	p.ran(1)
	jobs := p.studio.Load().jobs
	jobs.mu.Lock()
	jobs.each = func() { time.Sleep(60 * time.Millisecond) } // or a fast machine is done before anybody looks
	jobs.mu.Unlock()
	var maps atomic.Int32
	inner := *p.handler.Load()
	var counted http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/map") {
			maps.Add(1)
		}
		inner.ServeHTTP(w, r)
	})
	p.handler.Store(&counted)
	p.input("#show", "integrated")
	p.until(`/\d+ of 33, .* left/.test(document.querySelector("#jobs .job")?.textContent)`)
	// Other clicks, the same choice once more, and a mouse that moves.
	for _, id := range []string{"#show", "#show", "#target"} {
		eval[any](p, `((e) => { e.dispatchEvent(new Event("input", {bubbles: true})); return null; })(document.querySelector("`+id+`"))`)
	}
	p.clickCellUnsettled()
	p.until(`document.querySelectorAll("#jobs .job").length === 1`)
	if n := maps.Load(); n != 1 {
		t.Errorf("the work was begun %d times", n)
	}
	eval[any](p, `(document.querySelector("#jobs .job button").click(), null)`)
	p.until(`!document.querySelector("#jobs .job") && !document.getElementById("again").hidden`)
	back, err := p.studio.Load().take(t.Context()) // the turn is free
	if err != nil {
		t.Fatal(err)
	}
	back()
	p.input("#alpha", "0.5")
	p.settle()
	if n := maps.Load(); n != 1 {
		t.Errorf("what was stopped was begun again unasked: %d times", n)
	}
	p.click("#again")
	p.until(`document.querySelector("#jobs .job") || document.getElementById("caption").textContent.startsWith("integrated")`)
	if n := maps.Load(); n != 2 {
		t.Errorf("asked for again, the work was begun %d times in all", n)
	}
	p.until(`document.getElementById("caption").textContent.startsWith("integrated")`)
	p.until(`document.getElementById("scale").getAttribute("aria-label").startsWith("diverging from −")`)
}

// TestSecondRun: a second click on Run while the same is under way does not begin it anew.
func TestSecondRun(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.drop()
	p.ran(1)
	back, err := p.studio.Load().take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		eval[any](p, `(document.getElementById("ask").requestSubmit(), null)`)
	}
	p.until(`document.getElementById("status").textContent.startsWith("Waiting")`)
	back()
	p.ran(2)
	if got := len(p.studio.Load().runs.list()); got != 2 {
		t.Errorf("%d runs", got)
	}
}

// clickCellUnsettled moves the mouse over the picture without waiting for the page.
func (p *tab) clickCellUnsettled() {
	p.t.Helper()
	eval[any](p, `((e) => {
		const b = e.getBoundingClientRect();
		for (const part of [0.1, 0.5, 0.9]) e.dispatchEvent(new PointerEvent("pointermove", {pointerType: "mouse", clientX: b.left + part * b.width, clientY: b.top + part * b.height}));
		return null;
	})(document.getElementById("seen"))`)
}

// TestContrast: in both themes every text stands out from what it lies on, as WCAG 2.1 asks for (4.5 to 1), the words that attention
// colors among them, and the numbers below the scale have the theme's ink.
func TestContrast(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t)})
	p.drop()
	p.ran(1)
	p.click(`.token:not(.special)`)
	p.until(`[...document.querySelectorAll(".token")].some((e) => Number(e.style.getPropertyValue("--weight")) > 0.8)`)
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.settle()
		for _, tab := range []string{"heads", "compare", "edit", "tour", "export"} {
			p.click("#tab-" + tab)
			p.settle()
			for _, bad := range eval[[]string](p, contrastScript) {
				t.Errorf("%s, %s: %s", theme, tab, bad)
			}
		}
		ink := eval[[]int](p, `((e) => {
			const c = new OffscreenCanvas(e.width, e.height).getContext("2d", {willReadFrequently: true}), found = [0, 0];
			c.drawImage(e, 0, 0);
			const data = c.getImageData(0, Math.round(e.height * 0.34), e.width, Math.round(e.height * 0.6)).data;
			for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) found[data[i] > 128 ? 1 : 0]++;
			return found;
		})(document.getElementById("scale"))`)
		if dark := theme == "dark"; ink[0]+ink[1] < 50 || dark != (ink[1] > ink[0]) {
			t.Errorf("%s: the scale has %v dark and bright pixels of writing", theme, ink)
		}
	}
}

// contrastScript lists the texts in view whose contrast is below 4.5.
const contrastScript = `(() => {
	const probe = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const over = (color, below) => {
		probe.fillStyle = "rgb(" + below.join(" ") + ")";
		probe.fillRect(0, 0, 1, 1);
		probe.fillStyle = color;
		probe.fillRect(0, 0, 1, 1);
		return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
	};
	const ground = (e) => (e ? over(getComputedStyle(e).backgroundColor, ground(e.parentElement)) : [255, 255, 255]);
	const light = (c) => c.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
	const bad = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest("script, style, template, option, [hidden], :disabled, .hidden-text, [aria-disabled=true]")) continue;
		const below = ground(e), text = over(getComputedStyle(e).color, below);
		const [a, b] = [light(below), light(text)].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) bad.add(e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 30) + ": " + ((a + 0.05) / (b + 0.05)).toFixed(2));
	}
	return [...bad];
})()`
