package serve

import (
	"io"
	"net/http"
	"time"
)

// How long a reader may stall, and how slowly a form may arrive. A slower connection is closed, since others wait for it.
const (
	defaultPatience = 10 * time.Second
	slowest         = 64 << 10 // bytes a second, after the first patience
)

// writePiece is how many bytes a reader must take within the patience.
const writePiece = 64 << 10

// patient answers a request whose reader may stall. Each piece of the answer has a deadline of its own, however long the
// work before it takes.
func patient(next http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{w, http.NewResponseController(w), patience}
		p.renew()
		defer p.renew() // what is still buffered is written when the handler has ended
		next.ServeHTTP(p, r)
	})
}

type patientWriter struct {
	http.ResponseWriter
	conn     *http.ResponseController
	patience time.Duration
}

// renew begins the time for the next piece.
func (p *patientWriter) renew() {
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.patience)) // a writer without deadlines has no connection that could stall
}

// Unwrap lets http.ResponseController find the connection.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements io.Writer.
func (p *patientWriter) Write(data []byte) (n int, err error) {
	for {
		piece := data[n:min(n+writePiece, len(data))]
		p.renew()
		done, err := p.ResponseWriter.Write(piece)
		if n += done; err != nil || n == len(data) {
			return n, err
		}
	}
}

// body is a request's body that must arrive at a least rate: its deadline moves with the bytes read.
type body struct {
	io.ReadCloser
	conn     *http.ResponseController
	deadline time.Time
}

// newBody begins to wait for a request's body. done ends it, where the body was read.
func newBody(w http.ResponseWriter, r *http.Request, patience time.Duration) (b *body, done func()) {
	b = &body{r.Body, http.NewResponseController(w), time.Now().Add(patience)}
	return b, func() { _ = b.conn.SetReadDeadline(time.Time{}) }
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(b.deadline) // a reader without deadlines has no connection that could stall
	n, err := b.ReadCloser.Read(p)
	b.deadline = b.deadline.Add(time.Duration(n) * time.Second / slowest)
	return n, err
}
