package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// client asks a studio as its page would.
type client struct {
	t *testing.T
	*httptest.Server
	nonce string
}

func newClient(t *testing.T, o Options) client {
	t.Helper()
	if o.Model == nil {
		o.Model = embedded(t)
	}
	studio := New(o)
	s := httptest.NewServer(studio.Handler(""))
	t.Cleanup(s.Close)
	return client{t, s, studio.nonce}
}

// numbered is a run's number in a path or in JSON, where tests write it alone.
var numbered = regexp.MustCompile(`(/api/runs/|"(?:picture|from|to)": )([0-9]+)`)

// named puts the studio's nonce before the numbers of runs.
func (c client) named(text string) string {
	return numbered.ReplaceAllStringFunc(text, func(found string) string {
		m := numbered.FindStringSubmatch(found)
		if id := c.nonce + "-" + m[2]; strings.HasPrefix(m[1], "/") {
			return m[1] + id
		} else {
			return m[1] + strconv.Quote(id)
		}
	})
}

// get asks for a path and wants a status.
func (c client) get(path string, status int) []byte {
	c.t.Helper()
	r, err := http.Get(c.URL + c.named(path))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.body(r, path, status)
}

func (c client) body(r *http.Response, path string, status int) []byte {
	c.t.Helper()
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if r.StatusCode != status {
		c.t.Fatalf("%s: status %d, want %d: %.300s", path, r.StatusCode, status, data)
	}
	return data
}

// form is a request of POST /api/runs.
func form(t *testing.T, ask string, file []byte) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if ask != "" {
		must(w.WriteField("ask", ask))
	}
	if file != nil {
		part, err := w.CreateFormFile("picture", "a.png")
		must(err)
		_, err = part.Write(file)
		must(err)
	}
	must(w.Close())
	return &b, w.FormDataContentType()
}

