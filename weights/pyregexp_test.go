package weights

import (
	"strings"
	"testing"
)

// TestPyFullMatch: what Python 3.11's re.fullmatch says of the same patterns and names.
func TestPyFullMatch(t *testing.T) {
	const q = "model.language_model.layers.1.self_attn.q_proj"
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{`.*q_proj`, q, true}, {`q_proj`, q, false}, {`.*q_proj|x`, q, true}, {`x|.*q_proj`, q, true},
		{`^(?!.*visual).*(q_proj|k_proj)$`, q, true}, {`^(?!.*language_model).*(q_proj|k_proj)$`, q, false},
		{`.*(?<=self_attn\.)q_proj`, q, true}, {`.*(?<!self_attn\.)q_proj`, q, false},
		{`.*layers\.(?P<n>\d)\..*`, q, true}, {`.*(?P<l>l)a.*(?P=l)f.*`, q, true}, {`.*(s)e.*\1.*`, q, false},
		{`.*layers\.\d{,2}\..*`, q, true}, {`.*layers\.\d{2,}\..*`, q, false}, {`(?i).*Q_PROJ`, q, true}, {`(?i:.*Q_)proj`, q, true},
		{`.*[[]?q_proj`, q, true}, {`.*[]q]_proj\Z`, q, true}, {`.*[^]x]_proj`, q, true}, {`(?>.*)q_proj`, q, false}, {``, q, false}, {``, "", true},
	} {
		p, err := pyFullMatch(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got, err := p.matches(c.name); err != nil || got != c.want {
			t.Errorf("%s on %s: %v, %v; want %v", c.pattern, c.name, got, err, c.want)
		}
	}
}

// TestPyRefused: what Python refuses, or what regexp2 would read in another way, is an error that holds the pattern.
func TestPyRefused(t *testing.T) {
	for _, pattern := range []string{`(`, `*a`, `[a`, `\p{L}`, `(?<n>a)`, `(?'n'a)`, `[a-z-[q]]`, `[[:alpha:]]`, `(?P<n>a)\1`, `a\`, `a**`, `\N{DIGIT ONE}`, `[\A]`, `(?P=n`} {
		if _, err := pyFullMatch(pattern); err == nil || !strings.Contains(err.Error(), "pattern") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if _, err := pyEmbedded(`(.*\.)?(`, `(?i)q_proj`, `)$`); err == nil {
		t.Error("flags in the middle of an expression are read, and Python refuses them")
	}
}

func FuzzPyPattern(f *testing.F) {
	f.Add(`(?!.*layers\.0\.).*q_proj`)
	f.Add(`[^]a]{,3}(?P<x>y)(?P=x)\Z`)
	f.Fuzz(func(t *testing.T, pattern string) {
		if len(pattern) > 40 || strings.Count(pattern, "*")+strings.Count(pattern, "+")+strings.Count(pattern, "{") > 2 {
			return // a pattern may backtrack up to the limit of time
		}
		if p, err := pyFullMatch(pattern); err == nil {
			_, _ = p.matches("model.layers.0.mlp.up_proj")
		}
	})
}
