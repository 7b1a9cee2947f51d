package loupe

import "strings"

// stopper turns tokens into text and holds back what may be the beginning of a stop string.
type stopper struct {
	stream interface {
		Push(id int) string
		Flush() string
	}
	stop []string
	held string
}

func newStopper(stream interface {
	Push(id int) string
	Flush() string
}, stop []string) *stopper {
	return &stopper{stream: stream, stop: stop}
}

// push returns the text that is certain after id, and whether a stop string appeared: the text before it is then all.
func (s *stopper) push(id int) (text string, stopped bool) {
	s.held += s.stream.Push(id)
	for _, stop := range s.stop {
		if before, _, found := strings.Cut(s.held, stop); found && (!stopped || len(before) < len(text)) {
			text, stopped = before, true
		}
	}
	if stopped {
		return text, true
	}
	keep := 0
	for _, stop := range s.stop {
		for n := min(len(stop)-1, len(s.held)); n > keep; n-- {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = n
			}
		}
	}
	text, s.held = s.held[:len(s.held)-keep], s.held[len(s.held)-keep:]
	return text, false
}

// flush returns what was held back.
func (s *stopper) flush() string {
	text := s.held + s.stream.Flush()
	s.held = ""
	return text
}