func (c client) post(ask string, file []byte) *http.Response {
	c.t.Helper()
	body, kind := form(c.t, c.named(ask), file)
	r, err := http.Post(c.URL+"/api/runs", kind, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// run runs the model and returns the events.
func (c client) run(ask string, file []byte) []Event {
	c.t.Helper()
	data := c.body(c.post(ask, file), "POST /api/runs", http.StatusOK)
	var out []Event
	for line := range bytes.Lines(data) {
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
		out = append(out, e)
	}
	return out
}

// askFor is an Ask in JSON, with more keys.
func askFor(more string) string {
	return `{"model": "model", "question": "Score this painting.", "max_tokens": 5` + more + `}`
}

// prompt is what the studio makes of askFor("").
func prompt(t *testing.T, m *loupe.Model) *loupe.Prompt {
	t.Helper()
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(context.Background(), loupe.Ask("Score this painting.", img))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRun holds a run to what the model says without a studio, and the order of its events.
func TestRun(t *testing.T) {
	m := embedded(t)
	c := newClient(t, Options{Model: m})
	events := c.run(askFor(""), demo.Picture())
	a, err := m.Answer(context.Background(), prompt(t, m), loupe.Generation{MaxTokens: 5})
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for token, err := range a.Tokens() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, token.ID)
	}
	var names []string
	var got []int
	for _, e := range events {
		if len(names) == 0 || names[len(names)-1] != e.Name {
			names = append(names, e.Name)
		}
		if e.Token != nil {
			got = append(got, e.Token.ID)
		}
		if e.Score != nil && e.Score.Score != a.Score.Score {
			t.Errorf("score %v, want %v", e.Score.Score, a.Score.Score)
		}
		for i, of := range e.Maps {
			sum := of.Sum.Base
			for _, v := range of.Panels[0].Values {
				sum += v
			}
			if sum += of.Elsewhere; sum+of.Sum.Remainder != a.Score.Targets[i].Value {
				t.Errorf("the contributions to %s add up to %v, not to %v", of.Target, sum+of.Sum.Remainder, a.Score.Targets[i].Value)
			}
		}
	}
	if want := "prepared progress score contributions progress token done"; strings.Join(names, " ") != want {
		t.Errorf("events %v, want %s", names, want)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("tokens %v, want %v", got, ids)
	}
	last := events[len(events)-1].Done
	if last.Digest != a.LogitsDigest() {
		t.Errorf("the studio's logits are %s, and the model's %s: looking changed a bit", last.Digest, a.LogitsDigest())
	}
}

// TestAttention holds every view of both towers to the taps that it is made of, whether all is kept or nothing fits.
func TestAttention(t *testing.T) {
	m := embedded(t)
	p := prompt(t, m)
	const steps = 4
	taps := map[string]loupe.Tap{}
	if _, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"visual.blocks.1.attn.probs.0", "model.layers.2.self_attn.probs"}, Steps: steps}, func(tap loupe.Tap) error {
		taps[tap.Name] = tap
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n := len(p.IDs)
	for name, o := range map[string]Options{"kept": {}, "too large": {MaxCache: 1}} {
		t.Run(name, func(t *testing.T) {
			o.Model = m
			c := newClient(t, o)
			c.run(askFor(""), demo.Picture())
			// The patch in row 1, column 2 is, in the order of the model, the third of the second block.
			const patch, row = 1*10 + 2, 4 + 2
			for _, v := range []struct {
				query string
				want  func(h, i int) float32 // of head h, row i
			}{
				{"tower=vision&layer=1&query=12", func(h, i int) float32 { return at3(taps["visual.blocks.1.attn.probs.0"], h, row, i) }},
				{"tower=vision&layer=1&key=12", func(h, i int) float32 { return at3(taps["visual.blocks.1.attn.probs.0"], h, i, row) }},
			} {
				got := tensorsOf(t, c.get("/api/runs/1/attention?"+v.query, http.StatusOK))["attention"]
				for h := range m.Config.Vision.NumHeads {
					for i := range 80 {
						block, inside := i/4, i%4
						raster := (block/5*2+inside/2)*10 + block%5*2 + inside%2
						close16(t, v.query, got[h*80+raster], v.want(h, i))
					}
				}
			}
			step := taps["steps.3/model.layers.2.self_attn.probs"]
			got := tensorsOf(t, c.get("/api/runs/1/attention?tower=decoder&layer=2&query="+strconv.Itoa(n+2), http.StatusOK))["attention"]
			for h := range m.Config.Text.NumAttentionHeads {
				for i := range n + 3 {
					close16(t, "a generated token", got[h*(n+steps)+i], at3(step, h, 0, i))
				}
			}
			key := tensorsOf(t, c.get("/api/runs/1/attention?tower=decoder&layer=2&key=7", http.StatusOK))["attention"]
			close16(t, "the key's column", key[(n+steps)+n+2], at3(step, 1, 0, 7))
			close16(t, "the key's column", key[(n+steps)+9], at3(taps["model.layers.2.self_attn.probs"], 1, 9, 7))
		})
	}
}

func at3(t loupe.Tap, h, i, j int) float32 { return t.Data[(h*t.Shape[1]+i)*t.Shape[2]+j] }

