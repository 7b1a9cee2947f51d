package serve

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
)

// TestGuard: requests that a page of another site could make a browser send are refused.
func TestGuard(t *testing.T) {
	h := New(Options{Model: embedded(t)}).Handler("studio.example")
	for _, c := range []struct {
		name, method, path, host string
		header                   map[string]string
		status                   int
	}{
		{"the page", "GET", "/", "127.0.0.1:80", nil, 200},
		{"by name", "GET", "/", "localhost:80", nil, 200},
		{"by version 6", "GET", "/", "[::1]:80", nil, 200},
		{"by the chosen name", "GET", "/", "studio.example:80", nil, 200},
		{"by another name", "GET", "/", "evil.example:80", nil, 403},
		{"by another name, the API", "GET", "/api/model", "evil.example", nil, 403},
		{"its own script", "GET", "/api/model", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:80"}, 200},
		{"typed by hand", "GET", "/api/model", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "none"}, 200},
		{"another site's script", "GET", "/api/model", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port's script", "POST", "/api/runs", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"another origin", "POST", "/api/runs", "127.0.0.1:80", map[string]string{"Origin": "http://evil.example"}, 403},
		{"no origin that it tells", "POST", "/api/runs", "127.0.0.1:80", map[string]string{"Origin": "null"}, 403},
		{"a link to the page", "GET", "/", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		{"a picture of another site's page", "GET", "/api/runs/1/seen.png", "127.0.0.1:80", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %.200s", w.Code, c.status, w.Body)
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("the content policy is %q", csp)
			}
		})
	}
}

