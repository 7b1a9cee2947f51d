package weights

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// pyPattern is a regular expression with the meaning that Python's re module gives it. PEFT matches the names of modules with
// such expressions, lookarounds and back references included, which Go's regexp does not have.
type pyPattern struct {
	text string
	re   *regexp2.Regexp
}

// pyTimeout bounds a match: names are short, and only an expression that backtracks without end takes as long. Tests make it shorter.
var pyTimeout = 2 * time.Second

// pyFullMatch is the expression of re.fullmatch(text, name).
func pyFullMatch(text string) (*pyPattern, error) { return pyCompile(text, `\A(?:`, `)\z`) }

// pyEmbedded is the expression of re.match(before + text + after, name): text is put in as it is, as PEFT does.
func pyEmbedded(before, text, after string) (*pyPattern, error) {
	if at := globalFlags.FindStringIndex(text); at != nil && before != "" {
		return nil, fmt.Errorf("pattern %.80q has flags %s, which Python allows only at the beginning of an expression; write (?i:...) in their place", text, text[at[0]:at[1]])
	}
	return pyCompile(text, `\A(?:`+before, after+`)`)
}

func pyCompile(text, before, after string) (*pyPattern, error) {
	translated, err := fromPython(text)
	if err == nil {
		var re *regexp2.Regexp
		if re, err = regexp2.Compile(before+translated+after, regexp2.None); err == nil {
			re.MatchTimeout = pyTimeout
			return &pyPattern{text, re}, nil
		}
		err = fmt.Errorf("it cannot be read (%s)", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil, fmt.Errorf("pattern %.80q: %w; write it so that Python's re and loupe read it alike", text, err)
}

// matches reports whether the name matches.
func (p *pyPattern) matches(name string) (bool, error) {
	ok, err := p.re.MatchString(name)
	if err != nil {
		return false, fmt.Errorf("pattern %.80q backtracks for longer than %v on %q; write it in a simpler way", p.text, pyTimeout, name)
	}
	return ok, nil
}

// globalFlags are flags for the whole expression: (?i).
var globalFlags = regexp.MustCompile(`\(\?[aiLmsux]+\)`)

// pyEscapes are the letters that Python knows after a backslash, and that regexp2 reads alike. Python refuses all others.
const pyEscapes = "AbBdDsSwWZafnrtvxu"

// fromPython rewrites an expression of Python's re for regexp2, which reads .NET's. What the two would read in two ways is an error.
func fromPython(text string) (string, error) {
	var out strings.Builder
	named, numbered := false, false
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case rest[0] == '\\':
			if len(rest) < 2 {
				return "", fmt.Errorf("it ends with a backslash")
			}
			c := rest[1]
			if isLetter(c) && !strings.ContainsRune(pyEscapes, rune(c)) {
				return "", fmt.Errorf(`the re of Python does not know \%c`, c)
			}
			numbered = numbered || c >= '1' && c <= '9'
			if c == 'Z' { // the very end for Python, and before a last line break too for .NET
				out.WriteString(`\z`)
			} else {
				out.WriteString(rest[:2])
			}
			i += 2
		case rest[0] == '[':
			n, err := pySet(rest)
			if err != nil {
				return "", err
			}
			out.WriteString(rest[:n])
			i += n
		case strings.HasPrefix(rest, "(?P<"):
			named = true
			out.WriteString("(?<")
			i += len("(?P<")
		case strings.HasPrefix(rest, "(?P="):
			name, _, closed := strings.Cut(rest[len("(?P="):], ")")
			if !closed {
				return "", fmt.Errorf("(?P= is not closed")
			}
			out.WriteString(`\k<` + name + `>`)
			i += len("(?P=") + len(name) + 1
		case strings.HasPrefix(rest, "(?<") && !strings.HasPrefix(rest, "(?<=") && !strings.HasPrefix(rest, "(?<!"), strings.HasPrefix(rest, "(?'"):
			return "", fmt.Errorf("in Python groups are named (?P<name>...), not %s", rest[:3])
		case strings.HasPrefix(rest, "{,"): // at most; for .NET these are letters
			out.WriteString("{0,")
			i += 2
		default:
			out.WriteByte(rest[0])
			i++
		}
	}
	if named && numbered {
		return "", fmt.Errorf("it has named groups and references by number, which count groups in two ways")
	}
	return out.String(), nil
}

// pySet is the length of the character set that text begins with. Sets that .NET reads in another way are errors.
func pySet(text string) (int, error) {
	i := 1
	if strings.HasPrefix(text[i:], "^") {
		i++
	}
	for first := i; i < len(text); i++ {
		switch {
		case text[i] == ']' && i > first:
			return i + 1, nil
		case text[i] == '\\' && i+1 < len(text):
			if c := text[i+1]; isLetter(c) && !strings.ContainsRune("bdDsSwWafnrtvxu", rune(c)) {
				return 0, fmt.Errorf(`the re of Python does not know \%c in a set`, c)
			}
			i++
		case text[i] == '[' && i > first-1: // a set within a set: .NET takes it away, and Python takes it for a character
			if i+1 < len(text) && text[i+1] == ':' || text[i-1] == '-' {
				return 0, fmt.Errorf("it has a set within a set")
			}
		}
	}
	return 0, fmt.Errorf("a set [ is not closed")
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
