package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
)

// client speaks to the hub.
type client struct {
	endpoint *url.URL
	token    string
	http     *http.Client
	pause    func(context.Context, time.Duration) error // between tries
}

const (
	defaultEndpoint = "https://huggingface.co"
	userAgent       = "loupe"
	tries           = 6                // of a request that gets nowhere
	silence         = 30 * time.Second // without a byte, after which a connection is given up
	maxJSON         = 64 << 20
	maxRedirects    = 5
)

// newClient reads HF_ENDPOINT and the token: HF_TOKEN, else the file of HF_TOKEN_PATH, else HF_HOME/token.
func newClient(getenv func(string) string) (*client, error) {
	text := strings.TrimRight(getenv("HF_ENDPOINT"), "/")
	if text == "" {
		text = defaultEndpoint
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("HF_ENDPOINT is %q, which is no address of a hub", text)
	}
	c := &client{endpoint: u, pause: sleep}
	if c.token, err = readToken(getenv); err != nil {
		return nil, err
	}
	c.http = &http.Client{
		// Each redirect is looked at here: the token goes to no other host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: silence, TLSHandshakeTimeout: silence, ForceAttemptHTTP2: true},
	}
	return c, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// tokenForm matches a token that may stand in a header.
var tokenForm = regexp.MustCompile(`^[\x21-\x7e]+$`)

func readToken(getenv func(string) string) (string, error) {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := strings.TrimSpace(getenv(name)); t != "" {
			return checkToken(name, t)
		}
	}
	path := getenv("HF_TOKEN_PATH")
	if path == "" {
		home, err := hfHome(getenv)
		if err != nil {
			return "", nil // without a home there is no token
		}
		path = home + "/token"
	}
	path = expand(path, getenv)
	data, err := disk.Read(path, 4096)
	if err != nil || strings.TrimSpace(string(data)) == "" {
		return "", nil
	}
	return checkToken(path, strings.TrimSpace(string(data)))
}

func checkToken(from, t string) (string, error) {
	if !tokenForm.MatchString(t) {
		return "", fmt.Errorf("%s holds no token: one is a word of letters and digits", from)
	}
	return t, nil
}

// HTTPError is an error status of the hub.
type HTTPError struct {
	Status int
	Code   string // the header X-Error-Code
	Text   string
}

// Error is what the hub said.
func (e *HTTPError) Error() string { return e.Text }

// do sends a request to the hub, follows its redirects, and retries errors that may pass: no connection, 429, 5xx. On
// success the caller closes the body.
func (c *client) do(ctx context.Context, method string, at *url.URL, header http.Header) (*http.Response, error) {
	var last error
	for try := range tries {
		if try > 0 {
			if err := c.pause(ctx, backoff(try, last)); err != nil {
				return nil, err
			}
		}
		resp, err := c.once(ctx, method, at, header)
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last = err
		var no *HTTPError
		if errors.As(err, &no) && no.Status != http.StatusTooManyRequests && no.Status < 500 {
			return nil, err
		}
		var refused *refusedRedirect
		if errors.As(err, &refused) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w (tried %d times)", last, tries)
}

// retryAfter is an error with the pause that the server asked for.
type retryAfter struct {
	*HTTPError
	wait time.Duration
}

func (r *retryAfter) Unwrap() error { return r.HTTPError }

// backoff is the wait before a retry.
func backoff(try int, last error) time.Duration {
	var r *retryAfter
	if errors.As(last, &r) && r.wait > 0 {
		return min(r.wait, time.Minute)
	}
	return min(time.Second<<(try-1), 8*time.Second)
}

// refusedRedirect is a redirect that is not followed.
type refusedRedirect struct{ text string }

func (e *refusedRedirect) Error() string { return e.text }

// once sends a request and follows its redirects. The token goes to the hub's own host only, and metadata must come from
// it.
func (c *client) once(ctx context.Context, method string, at *url.URL, header http.Header) (*http.Response, error) {
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
		if err != nil {
			return nil, err
		}
		for k, v := range header {
			req.Header[k] = v
		}
		req.Header.Set("User-Agent", userAgent)
		req.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of the bytes themselves
		if c.token != "" && at.Host == c.endpoint.Host && at.Scheme == c.endpoint.Scheme {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			return nil, fmt.Errorf("ask %s: %w", at.Host, withoutURL(err))
		}
		if resp.StatusCode < 300 {
			return resp, nil
		}
		location := resp.Header.Get("Location")
		if resp.StatusCode >= 400 || location == "" {
			defer resp.Body.Close()
			return nil, c.refusal(resp)
		}
		resp.Body.Close()
		next, err := at.Parse(location)
		if err != nil || next.Scheme != "https" && next.Scheme != at.Scheme {
			return nil, &refusedRedirect{fmt.Sprintf("%s sends us to %q, which is not followed: it is no safe address", at.Host, location)}
		}
		if next.Host != c.endpoint.Host && header.Get("Accept") == "application/json" {
			return nil, &refusedRedirect{fmt.Sprintf("%s sends us to the host %s for what it should say itself; set HF_ENDPOINT to the hub that is meant", at.Host, next.Host)}
		}
		at = next
	}
	return nil, &refusedRedirect{fmt.Sprintf("%s sends us on and on", c.endpoint.Host)}
}

