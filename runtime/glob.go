package loupe

import (
	"fmt"
	"regexp"
	"strings"
)

// wildcards begin the parts of a pattern that stand for more than themselves.
const wildcards = "*?["

// compileGlob reads a pattern of tap names: * stands for any characters, dots too; ? for one character that is no dot; and
// [0-9] for one of those named, [!0-9] for one of the others.
func compileGlob(glob string) (func(name string) bool, error) {
	if !strings.ContainsAny(glob, "?[") {
		return func(name string) bool { return match(glob, name) }, nil
	}
	var re strings.Builder
	re.WriteString(`\A`)
	for rest := glob; rest != ""; {
		at := strings.IndexAny(rest, wildcards)
		if at < 0 {
			at = len(rest)
		}
		re.WriteString(regexp.QuoteMeta(rest[:at]))
		if rest = rest[at:]; rest == "" {
			break
		}
		switch rest[0] {
		case '*':
			re.WriteString(`.*`)
		case '?':
			re.WriteString(`[^.]`)
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 2 || rest[1:end] == "!" || rest[1:end] == "^" {
				return nil, fmt.Errorf("pattern %q: the [ at %q is not closed, or holds nothing; write [0-9] or [13]", glob, rest)
			}
			class := regexp.QuoteMeta(rest[1:end])
			class = strings.ReplaceAll(class, `\-`, "-")
			if not, ok := strings.CutPrefix(strings.TrimPrefix(class, `\`), "^"); ok || class[0] == '!' {
				class = "^" + strings.TrimPrefix(not, "!")
			}
			re.WriteString("[" + class + "]")
			rest = rest[end:]
		}
		rest = rest[1:]
	}
	re.WriteString(`\z`)
	compiled, err := regexp.Compile(re.String())
	if err != nil {
		return nil, fmt.Errorf("pattern %q: what stands between [ and ] cannot be read; write [0-9] or [13]", glob)
	}
	return compiled.MatchString, nil
}

// match reports whether name has the form of glob, in which * stands for any characters, dots too.
func match(glob, name string) bool {
	first, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == name
	}
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
}
