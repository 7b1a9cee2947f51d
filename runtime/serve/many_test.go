package serve

import (
	"os"
	"strconv"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestManyHeads looks at all heads of a model of many, where LOUPE_STUDIO_HEADS names one: by pictures, if LOUPE_SCREENSHOTS names a
// directory for them.
func TestManyHeads(t *testing.T) {
	dir := os.Getenv("LOUPE_STUDIO_HEADS")
	if dir == "" {
		t.Skip("LOUPE_STUDIO_HEADS does not name the directory of a model of many heads")
	}
	m, err := loupe.Load(dir, loupe.Options{MaxPixels: 200704})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := openStudio(t, Options{Model: m})
	p.patience = 3 * time.Minute
	p.input("#max-tokens", "2")
	p.drop()
	p.ran(1)
	for _, tower := range []tower{decoder, vision} {
		p.input("#tower", string(tower))
		p.until(`document.querySelectorAll("#multiples [role=option]").length === ` + strconv.Itoa(tower.layers(m)*tower.heads(m)))
		p.settle()
		for _, width := range []string{"1920", "1280"} {
			n, _ := strconv.ParseInt(width, 10, 64)
			p.viewport(n)
			p.settle()
			least := eval[float64](p, `Math.min(...[...document.querySelectorAll("#multiples [role=option]")].map((b) => b.getBoundingClientRect().width))`)
			fits := eval[bool](p, `((b) => b.scrollWidth <= b.clientWidth)(document.getElementById("multiples"))`)
			names := eval[int](p, `document.querySelectorAll("#multiples .column, #multiples .line").length`)
			if least < 26 || !fits || names != tower.layers(m)+tower.heads(m) {
				t.Errorf("%s at %s: heads are %v wide, all in view: %v, %d names", tower, width, least, fits, names)
			}
		}
		eval[any](p, `(document.querySelector("#multiples [aria-label^='layer 3, head 5,']").onpointerenter(), null)`)
		p.until(`!document.getElementById("head-large").hidden`)
		p.settle()
		if got := eval[float64](p, `document.querySelector("#head-large canvas").clientWidth`); got < 300 {
			t.Errorf("the head that is pointed at is %v wide", got)
		}
		p.shoot("heads-" + string(tower))
		p.input("#show", "attention")
	}
}
