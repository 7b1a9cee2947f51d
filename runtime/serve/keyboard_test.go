package serve

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press presses keys: letters, or those that package kb names.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// focus is the id of what has the focus, or else its role and words.
func (p *tab) focus() string {
	p.t.Helper()
	return eval[string](p, `(({id, tagName, textContent, dataset}) => id || dataset.id || (tagName === "BODY" ? "" : tagName + " " + textContent.trim().slice(0, 40)))(document.activeElement)`)
}

// TestKeyboard goes the whole way without a mouse.
func TestKeyboard(t *testing.T) {
	m := embedded(t)
	p := openStudio(t, Options{Model: m})
	p.watchDownloads()
	for p.focus() != "sample" {
		p.press(kb.Tab)
	}
	p.press(kb.Enter)
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	p.until(`document.querySelectorAll("#multiples [role=option]").length === ` + strconv.Itoa(decoder.layers(m)*decoder.heads(m)))

	for p.focus() != "order" {
		p.press(kb.Tab)
	}
	p.press(kb.ArrowDown) // by mean attention
	p.until(`(([...m]) => m.every((b, i) => i === 0 || m[i - 1].mine.mean >= b.mine.mean))(document.querySelectorAll("#multiples [role=option]"))`)
	p.press(kb.Tab, kb.Tab, kb.ArrowRight, kb.Enter)
	p.until(`document.querySelector("#multiples [role=option]:nth-child(2)").getAttribute("aria-selected") === "true"`)

	p.press("w", kb.ArrowRight, kb.ArrowRight, kb.ArrowDown, kb.Enter)
	p.until(`document.getElementById("caption").textContent.includes("looked")`)
	p.until(`document.querySelector(".token[aria-selected=true]")`)
	p.press(kb.Escape)
	p.until(`!document.querySelector(".token[aria-selected=true]")`)

	p.press("p")
	if p.focus() != "seen" {
		t.Fatalf("p goes to %q", p.focus())
	}
	p.press(kb.ArrowDown, kb.ArrowDown, kb.ArrowRight, kb.Enter)
	p.until(`document.getElementById("caption").textContent.includes("who looked at the picture token in row 2, column 2")`)
	for range decoder.layers(m) {
		p.press("[")
	}
	for range decoder.heads(m) {
		p.press(",")
	}
	p.press("]", ".", ".")
	p.until(`document.getElementById("caption").textContent.includes("decoder layer 1, head 1")`)
	p.press("v")
	p.until(`document.getElementById("caption").textContent.includes("vision layer 1, head 1: where all patches looked")`)
	p.press("p", kb.Home, kb.Enter)
	p.until(`document.getElementById("caption").textContent.includes("who looked at the patch in row 2, column 1") || document.getElementById("caption").textContent.includes("who looked at the patch in row 1, column 1")`)
	p.press("v", "g")
	p.until(`!document.getElementById("lines").checked`)

	p.press("3")
	if p.focus() != "tab-edit" {
		t.Fatalf("3 goes to %q", p.focus())
	}
	p.press(kb.Tab, kb.Enter) // Ablate the head in view
	for p.focus() != "go" {
		p.press(kb.Tab)
	}
	p.press(kb.Enter)
	p.until(`document.getElementById("status").textContent.startsWith("Run 2 took")`)
	p.until(`document.querySelector("#edit [data-id=result] tbody tr")`)

	p.press("5", kb.Tab, kb.Enter)
	p.until(`window.saved.length === 1`)
	p.press("2")
	p.until(`!document.querySelector("#compare [data-id=difference]").hidden`)
	p.press("4")
	p.until(`document.querySelectorAll("#tour .steps button").length === 9`)
	p.press("?")
	p.until(`document.getElementById("keys").open`)
	p.press(kb.Escape)
	p.until(`!document.getElementById("keys").open`)
}

// TestEveryControlByTab holds what Tab and the arrows reach to what there is, on every tab, and asks that each shows the focus
// and has a name.
func TestEveryControlByTab(t *testing.T) {
	p := openStudio(t, Options{Model: embedded(t), Base: embedded(t)})
	p.drop()
	p.until(`document.getElementById("status").textContent.startsWith("Run 1 took")`)
	eval[any](p, `(() => { document.querySelectorAll("details").forEach((d) => { d.open = true; }); return null; })()`)
	for _, name := range []string{"heads", "compare", "edit", "tour", "export"} {
		p.click("#tab-" + name)
		p.settle()
		all := eval[[]string](p, `[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
			.filter((e) => e.checkVisibility() && !e.disabled && !e.closest("dialog")).map((e, i) => {
				e.dataset.probe = i;
				const list = e.closest("[data-roving], [role=tablist]");
				return list ? "list " + (list.id || list.className) : String(i);
			})`)
		eval[any](p, `(() => { document.activeElement.blur(); window.scrollTo(0, 0); return null; })()`)
		var reached, hidden, nameless []string
		for range len(all) + 5 {
			p.press(kb.Tab)
			at := eval[struct {
				Key, What, Name string
				Shown           bool
			}](p, `(() => {
				const e = document.activeElement, list = e.closest("[data-roving], [role=tablist]"), s = getComputedStyle(e);
				const outlined = (x) => x && getComputedStyle(x).outlineStyle !== "none" && parseFloat(getComputedStyle(x).outlineWidth) > 0;
				return { key: list ? "list " + (list.id || list.className) : e.dataset.probe ?? "", what: e.outerHTML.slice(0, 80),
					name: e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.textContent).join(" ") || e.textContent.trim(),
					shown: outlined(e) || outlined(document.querySelector(".drop label.button")) };
			})()`)
			if at.Key == "" {
				continue
			}
			reached = append(reached, at.Key)
			if !at.Shown {
				hidden = append(hidden, at.What)
			}
			if at.Name == "" {
				nameless = append(nameless, at.What)
			}
		}
		for i, key := range all {
			if !slices.Contains(reached, key) {
				t.Errorf("%s: Tab does not reach %s", name, eval[string](p, `document.querySelector("[data-probe='`+strconv.Itoa(i)+`']").outerHTML.slice(0, 120)`))
			}
		}
		if len(hidden)+len(nameless) > 0 {
			t.Errorf("%s: these show no focus: %q; these have no name: %q", name, slices.Compact(hidden), slices.Compact(nameless))
		}
	}
	if text := p.error(); text != "" && !strings.Contains(text, "stopped") {
		t.Errorf("the page says %q", text)
	}
}
