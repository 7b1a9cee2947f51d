package loupe

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"lm_head", "lm_head", true},
		{"lm_head", "lm_head2", false},
		{"*", "anything.at.all", true},
		{"model.layers.*.out", "model.layers.3.out", true},
		{"model.layers.*.out", "model.layers.3.self_attn.out", true},
		{"model.layers.*.out", "visual.blocks.3.out", false},
		{"*.probs*", "visual.blocks.0.attn.probs.2", true},
		{"*.probs*", "visual.blocks.0.attn.scores.2", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "acb", false},
		{"a*a", "a", false},
		{"", "", true},
		{"", "x", false},
	} {
		if got := match(c.glob, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.glob, c.name, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"model.layers.0.out", "model.layers.1.out", "lm_head", "visual.blocks.0.attn.probs.0"}
	for name, want := range map[string]string{
		"model.layer.1.out":   " (is it model.layers.1.out?)",
		"lmhead":              " (is it lm_head?)",
		"model.layers.99.out": " (is it model.layers.0.out?)",
		"something.else":      "",
		"model.layer.*.out":   "",
		"":                    "",
	} {
		if got := didYouMean(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

type fakeStream []string

func (s *fakeStream) Push(id int) string { return (*s)[id] }
func (s *fakeStream) Flush() string      { return "" }

func TestStopStrings(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string
		stop   []string
		want   string
		ends   bool
	}{
		{"none", []string{"ab", "cd"}, nil, "abcd", false},
		{"inside a piece", []string{"abSTOPcd"}, []string{"STOP"}, "ab", true},
		{"across pieces", []string{"abST", "OPcd"}, []string{"STOP"}, "ab", true},
		{"a beginning that does not go on", []string{"abST", "ART"}, []string{"STOP"}, "abSTART", false},
		{"the earliest of two", []string{"a.b;c"}, []string{";", "."}, "a", true},
		{"held at the end", []string{"abST"}, []string{"STOP"}, "abST", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream := fakeStream(c.pieces)
			s := newStopper(&stream, c.stop)
			text, ended := "", false
			for i := range c.pieces {
				piece, stopped := s.push(i)
				text += piece
				if stopped {
					ended = true
					break
				}
			}
			if !ended {
				text += s.flush()
			}
			if text != c.want || ended != c.ends {
				t.Errorf("got %q, ended %v; want %q, %v", text, ended, c.want, c.ends)
			}
		})
	}
}
