package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// entry is one line of a vocabulary.
type entry struct {
	token string
	id    int
}

// fromVocabAndMerges reads the older pair of files, which have no added tokens
// and do not say how text is split.
func fromVocabAndMerges(fsys fs.FS) (*Tokenizer, error) {
	data, err := readFile(fsys, "vocab.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is neither tokenizer.json nor vocab.json; fetch one of them from the model's repository")
	}
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := unmarshal("vocab.json", data, &raw); err != nil {
		return nil, err
	}
	vocab, err := parseVocab(raw)
	if err != nil {
		return nil, fmt.Errorf("vocab.json: %w", err)
	}
	text, err := readFile(fsys, "merges.txt")
	if err != nil {
		return nil, fmt.Errorf("vocab.json needs merges.txt beside it: %w", err)
	}
	merges, err := parseMergesText(string(text))
	if err != nil {
		return nil, fmt.Errorf("merges.txt: %w", err)
	}
	t, err := newTokenizer(vocab, merges)
	if err != nil {
		return nil, fmt.Errorf("vocab.json, merges.txt: %w", err)
	}
	return t, nil
}

// parseMergesText reads merges.txt: a pair a line, after an optional version.
func parseMergesText(text string) ([][2]string, error) {
	merges := make([][2]string, 0, strings.Count(text, "\n")+1)
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimRight(s, "\r\n")
		if s == "" || line == 1 && strings.HasPrefix(s, "#version") {
			continue
		}
		m, ok := cutPair(s)
		if !ok {
			return nil, fmt.Errorf("line %d: %q is not two tokens with a space between", line, s)
		}
		merges = append(merges, m)
	}
	return merges, nil
}

func cutPair(s string) ([2]string, bool) {
	left, right, ok := strings.Cut(s, " ")
	return [2]string{left, right}, ok && left != "" && right != "" && !strings.Contains(right, " ")
}

// parseVocab reads {"token": id, ...}. raw is JSON already checked; reading
// 150 000 keys with encoding/json takes ten times as long.
func parseVocab(raw json.RawMessage) ([]entry, error) {
	s := scanner{text: string(raw)}
	if !s.accept('{') {
		return nil, errors.New("vocab is not an object of tokens with their ids")
	}
	vocab := make([]entry, 0, min(maxID, strings.Count(s.text, ":")))
	for !s.accept('}') {
		token, ok := s.str()
		if !ok || !s.accept(':') {
			return nil, fmt.Errorf("vocab, byte %d: no token", s.pos)
		}
		id, ok := s.number()
		if !ok {
			return nil, fmt.Errorf("vocab: the id of token %q is not a whole number", token)
		}
		vocab = append(vocab, entry{token, id})
		s.accept(',')
	}
	return vocab, nil
}

// parseMerges reads ["a b", ...] or [["a", "b"], ...], checked JSON as well.
func parseMerges(raw json.RawMessage) ([][2]string, error) {
	s := scanner{text: string(raw)}
	if !s.accept('[') {
		return nil, errors.New("merges is not a list")
	}
	merges := make([][2]string, 0, min(maxID, strings.Count(s.text, ",")))
	for !s.accept(']') {
		var m [2]string
		var ok bool
		if s.accept('[') {
			var okRight bool
			m[0], ok = s.str()
			s.accept(',')
			m[1], okRight = s.str()
			ok = ok && okRight && s.accept(']')
		} else if pair, isString := s.str(); isString {
			m, ok = cutPair(pair)
		}
		if !ok {
			return nil, fmt.Errorf("merges: entry %d is neither \"a b\" nor [\"a\", \"b\"]", len(merges))
		}
		merges = append(merges, m)
		s.accept(',')
	}
	return merges, nil
}

// scanner reads tokens of JSON that encoding/json has found valid. What it
// returns shares text's memory.
type scanner struct {
	text string
	pos  int
}

// accept skips white space, then c if it is next.
func (s *scanner) accept(c byte) bool {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\n' || s.text[s.pos] == '\t' || s.text[s.pos] == '\r') {
		s.pos++
	}
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) str() (string, bool) {
	if !s.accept('"') {
		return "", false
	}
	start, escaped := s.pos, false
	for ; s.pos < len(s.text) && s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			escaped = true
			s.pos++
		}
	}
	if s.pos >= len(s.text) {
		return "", false
	}
	s.pos++
	if !escaped {
		return s.text[start : s.pos-1], true
	}
	var v string
	err := json.Unmarshal([]byte(s.text[start-1:s.pos]), &v)
	return v, err == nil
}

func (s *scanner) number() (int, bool) {
	s.accept(0) // white space
	start := s.pos
	for s.pos < len(s.text) && (s.text[s.pos] == '-' || s.text[s.pos] >= '0' && s.text[s.pos] <= '9') {
		s.pos++
	}
	n, err := strconv.Atoi(s.text[start:s.pos])
	return n, err == nil && s.pos < len(s.text) && strings.IndexByte(",} \t\r\n", s.text[s.pos]) >= 0
}
