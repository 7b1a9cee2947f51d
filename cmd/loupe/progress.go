package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often long work reports its progress without a terminal.
const progressEvery = 30 * time.Second

// progress shows the progress of long work on standard error: a bar on a terminal, and elsewhere a line every half minute, for
// logs. Work that ends sooner shows nothing there. Its methods may be called from any goroutine, and on nil.
type progress struct {
	mu       sync.Mutex
	what     string // is done, as in "eval"
	of       int    // 0: not known yet
	done     int
	from     time.Time
	bar      *progressbar.ProgressBar // nil: no terminal
	stop     chan struct{}
	stopped  chan struct{} // closed when nothing is written any more
	stopOnce sync.Once
}

// newProgress begins to show the progress of work of that many parts; 0: not known yet. The caller calls end.
func newProgress(what string, of int) *progress {
	p := &progress{what: what, of: of, from: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.bar = p.newBar()
		close(p.stopped)
		return p
	}
	go p.tell(stderr, progressEvery)
	return p
}

func (p *progress) newBar() *progressbar.ProgressBar {
	return progressbar.NewOptions(max(p.of, 1), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(p.what), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(p.of > 1), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true))
}

// tell writes a line now and then, until the work ends.
func (p *progress) tell(to io.Writer, every time.Duration) {
	defer close(p.stopped)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			fmt.Fprintln(to, p.line(time.Now()))
		}
	}
}

// line says how far the work is.
func (p *progress) line(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := now.Sub(p.from)
	switch {
	case p.of == 0:
		return fmt.Sprintf("%s: %v so far", p.what, spent.Round(time.Second))
	case p.done == 0:
		return fmt.Sprintf("%s: 0 of %d, %v so far", p.what, p.of, spent.Round(time.Second))
	}
	left := time.Duration(float64(spent) / float64(p.done) * float64(p.of-p.done))
	return fmt.Sprintf("%s: %d of %d, %v so far, about %v left", p.what, p.done, p.of, spent.Round(time.Second), left.Round(time.Second))
}

// at sets how many of how many parts are done.
func (p *progress) at(done, of int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && of != p.of {
		_ = p.bar.Clear() // a terminal that cannot be drawn on only looks worse, here and below
		p.of = of
		p.bar = p.newBar()
	}
	p.done, p.of = done, of
	if p.bar != nil {
		_ = p.bar.Set(done)
	}
}

// add counts one more part as done.
func (p *progress) add() {
	if p != nil {
		p.at(p.done+1, p.of)
	}
}

// begin starts another kind of work, with a new count.
func (p *progress) begin(what string, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.of, p.done, p.from = what, of, 0, time.Now()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = p.newBar()
	}
}

// name changes what the work is called.
func (p *progress) name(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
	if p.bar != nil {
		p.bar.Describe(what)
	}
}

// clear removes the bar, so that a line can be written.
func (p *progress) clear() {
	if p != nil && p.bar != nil {
		_ = p.bar.Clear()
	}
}

// end stops the progress display.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.stopOnce.Do(func() { close(p.stop) })
	<-p.stopped
	p.clear()
}