// TestBadRequests: what is wrong is said in one sentence, and nothing that can be sent is a panic.
func TestBadRequests(t *testing.T) {
	m := embedded(t)
	c := newClient(t, Options{Model: m, MaxBody: 1 << 20, MaxPixels: 100_000})
	layers := fmt.Sprintf("layers 0 to %d", vision.layers(m)-1)
	c.run(askFor(""), demo.Picture())
	wide := append([]byte(nil), demo.Picture()...)
	copy(wide[16:], []byte{0, 0, 0x40, 0}) // the PNG says that it is 16384 wide
	binary.BigEndian.PutUint32(wide[29:], crc32.ChecksumIEEE(wide[12:29]))
	for _, b := range []struct {
		name, ask string
		file      []byte
		want      string
	}{
		{"no ask", "", demo.Picture(), "no part `ask`"},
		{"no JSON", "{", demo.Picture(), "is no JSON, or ends early"},
		{"unknown key", askFor(`, "tokens": 3`), demo.Picture(), `a key "tokens", which is unknown`},
		{"no picture", askFor(""), nil, "there is no picture"},
		{"a run that is gone", askFor(`, "picture": 99`), nil, "run 99 is not kept"},
		{"no picture file", askFor(""), []byte("hello"), "picture"},
		{"truncated", askFor(""), demo.Picture()[:1000], "truncated"},
		{"too many pixels", askFor(""), wide, "more than the limit of 100000"},
		{"too many bytes", askFor(""), make([]byte, 2<<20), "larger than 1 MB"},
		{"no tokens", strings.Replace(askFor(""), `"max_tokens": 5`, `"max_tokens": 0`, 1), demo.Picture(), "give 1 to 1024"},
		{"too many tokens", strings.Replace(askFor(""), `"max_tokens": 5`, `"max_tokens": 2000`, 1), demo.Picture(), "at most 2000 tokens"},
		{"too hot", askFor(`, "temperature": -1`), demo.Picture(), "temperature"},
		{"another model", strings.Replace(askFor(""), `"model": "model"`, `"model": "base"`, 1), demo.Picture(), `no model "base"`},
		{"bad interventions", askFor(`, "interventions": {"tap": "x"}`), demo.Picture(), "must be a list"},
		{"unknown operation", askFor(`, "interventions": [{"tap": "model.norm", "op": "double"}]`), demo.Picture(), `op "double" is unknown`},
		{"unknown direction", askFor(`, "interventions": [{"tap": "model.norm", "op": "add", "value": "up"}]`), demo.Picture(), `no direction "up"`},
		{"half a token", strings.Replace(askFor(""), `"max_tokens": 5`, `"max_tokens": 1.5`, 1), demo.Picture(), "max_tokens is number 1.5; it must be a whole number"},
		{"a negative seed", askFor(`, "seed": -1`), demo.Picture(), "seed is number -1; it must be a whole number from 0"},
		{"a question that is none", strings.Replace(askFor(""), `"Score this painting."`, `7`, 1), demo.Picture(), "question is number; it must be a text"},
		{"edits in words", askFor(`, "interventions": [{"tap": "model.norm", "op": "zero", "rows": "one"}]`), demo.Picture(), "number 1: `rows` is a string; it must be a list of whole numbers"},
		{"an edit's value", askFor(`, "interventions": [{"tap": "model.norm", "op": "add", "value": 3}]`), demo.Picture(), "it must be the name of a direction"},
		{"too many edits", askFor(`, "interventions": [` + strings.Repeat(`{"tap": "model.norm", "op": "zero"},`, mostEdits) + `{"tap": "model.norm", "op": "zero"}]`), demo.Picture(), "at most 256"},
		{"endless question", strings.Replace(askFor(""), "Score this", strings.Repeat("x", mostText+1), 1), demo.Picture(), "at most 65536 are taken"},
		{"another start's run", askFor(`, "picture": "0123456789ab-1"`), nil, "before the studio was started anew"},
		{"long question", strings.Replace(askFor(""), "Score this", strings.Repeat("Score this ", 3000), 1), demo.Picture(), "context"},
	} {
		t.Run(b.name, func(t *testing.T) {
			wantError(t, c.body(c.post(b.ask, b.file), b.name, http.StatusBadRequest), b.want)
		})
	}
	for path, want := range map[string]string{
		"/api/runs/1/attention?tower=middle&layer=0&query=0":       "give vision or decoder",
		"/api/runs/1/attention?tower=vision&query=0":               layers,
		"/api/runs/1/attention?tower=vision&layer=99&query=0":      layers,
		"/api/runs/1/attention?tower=vision&layer=0":               "give query or key",
		"/api/runs/1/attention?tower=vision&layer=0&query=0&key=0": "give query or key",
		"/api/runs/1/attention?tower=vision&layer=0&query=80":      "rows 0 to 79",
		"/api/runs/1/attention?tower=vision&layer=0&query=-1":      "rows 0 to 79",
		"/api/runs/1/attention?tower=decoder&layer=one&query=0":    "layer is \"one\"",
		"/api/runs/1/heads?tower=decoder&layer=0&key=5000":         "rows 0 to",
		"/api/runs/1/map?method=guess":                             "unknown",
		"/api/runs/1/map?method=contribution&target=score:beauty":  "beauty",
		"/api/runs/1/map?method=rollout&query=many":                "query is \"many\"",
	} {
		wantError(t, c.get(path, http.StatusBadRequest), want)
	}
	wantError(t, c.get("/api/runs/1/values.safetensors", http.StatusNotFound), "no edit of run 1 has a value")
	for body, want := range map[string]string{
		`{`: "direction",
		`{"tap": "model.norm", "from": 1, "to": 2, "rows": "all"}`:                     "run 2 is not kept",
		`{"tap": "model.norm", "from": 1, "to": 1, "rows": "all"}`:                     "no direction from one to the other",
		`{"tap": "model.*", "from": 1, "to": 1, "rows": "all"}`:                        "names more than one",
		`{"tap": "model.nothing", "from": 1, "to": 1, "rows": "all"}`:                  "matches no tap point",
		`{"tap": "model.norm", "from": 1, "to": 1, "rows": "some"}`:                    "rows \"some\" is unknown",
		`{"tap": "visual.patch_embed", "from": 1, "to": 1, "rows": "text"}`:            "goes with a tap of the decoder",
		`{"tap": "model.layers.0.self_attn.probs", "from": 1, "to": 1, "rows": "all"}`: "needs a tap of rows",
	} {
		r, err := http.Post(c.URL+"/api/directions", "application/json", strings.NewReader(c.named(body)))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, c.body(r, body, http.StatusBadRequest), want)
	}
}

// wantError wants an answer to be an error of one sentence that says something.
func wantError(t *testing.T, data []byte, want string) {
	t.Helper()
	var e struct{ Error string }
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	for _, word := range []string{"json:", "Go ", "strconv", "--", "struct"} {
		if strings.Contains(e.Error, word) {
			t.Errorf("the error is %q: %q is none of the page's words", e.Error, word)
		}
	}
	if !strings.Contains(e.Error, want) || strings.ContainsAny(e.Error, "\n\t") || len(e.Error) > 400 {
		t.Errorf("the error is %q; want one sentence with %q", e.Error, want)
	}
}

// TestBadMultipart: a body that is no form, or ends early.
func TestBadMultipart(t *testing.T) {
	c := newClient(t, Options{})
	for _, body := range []string{"", "hello", "--x\r\nContent-Disposition: form-data; name=\"ask\"\r\n\r\n{"} {
		r, err := http.Post(c.URL+"/api/runs", "multipart/form-data; boundary=x", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		c.body(r, body, http.StatusBadRequest)
	}
	r, err := http.Post(c.URL+"/api/runs", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, c.body(r, "text", http.StatusBadRequest), "no multipart form")
}
