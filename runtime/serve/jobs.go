package serve

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// jobHeader names a request, so that the page can ask for its progress.
const jobHeader = "Loupe-Job"

// job is the progress of a request.
type job struct {
	mu      sync.Mutex
	waiting bool
	began   time.Time // of the computing
	done    int
	of      int
	each    func() // after each part; nil for nothing
}

// progressed reports done of of parts.
func (j *job) progressed(done, of int) {
	if j == nil {
		return
	}
	j.mu.Lock()
	j.done, j.of = done, of
	j.mu.Unlock()
	if j.each != nil {
		j.each()
	}
}

// turn says whether the job waits for others, or its own turn has come.
func (j *job) turn(waiting bool) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting, j.began = waiting, time.Now()
}

// jobs are the requests that have a name and are not answered yet.
type jobs struct {
	mu   sync.Mutex
	by   map[string]*job
	each func() // of each job; tests make work last by it
}

type jobKey struct{}

// jobOf is the job that a request is; nil where it has no name.
func jobOf(ctx context.Context) *job {
	j, _ := ctx.Value(jobKey{}).(*job)
	return j
}

// follow keeps a job for each request that has a name.
func (s *jobs) follow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get(jobHeader)
		if name == "" {
			next.ServeHTTP(w, r)
			return
		}
		s.mu.Lock()
		j := &job{began: time.Now(), each: s.each}
		s.by[name] = j
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.by[name] == j {
				delete(s.by, name)
			}
		}()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), jobKey{}, j)))
	})
}

// told is a job as GET /api/jobs/NAME has it.
type told struct {
	Running bool    `json:"running"` // false: it has ended, or has not come yet
	Waiting bool    `json:"waiting"` // others are computing
	Done    int     `json:"done"`    // parts, of Of; 0 of 0 where that cannot be told
	Of      int     `json:"of"`
	Seconds float64 `json:"seconds"` // since its turn came, or since it waits
}

func (s *jobs) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	j := s.by[r.PathValue("job")]
	s.mu.Unlock()
	if j == nil {
		sendJSON(w, told{})
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	sendJSON(w, told{Running: true, Waiting: j.waiting, Done: j.done, Of: j.of, Seconds: time.Since(j.began).Seconds()})
}
