package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/runtime/demo"
)

// pipes is a listener whose connections hold nothing back: who does not read stalls the writer at once.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p <- server
	return client
}

// whole is the form of a run, and its kind.
func whole(t *testing.T) (data []byte, kind string) {
	t.Helper()
	b, kind := form(t, askFor(""), demo.Picture())
	data, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return data, kind
}

// request sends POST /api/runs, the first bytes of a form of that length.
func request(t *testing.T, to io.Writer, data []byte, kind string, length int) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, length)
	if _, err := to.Write(append(head.Bytes(), data...)); err != nil {
		t.Error(err)
	}
}

// TestPatience: a reader that takes nothing, a form that does not come, and headers that do not, lose their place, and whoever comes
// next is answered.
func TestPatience(t *testing.T) {
	s := New(Options{Model: embedded(t), Patience: 300 * time.Millisecond})
	l := make(pipes)
	data, kind := whole(t)
	ctx := t.Context()
	go s.Serve(ctx, l, "")
	stalled := l.dial()
	defer stalled.Close()
	request(t, stalled, data, kind, len(data)) // and reads nothing of the answer
	for range mostUploads {
		slow := l.dial()
		defer slow.Close()
		request(t, slow, data[:100], kind, len(data))
	}
	loris := l.dial()
	defer loris.Close()
	if _, err := loris.Write([]byte("GET / HTTP/1.1\r\nHost: 127")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() {
		_, _ = io.Copy(io.Discard, loris)
		ended <- true
	}()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		second := l.dial()
		go request(t, second, data, kind, len(data))
		r, err := http.ReadResponse(bufio.NewReader(second), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		second.Close()
		if err == nil && r.StatusCode == http.StatusOK && strings.Contains(string(text), `"event":"done"`) {
			break
		}
		if r.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("status %d: %.300s, %v", r.StatusCode, text, err)
		}
	}
	select {
	case <-ended:
	case <-time.After(60 * time.Second):
		t.Error("a connection without a whole header stays open")
	}
}

// TestSlowForm: a form that stalls is told so.
func TestSlowForm(t *testing.T) {
	s := New(Options{Model: embedded(t), Patience: 200 * time.Millisecond})
	l := make(pipes)
	data, kind := whole(t)
	go s.Serve(t.Context(), l, "")
	slow := l.dial()
	defer slow.Close()
	go request(t, slow, data[:1000], kind, len(data))
	r, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "too slowly") {
		t.Errorf("status %d: %s", r.StatusCode, text)
	}
}

// TestBounds: what is too much is refused before it is looked at, by name, with the bound.
func TestBounds(t *testing.T) {
	c := newClient(t, Options{})
	edit := `{"tap": "model.layers.0.out", "op": "zero"}`
	for _, x := range []struct{ ask, says string }{
		{askFor(`, "system": "` + strings.Repeat("a", mostText+1) + `"`), "the system text has 65537 bytes"},
		{`{"model": "model", "max_tokens": 1, "question": "` + strings.Repeat("a", mostText+1) + `"}`, "the question has 65537 bytes"},
		{askFor(`, "interventions": [` + strings.Repeat(edit+",", mostEdits) + edit + `]`), "there are 257 edits"},
		{askFor(`, "interventions": [{"tap": "model.layers.0.out", "op": "zero", "rows": [` + strings.Repeat("0,", mostRows) + `0]}]`), "edit 1 names 65537 rows"},
		{askFor(`, "system": "` + strings.Repeat("a", mostAsk) + `"`), "more than 512 kB"},
		{askFor(`, "interventions": ` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000)), "lies too deep"},
	} {
		began := time.Now()
		wantError(t, c.body(c.post(x.ask, demo.Picture()), x.says, http.StatusBadRequest), x.says)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: refused after %v", x.says, took)
		}
	}
}