// close16 compares with what float16 keeps of want.
func close16(t *testing.T, what string, got, want float32) {
	t.Helper()
	if math.Abs(float64(got-want)) > 1e-3*math.Abs(float64(want))+1e-7 {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// tensorsOf reads safetensors as float32.
func tensorsOf(t *testing.T, data []byte) map[string][]float32 {
	t.Helper()
	f, err := weights.NewFile("answer", data)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]float32{}
	for _, x := range f.Tensors() {
		if x.DType == weights.U8 {
			for _, b := range x.Data {
				out[x.Name] = append(out[x.Name], float32(b))
			}
			continue
		}
		if out[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestHeads holds the overview to the view that it is of: as fine as a byte is between the smallest and the largest value on the
// picture, whatever the text has.
func TestHeads(t *testing.T) {
	m := embedded(t)
	c := newClient(t, Options{Model: m})
	c.run(askFor(""), demo.Picture())
	p := prompt(t, m)
	place := "tower=decoder&layer=" + strconv.Itoa(decoder.layers(m)-1) + "&query=" + strconv.Itoa(len(p.IDs)-1)
	whole := tensorsOf(t, c.get("/api/runs/1/attention?"+place, http.StatusOK))["attention"]
	small := tensorsOf(t, c.get("/api/runs/1/heads?"+place, http.StatusOK))
	heads, from, count := decoder.heads(m), p.Images.At[0], len(p.Images.At)
	n := len(whole) / heads
	for h := range heads {
		row := whole[h*n+from:][:count]
		least, largest, share := small["least"][h], small["largest"][h], float32(0)
		for i, b := range small["attention"][h*count:][:count] {
			share += row[i]
			if got := least + b/255*(largest-least); math.Abs(float64(got-row[i])) > float64(largest-least)/500+1e-3*float64(row[i])+1e-7 {
				t.Fatalf("head %d, picture token %d: %v, want %v", h, i, got, row[i])
			}
		}
		close16(t, "the largest value", slices.Max(row), largest)
		close16(t, "the least value", slices.Min(row), least)
		if math.Abs(float64(share-small["share"][h])) > 1e-3 {
			t.Errorf("head %d has %v of its attention on the picture, and says %v", h, share, small["share"][h])
		}
	}
	mean := tensorsOf(t, c.get("/api/runs/1/heads?tower=vision&layer=0&query=mean", http.StatusOK))
	for h, share := range mean["share"] {
		if math.Abs(float64(share)-1) > 1e-3 {
			t.Errorf("head %d: the mean attention over the picture's patches adds up to %v", h, share)
		}
	}
}

// TestCachedOnly: a look in passing never runs the model.
func TestCachedOnly(t *testing.T) {
	c := newClient(t, Options{})
	c.run(askFor(""), demo.Picture())
	const path = "/api/runs/1/attention?tower=decoder&layer=0&query=5"
	c.get(path+"&cached=1", http.StatusNoContent)
	c.get(path, http.StatusOK)
	c.get(path+"&cached=1", http.StatusOK)
}

// TestLastRuns: no more runs are kept than may be.
func TestLastRuns(t *testing.T) {
	c := newClient(t, Options{MaxRuns: 2})
	c.run(askFor(""), demo.Picture())
	for range 2 {
		c.run(askFor(`, "picture": `+strconv.Itoa(lastRun(c))), nil)
	}
	var list []prepared
	if err := json.Unmarshal(c.get("/api/runs", http.StatusOK), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Number != 2 || list[1].Number != 3 {
		t.Errorf("kept %v", list)
	}
	c.get("/api/runs/1/seen.png", http.StatusNotFound)
	c.get("/api/runs/3/seen.png", http.StatusOK)
}

func lastRun(c client) int {
	var list []prepared
	if err := json.Unmarshal(c.get("/api/runs", http.StatusOK), &list); err != nil {
		c.t.Fatal(err)
	}
	return list[len(list)-1].Number
}

// TestGoingAway: a run ends when the browser that asked for it goes away, is not kept, and the next one can begin.
func TestGoingAway(t *testing.T) {
	c := newClient(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	body, kind := form(t, strings.Replace(askFor(""), `"max_tokens": 5`, `"max_tokens": 1024`, 1), demo.Picture())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/api/runs", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(r.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.Body.Close()
	c.run(askFor(""), demo.Picture())
	if text := string(c.get("/api/runs", http.StatusOK)); strings.Contains(text, `"number":1,`) {
		t.Errorf("the run that nobody waited for is kept: %.200s", text)
	}
}

// TestSeen: the picture that the model saw is the one that was given where it needs no resizing, and a page's picture of a huge
// one is no larger than a screen.
func TestSeen(t *testing.T) {
	c := newClient(t, Options{})
	c.run(askFor(""), demo.Picture())
	want, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"seen", "original"} {
		got, err := picture.Decode(context.Background(), c.get("/api/runs/1/"+name+".png", http.StatusOK), picture.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Width != want.Width || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s.png is another picture", name)
		}
	}
	if got := shrink(picture.Image{Width: 4096, Height: 20, Pix: make([]byte, 3*4096*20)}, 2048); got.Width != 2048 || got.Height != 10 {
		t.Errorf("4096 x 20 shrinks to %d x %d", got.Width, got.Height)
	}
}

// TestWaiting: so many runs may wait, and one more is told to come again.
func TestWaiting(t *testing.T) {
	s := New(Options{Model: embedded(t)})
	server := httptest.NewServer(s.Handler(""))
	defer server.Close()
	c := client{t, server, s.nonce}
	back, err := s.take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for range mostUploads {
		done.Go(func() { c.run(askFor(""), demo.Picture()) })
	}
	for len(s.uploads) < mostUploads {
		time.Sleep(time.Millisecond)
	}
	wantError(t, c.body(c.post(askFor(""), demo.Picture()), "one too many", http.StatusServiceUnavailable), "waiting already")
	back()
	done.Wait()
}
