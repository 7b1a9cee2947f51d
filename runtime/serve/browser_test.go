package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tab is a page of the studio in a headless browser.
type tab struct {
	t        *testing.T
	ctx      context.Context
	patience time.Duration // of until
	url      string
	studio   atomic.Pointer[Studio]
	handler  atomic.Pointer[http.Handler]
	// refused lets the browser's console complain of answers that are errors.
	refused atomic.Bool
}

// start serves a new studio where the one before it was.
func (p *tab) start(o Options) {
	s := New(o)
	h := s.Handler("")
	p.studio.Store(s)
	p.handler.Store(&h)
}

// openStudio opens the studio in the browser that LOUPE_CHROMIUM names. Anything that the browser's console complains of
// fails the test.
func openStudio(t *testing.T, o Options) *tab {
	t.Helper()
	program := os.Getenv("LOUPE_CHROMIUM")
	if program == "" {
		t.Skip("LOUPE_CHROMIUM does not name a Chromium to open the page with")
	}
	p := &tab{t: t, patience: 30 * time.Second}
	p.start(o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*p.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(cancel)
	p.ctx, p.url = ctx, server.URL
	console := chromedp.Console(ctx)
	p.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(server.URL))
	read := make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range console {
			if err != nil {
				return
			}
			if p.refused.Load() && strings.Contains(m.Text, "the server responded with a status of") {
				continue
			}
			if m.Type != "log" && m.Type != "debug" && m.Type != "info" {
				t.Errorf("the console says: %s: %s (%s:%d)", m.Type, m.Text, m.URL, m.Line+1)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-read
	})
	p.until(`document.body.dataset.ready || !document.getElementById("error").hidden`)
	if text := p.error(); text != "" {
		t.Fatalf("the page says %q", text)
	}
	return p
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("%v; the page says %q", err, p.error())
	}
}

// get is the value of an action.
func get[T any](p *tab, a chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, a)
	if err != nil {
		p.t.Fatalf("%v; the page says %q", err, p.error())
	}
	return value
}

// eval is the value of a JavaScript expression, which may await.
func eval[T any](p *tab, expression string) (value T) {
	p.t.Helper()
	text := get(p, chromedp.Evaluate[string]("(async () => JSON.stringify("+expression+"))()", chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		p.t.Fatalf("%s is %s: %v", expression, text, err)
	}
	return value
}

// error is what the page shows as an error; "" for nothing.
func (p *tab) error() string {
	text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.getElementById("error")?.hidden === false ? document.getElementById("error").textContent : ""`))
	return text
}

// until waits until an expression is true.
func (p *tab) until(expression string) {
	p.t.Helper()
	for began := time.Now(); time.Since(began) < p.patience; {
		if get(p, chromedp.Evaluate[bool]("Boolean("+expression+")")) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	p.t.Fatalf("it does not come to %s; the page says %q, and below the picture %q", expression, p.error(), p.text("#caption"))
}

// text is what an element shows.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, `document.querySelector(`+strconv.Quote(selector)+`).innerText`)
}

// settle waits until the page has drawn what it has.
func (p *tab) settle() {
	p.t.Helper()
	p.until(`!document.querySelector("[aria-busy=true]")`)
	eval[bool](p, `await new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true)), 150))`)
}

// shoot takes a picture of the whole page at both widths and in both themes, if LOUPE_SCREENSHOTS names a directory.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("LOUPE_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1920, 1280, 390} {
			p.do(chromedp.EmulateViewport(width, 900))
			p.theme(theme)
			p.settle()
			data := get(p, chromedp.FullScreenshot(100))
			file := filepath.Join(dir, name+"-"+theme+"-"+strconv.FormatInt(width, 10)+".png")
			if err := os.WriteFile(file, data, 0o666); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	p.do(chromedp.EmulateViewport(1280, 900))
	p.theme("auto")
}

func (p *tab) theme(name string) {
	p.t.Helper()
	eval[any](p, `(() => { const e = document.getElementById("theme"); e.value = "`+name+`"; e.dispatchEvent(new Event("input")); return null; })()`)
}

// viewport makes the page so wide.
func (p *tab) viewport(width int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, 900))
}
