package main

import (
	"strings"
	"testing"
	"time"
)

// TestProgress: not at a terminal, work says now and then where it is, and nothing once it is ended.
func TestProgress(t *testing.T) {
	p := &progress{what: "train", from: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	var said strings.Builder
	go p.tell(&said, 2*time.Millisecond)
	p.begin("eval", 8)
	p.at(2, 8)
	p.add()
	time.Sleep(100 * time.Millisecond)
	p.end()
	p.end()
	if text := said.String(); !strings.Contains(text, "eval: 3 of 8, 0s so far, about 0s left\n") {
		t.Errorf("it says %q", text)
	}
	for _, c := range []struct {
		of, done int
		spent    time.Duration
		want     string
	}{
		{0, 0, 31 * time.Second, "train: 31s so far"},
		{8, 0, 31 * time.Second, "train: 0 of 8, 31s so far"},
		{8, 2, 30 * time.Second, "train: 2 of 8, 30s so far, about 1m30s left"},
	} {
		p := &progress{what: "train", of: c.of, done: c.done, from: time.Now()}
		if got := p.line(p.from.Add(c.spent)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	var none *progress
	none.at(1, 2)
	none.end()
}
