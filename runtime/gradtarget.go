package loupe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/tokenizer"
)

// gradForms says what a target may look like.
const gradForms = "score, score:NAME, logit, logit:TOKEN, logprob, logprob:TOKEN or diff:TOKEN,TOKEN, where TOKEN is an id or a quoted word as in logit:' red', and all but score may end in @POSITION"

// errWord is why a word is refused where there is no tokenizer to look it up.
var errWord = errors.New("a word needs the model's tokenizer; give the token's id")

// ParseGradTarget reads a target: "score", "score:color", "logit", "logit:17", "logprob:17@-2", "diff:17,4". Without a token it is
// the likeliest; without a position, the last. Where words is a model's tokenizer, a token may be a word in quotes, which must be
// exactly one: "diff:' red',' blue'". nil: ids alone.
func ParseGradTarget(s string, words *tokenizer.Tokenizer) (GradTarget, error) {
	return parseGrad(s, tokenOf(words))
}

// tokenOf finds the one token that a word is.
func tokenOf(words *tokenizer.Tokenizer) func(word string) (int, error) {
	if words == nil {
		return func(string) (int, error) { return 0, errWord }
	}
	return func(word string) (int, error) { return oneToken(words, word) }
}

func oneToken(words *tokenizer.Tokenizer, word string) (int, error) {
	ids, err := words.Encode(word)
	if err == nil && len(ids) != 1 {
		err = fmt.Errorf("it is %d tokens, %v; give the id of one", len(ids), ids)
	}
	if err != nil {
		return 0, fmt.Errorf("word %q: %w", word, err)
	}
	return ids[0], nil
}

func parseGrad(s string, word func(string) (int, error)) (GradTarget, error) {
	t, err := readGrad(s, word)
	if err != nil {
		err = fmt.Errorf("TraceOptions.Grad %s: %w", s, err)
	}
	return t, err
}

func readGrad(s string, word func(string) (int, error)) (t GradTarget, err error) {
	kind, rest, named := strings.Cut(s, ":")
	if kind == "score" {
		if named && rest == "" {
			return t, fmt.Errorf("score: names no target; give %s", gradForms)
		}
		return GradTarget{Score: true, Name: rest}, nil
	}
	if !named {
		var at bool
		if kind, rest, at = strings.Cut(s, "@"); at {
			rest = "@" + rest
		}
	}
	t.LogProb = kind == "logprob"
	switch kind {
	default:
		return t, fmt.Errorf("give %s", gradForms)
	case "logit", "logprob", "diff":
	}
	t.Token = -1
	if named || kind == "diff" {
		if t.Token, rest, err = readToken(rest, word); err != nil {
			return t, err
		}
	}
	if kind == "diff" {
		var minus int
		second, comma := strings.CutPrefix(rest, ",")
		if !comma {
			return t, fmt.Errorf("diff takes two tokens with a comma between; give %s", gradForms)
		}
		if minus, rest, err = readToken(second, word); err != nil {
			return t, err
		}
		if t.Minus = &minus; minus == t.Token {
			return t, fmt.Errorf("both tokens are %d, and their difference is 0 whatever happens; name two", minus)
		}
	}
	if at, has := strings.CutPrefix(rest, "@"); has {
		n, err := strconv.Atoi(at)
		if err != nil {
			return t, fmt.Errorf("@%s is no position; give a number, negative from the end of the prompt", at)
		}
		t.At, rest = &n, ""
	}
	if rest != "" {
		return t, fmt.Errorf("%q is left over; give %s", rest, gradForms)
	}
	return t, nil
}

// readToken reads an id or a quoted word at the beginning of s.
func readToken(s string, word func(string) (int, error)) (id int, rest string, err error) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return 0, "", fmt.Errorf("a quote is not closed")
		}
		id, err = word(s[1 : 1+end])
		return id, s[end+2:], err
	}
	end := strings.IndexAny(s, ",@")
	if end < 0 {
		end = len(s)
	}
	id, err = strconv.Atoi(s[:end])
	if err != nil || id < 0 {
		return 0, "", fmt.Errorf("%q is no token; give %s", s[:end], gradForms)
	}
	return id, s[end:], nil
}

// ParseAnswers reads two tokens, ids or where words is a model's tokenizer quoted words, with a comma between.
func ParseAnswers(s string, words *tokenizer.Tokenizer) (*[2]int, error) {
	t, err := readGrad("diff:"+s, tokenOf(words))
	if err == nil && t.At != nil {
		err = fmt.Errorf("a position does not go here")
	}
	if err != nil {
		return nil, fmt.Errorf("PatchOptions.Answers %s: %w", s, err)
	}
	return &[2]int{t.Token, *t.Minus}, nil
}