// withoutURL is an error of net/http without the address, which may hold a signature.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// refusal is the error of an answer.
func (c *client) refusal(resp *http.Response) error {
	e := &HTTPError{Status: resp.StatusCode, Code: resp.Header.Get("X-Error-Code")}
	said := resp.Header.Get("X-Error-Message")
	if said == "" {
		said = resp.Status
	}
	e.Text = fmt.Sprintf("%s answers: %s", resp.Request.URL.Host, strings.Join(strings.Fields(said), " "))
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		return &retryAfter{e, time.Duration(s) * time.Second}
	}
	return e
}

// explain says what to do about the hub's answer.
func (c *client) explain(n Name, err error) error {
	var e *HTTPError
	if !errors.As(err, &e) {
		return err
	}
	page := c.endpoint.JoinPath(n.Repo).String()
	token := "set HF_TOKEN to one of your tokens"
	if c.token != "" {
		token = "the token that is set may not read it"
	}
	switch {
	case e.Code == "GatedRepo":
		return fmt.Errorf("it is gated: accept its license at %s, and %s", page, token)
	case e.Code == "RepoNotFound", e.Status == http.StatusUnauthorized, e.Status == http.StatusNotFound && e.Code == "":
		return fmt.Errorf("the hub has no such model, or a private one: check the name, and %s", token)
	case e.Code == "RevisionNotFound":
		return fmt.Errorf("it has no revision %q", n.Revision)
	case e.Code == "EntryNotFound":
		return fmt.Errorf("it lacks a file that it lists: %w", err)
	case e.Status == http.StatusForbidden:
		return fmt.Errorf("access is refused (%w): %s", err, token)
	}
	return err
}

// json asks the hub's API. more is the address of the next page, nil for none.
func (c *client) json(ctx context.Context, at *url.URL, to any) (more *url.URL, err error) {
	resp, err := c.do(ctx, http.MethodGet, at, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxJSON+1))
	if err == nil && len(data) > maxJSON {
		err = errors.New("its answer is too long")
	}
	if err == nil && disk.NotItself(data) != "" {
		err = errors.New("it answers with a web page, as a proxy or a page for logging in does: open it in a browser, or set HF_ENDPOINT and HTTPS_PROXY to what answers for the hub")
	}
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		return nil, fmt.Errorf("read what %s says of %s: %w", at.Host, at.Path, err)
	}
	for _, link := range resp.Header.Values("Link") {
		for _, part := range strings.Split(link, ",") {
			target, params, _ := strings.Cut(part, ";")
			if strings.Contains(params, `rel="next"`) {
				next, err := at.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
				if err != nil || next.Host != c.endpoint.Host {
					return nil, fmt.Errorf("%s sends us to %q for the rest of its list", at.Host, target)
				}
				return next, nil
			}
		}
	}
	return nil, nil
}

// lookUp is the commit that a revision is now.
func (c *client) lookUp(ctx context.Context, n Name) (string, error) {
	var model struct {
		SHA string `json:"sha"`
	}
	if _, err := c.json(ctx, c.endpoint.JoinPath("api", "models", n.Repo, "revision", url.PathEscape(n.Revision)), &model); err != nil {
		return "", err
	}
	if !commitForm.MatchString(model.SHA) {
		return "", fmt.Errorf("%s says that revision %s is %q, which is no commit", c.endpoint.Host, n.Revision, model.SHA)
	}
	return model.SHA, nil
}

// list is every file of a commit.
func (c *client) list(ctx context.Context, n Name, commit string) ([]entry, error) {
	at := c.endpoint.JoinPath("api", "models", n.Repo, "tree", commit)
	at.RawQuery = "recursive=true"
	var out []entry
	for pages := 0; at != nil; pages++ {
		if pages == 1000 {
			return nil, fmt.Errorf("the list of its files has no end")
		}
		var page []entry
		next, err := c.json(ctx, at, &page)
		if err != nil {
			return nil, err
		}
		out, at = append(out, page...), next
	}
	return out, nil
}
