package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
)

// Options say what a studio shows and how much memory it may use. A limit of 0 is its default.
type Options struct {
	Model *loupe.Model
	// Base is the model without its adapter, to compare with; nil where there is no adapter.
	Base *loupe.Model

	MaxBody   int64 // bytes of an upload: 64 MiB
	MaxPixels int   // width x height of a picture before it is resized: 100 million
	MaxRuns   int   // runs to keep: 8
	MaxCache  int64 // bytes of attention to keep: 1 GiB
	// Patience is how long a reader or the sender of a form may stall; 0: 10 s. A slower connection is closed.
	Patience time.Duration

	// Book, if set, records each run. A run that cannot be recorded is not answered, and edits are refused: a changed model
	// must not decide. Explain lists attributions that are kept with each run.
	Book    *audit.Book
	Explain []string
}

const (
	defaultBody   = 64 << 20
	defaultPixels = 100e6
	defaultRuns   = 8
	defaultCache  = 1 << 30
	mostUploads   = 4
)

// Studio is the state of a page that is served. It is safe for concurrent requests; the models must not be closed before it.
type Studio struct {
	o      Options
	nonce  string
	jobs   *jobs
	models map[string]*loupe.Model
	// recorders record the runs of models; nil where there is no book.
	recorders map[*loupe.Model]*audit.Recorder
	runs      *runs
	cache     *cache
	// turn holds one element: whoever takes it may compute.
	turn chan struct{}
	// uploads holds an element for each run that is being sent or waits, which bounds their memory.
	uploads chan struct{}
	// broken gets why a device can compute nothing more.
	broken chan error

	mu         sync.Mutex
	directions []direction
	named      int // directions made so far
}

// New is a studio for the models in o.
func New(o Options) *Studio {
	o.MaxBody = orElse(o.MaxBody, defaultBody)
	o.MaxPixels = orElse(o.MaxPixels, defaultPixels)
	o.MaxRuns = orElse(o.MaxRuns, defaultRuns)
	o.Patience = orElse(o.Patience, defaultPatience)
	o.MaxCache = orElse(o.MaxCache, defaultCache)
	s := &Studio{o: o, nonce: newNonce(), jobs: &jobs{by: map[string]*job{}}, models: map[string]*loupe.Model{"model": o.Model}, cache: newCache(o.MaxCache), turn: make(chan struct{}, 1), uploads: make(chan struct{}, mostUploads), broken: make(chan error, 1)}
	if o.Base != nil {
		s.models["base"] = o.Base
	}
	if o.Book != nil {
		s.recorders = map[*loupe.Model]*audit.Recorder{}
		for _, m := range s.models {
			s.recorders[m] = audit.NewRecorder(o.Book, m)
		}
	}
	s.runs = newRuns(s.nonce, o.MaxRuns, s.cache.drop)
	return s
}

func orElse[T int | int64 | time.Duration](n, otherwise T) T {
	if n > 0 {
		return n
	}
	return otherwise
}

// take waits for the turn to compute. The function that it returns gives the turn back.
func (s *Studio) take(ctx context.Context) (func(), error) {
	j := jobOf(ctx)
	j.turn(true)
	select {
	case s.turn <- struct{}{}:
		j.turn(false)
		return func() {
			s.checkDevices()
			<-s.turn
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// checkDevices ends the studio where a device has failed for good: whatever was asked from then on would fail as well. It is the turn of
// whoever calls it, so that nobody is computing.
func (s *Studio) checkDevices() {
	for _, m := range s.models {
		if err := m.RecoverDevice(); err != nil {
			select {
			case s.broken <- fmt.Errorf("the device can compute nothing more: %w", err):
			default: // it is said already
			}
		}
	}
}

// Serve answers on l until ctx ends, which ends running computations too: within a token. host is the name that the user
// chose to listen on, beside addresses and localhost; "" for none.
func (s *Studio) Serve(ctx context.Context, l net.Listener, host string) error {
	server := &http.Server{
		Handler:           s.Handler(host),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: s.o.Patience,
		MaxHeaderBytes:    64 << 10,
		IdleTimeout:       2 * time.Minute,
	}
	done := make(chan error, 1)
	go func() {
		var broken error
		select {
		case <-ctx.Done():
		case broken = <-s.broken:
		}
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := server.Shutdown(last)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		done <- cmp.Or(broken, err)
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
