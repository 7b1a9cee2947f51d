package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeHub speaks the hub's API and serves one repository, as badly as it is told to. Large files come from another host, as the hub's do.
type fakeHub struct {
	t       testing.TB
	hub     *httptest.Server
	cdn     *httptest.Server
	repo    string
	renamed string // the name that the repository has now; "": repo
	commit  string
	files   map[string][]byte
	large   map[string]bool // stored by LFS

	noRanges   bool
	dropEvery  int // bytes after which a connection is cut
	corrupt    int // how many answers have a changed byte
	gated      bool
	failures   int // answers of 503 before the first good one
	pageSize   int
	moveTo     string // the commit that main becomes after the list was read
	token      string // that is asked for
	mu         sync.Mutex
	gets       map[string]int // of each file
	bytes      int64
	strangers  []string // requests with a token at the other host
	page       bool     // a proxy answers for it
	sendAnyway bool     // metadata are redirected to the other host
}

func newFakeHub(t testing.TB, repo string, files map[string][]byte, large ...string) *fakeHub {
	h := &fakeHub{t: t, repo: repo, commit: strings.Repeat("ab12", 10), files: files, large: map[string]bool{}, gets: map[string]int{}, pageSize: 3}
	for _, name := range large {
		h.large[name] = true
	}
	h.cdn = httptest.NewServer(http.HandlerFunc(h.serveBytes))
	h.hub = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.cdn.Close)
	t.Cleanup(h.hub.Close)
	return h
}

func (h *fakeHub) etag(name string) string {
	data := h.files[name]
	if h.large[name] {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(sum[:])
}

func (h *fakeHub) no(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", text)
	w.WriteHeader(status)
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	fail := h.failures > 0
	if fail {
		h.failures--
	}
	h.mu.Unlock()
	if fail {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token {
		h.no(w, http.StatusUnauthorized, "RepoNotFound", "Repository not found")
		return
	}
	if h.page {
		_, _ = w.Write([]byte("<!DOCTYPE html><html>Sign in</html>"))
		return
	}
	path := r.URL.Path
	if h.renamed != "" && strings.Contains(path, h.repo) {
		http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), h.repo, h.renamed, 1), http.StatusTemporaryRedirect)
		return
	}
	repo := h.repo
	if h.renamed != "" {
		repo = h.renamed
	}
	switch {
	case h.sendAnyway && strings.HasPrefix(path, "/api/"):
		http.Redirect(w, r, h.cdn.URL+path, http.StatusTemporaryRedirect)
	case strings.HasPrefix(path, "/api/models/"+repo+"/revision/"):
		h.revision(w, strings.TrimPrefix(path, "/api/models/"+repo+"/revision/"))
	case strings.HasPrefix(path, "/api/models/"+repo+"/tree/"):
		h.tree(w, r)
	case strings.HasPrefix(path, "/"+repo+"/resolve/"):
		h.resolve(w, r, strings.TrimPrefix(path, "/"+repo+"/resolve/"))
	default:
		h.no(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	}
}

func (h *fakeHub) revision(w http.ResponseWriter, revision string) {
	if revision != "main" && revision != "v1/a" && revision != h.commit {
		h.no(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id")
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"sha": h.commit})
	if h.moveTo != "" {
		h.commit, h.moveTo = h.moveTo, ""
	}
}

func (h *fakeHub) tree(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for _, name := range sortedNames(h.files) {
		e := map[string]any{"type": "file", "path": name, "size": len(h.files[name]), "oid": strings.Repeat("0", 40)}
		if h.large[name] {
			e["lfs"] = map[string]any{"oid": h.etag(name), "size": len(h.files[name])}
		} else {
			e["oid"] = h.etag(name)
		}
		all = append(all, e)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	to := min(from+h.pageSize, len(all))
	if to < len(all) {
		next := *r.URL
		q := next.Query()
		q.Set("cursor", strconv.Itoa(to))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf("<%s%s>; rel=\"next\"", h.hub.URL, next.String()))
	}
	json.NewEncoder(w).Encode(all[from:to])
}

func (h *fakeHub) resolve(w http.ResponseWriter, r *http.Request, rest string) {
	_, name, _ := strings.Cut(rest, "/")
	if _, ok := h.files[name]; !ok {
		h.no(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	if h.gated {
		h.no(w, http.StatusForbidden, "GatedRepo", "Access to model is restricted")
		return
	}
	w.Header().Set("X-Repo-Commit", h.commit)
	w.Header().Set("ETag", `"`+h.etag(name)+`"`)
	if h.large[name] {
		w.Header().Set("X-Linked-Etag", `"`+h.etag(name)+`"`)
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(h.files[name])))
		http.Redirect(w, r, h.cdn.URL+"/"+url.PathEscape(name), http.StatusFound)
		return
	}
	h.send(w, r, name)
}

func (h *fakeHub) serveBytes(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		h.mu.Lock()
		h.strangers = append(h.strangers, r.URL.Path)
		h.mu.Unlock()
	}
	name, _ := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	h.send(w, r, name)
}

// send gives a file, or a range of it, and cuts the connection where it was told to.
func (h *fakeHub) send(w http.ResponseWriter, r *http.Request, name string) {
	data := h.files[name]
	from := 0
	if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !h.noRanges {
		from, _ = strconv.Atoi(strings.TrimSuffix(text, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	body := data[from:]
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodHead {
		return
	}
	h.mu.Lock()
	h.gets[name]++
	if h.corrupt > 0 && len(body) > 0 {
		h.corrupt--
		body = append([]byte(nil), body...)
		body[len(body)/2] ^= 1
	}
	cut := h.dropEvery > 0 && len(body) > h.dropEvery
	if cut {
		body = body[:h.dropEvery]
	}
	h.bytes += int64(len(body))
	h.mu.Unlock()
	w.Write(body)
	if cut {
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// cacheFor is an empty cache whose environment names the fake hub, and further variables.
func (h *fakeHub) cacheFor(dir string, more ...string) *Cache {
	env := map[string]string{"HF_ENDPOINT": h.hub.URL, "HF_HOME": dir, "HF_HUB_CACHE": dir + "/hub"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	c, err := cacheOf(func(name string) string { return env[name] })
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// quick is a pull that does not wait between tries.
func (c *Cache) quick(ctx context.Context, n Name, p Progress) (*Pulled, error) {
	client, err := newClient(c.getenv)
	if err != nil {
		return nil, err
	}
	client.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	out, err := c.pull(ctx, client, n, p)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", n, client.explain(n, err))
	}
	return out, nil
}
