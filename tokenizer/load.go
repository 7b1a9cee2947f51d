package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/nlpodyssey/gotokenizers/models/bpemodel"
)

const (
	// maxFile bounds the files that are read; the published tokenizer.json has 7 MB.
	maxFile = 64 << 20
	// maxValues bounds the values of a file; the published tokenizer.json has 0.9 million.
	maxValues = 4 << 20
	// maxID bounds ids, since tables are as long as the largest.
	maxID = 1 << 20
)

// Load is LoadFS of the directory dir.
func Load(dir string) (*Tokenizer, error) {
	t, err := LoadFS(disk.FS(dir))
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer of %s: %w", dir, err)
	}
	return t, nil
}

// LoadFS reads the tokenizer of a checkpoint: tokenizer.json, or vocab.json and merges.txt where there is none, and the
// added tokens of tokenizer_config.json, which the published tokenizer.json has only in part; without added_tokens_decoder
// there, those of added_tokens.json. Last come the special tokens that tokenizer_config.json names or lists, as in version
// 5. Files that ask for another tokenization than Qwen2's are an error. So is an id with two tokens, or a token with two
// ids.
func LoadFS(fsys fs.FS) (*Tokenizer, error) {
	config, err := readConfig(fsys)
	if err != nil {
		return nil, err
	}
	var t *Tokenizer
	data, err := readFile(fsys, "tokenizer.json")
	switch {
	case err == nil:
		t, err = fromTokenizerJSON(data)
	case errors.Is(err, fs.ErrNotExist):
		t, err = fromVocabAndMerges(fsys)
	}
	if err != nil {
		return nil, err
	}
	if config.AddedTokensDecoder == nil {
		if err := config.mergeMap(fsys); err != nil {
			return nil, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(config.AddedTokensDecoder)) {
		id, err := strconv.Atoi(key)
		if err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: added_tokens_decoder: %q is not an id", key)
		}
		if err := t.addToken(id, config.AddedTokensDecoder[key]); err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: added_tokens_decoder: %w", err)
		}
	}
	if err := t.checkListed(config); err != nil {
		return nil, err
	}
	specials, err := t.specials(config)
	if err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	if config.AddedTokensDecoder == nil {
		if err := t.addLegacy(fsys, specials); err != nil {
			return nil, err
		}
	}
	if err := t.addSpecials(specials); err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	t.index()
	return t, nil
}

// tokenizerConfig is what tokenizer_config.json says about tokenization.
type tokenizerConfig struct {
	AddedTokensDecoder map[string]addedToken `json:"added_tokens_decoder"`
	TokenizerClass     string                `json:"tokenizer_class"`
	AddPrefixSpace     bool                  `json:"add_prefix_space"`
	SplitSpecialTokens bool                  `json:"split_special_tokens"`

	all   map[string]json.RawMessage // every key
	order []string                   // the keys as the file has them: new tokens get their ids in this order
}

// readConfig reads tokenizer_config.json; without the file there is nothing to
// add.
func readConfig(fsys fs.FS) (tokenizerConfig, error) {
	const name = "tokenizer_config.json"
	var c tokenizerConfig
	data, err := readFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := unmarshal(name, data, &c); err != nil {
		return c, err
	}
	if err := unmarshal(name, data, &c.all); err != nil {
		return c, err
	}
	c.order = keysInOrder(data)
	switch c.TokenizerClass {
	case "", "Qwen2Tokenizer", "Qwen2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend":
	default:
		return c, fmt.Errorf("%s: tokenizer_class is %q; only Qwen2Tokenizer is implemented", name, c.TokenizerClass)
	}
	if c.AddPrefixSpace || c.SplitSpecialTokens {
		return c, fmt.Errorf("%s: add_prefix_space and split_special_tokens must be false; nothing else is implemented", name)
	}
	return c, nil
}

// newTokenizer builds the tables of a learned vocabulary and its merges, which
// are pairs of tokens in order of rank.
func newTokenizer(vocab []entry, merges [][2]string) (*Tokenizer, error) {
	size := 0
	for _, e := range vocab {
		if e.id < 0 || e.id > maxID {
			return nil, fmt.Errorf("vocab: token %q has id %d; ids go from 0 to %d", e.token, e.id, maxID)
		}
		size = max(size, e.id+1)
	}
	t := &Tokenizer{
		tokens: make([]string, size), raw: make([]string, size), kind: make([]kind, size),
		ids: make(map[string]int, len(vocab)+32),
	}
	var arena []byte // one allocation for all of raw, cut up below
	ends := make([]int, len(vocab))
	for i, e := range vocab {
		if t.kind[e.id] != absent {
			return nil, fmt.Errorf("vocab: id %d is both %q and %q", e.id, t.tokens[e.id], e.token)
		}
		if _, twice := t.ids[e.token]; twice || e.token == "" {
			return nil, fmt.Errorf("vocab: token %q is empty or there twice", e.token)
		}
		t.tokens[e.id], t.kind[e.id], t.ids[e.token] = e.token, learned, e.id
		var err error
		if arena, err = appendToken(arena, e.token); err != nil {
			return nil, fmt.Errorf("vocab: id %d: %w", e.id, err)
		}
		ends[i] = len(arena)
	}
	bytes, start := string(arena), 0
	for i, e := range vocab {
		t.raw[e.id] = bytes[start:ends[i]]
		start = ends[i]
	}
	for b, r := range byteToRune {
		id, ok := t.ids[string(r)]
		if !ok {
			return nil, fmt.Errorf("vocab: byte 0x%02x has no token %q; some text could not be encoded", b, string(r))
		}
		t.bpe.bytes[b] = int32(id)
	}
	return t, t.setMerges(merges)
}

func (t *Tokenizer) setMerges(merges [][2]string) error {
	t.bpe.merges = make(bpemodel.MergeMap, len(merges))
	next := 0 // most vocabularies number tokens in the order of merges: trying that first saves a look-up
	for rank, m := range merges {
		left, okLeft := t.ids[m[0]]
		right, okRight := t.ids[m[1]]
		merged, okMerged := next, next < len(t.tokens) && joins(t.tokens[next], m)
		if !okMerged {
			merged, okMerged = t.ids[m[0]+m[1]]
		}
		if !okLeft || !okRight || !okMerged {
			return fmt.Errorf("merges: entry %d (%q, %q): a part or the whole is not in the vocabulary", rank, m[0], m[1])
		}
		t.bpe.merges.Set(left, right, bpemodel.MergeValue{Rank: rank, ID: merged})
		if len(t.bpe.merges) != rank+1 {
			return fmt.Errorf("merges: entry %d (%q, %q) is there twice", rank, m[0], m[1])
		}
		next = merged + 1
	}
	return nil
}

// joins reports whether token is m's two parts together.
func joins(token string, m [2]string) bool {
	return len(token) == len(m[0])+len(m[1]) && strings.HasPrefix(token, m[0]) && strings.HasSuffix(token, m[1])
}

// addToken adds a, or checks that it agrees with the token that is there. Its flags replace earlier ones, as in Hugging
// Face's loading.
func (t *Tokenizer) addToken(id int, a addedToken) error {
	switch {
	case a.Content == "":
		return fmt.Errorf("id %d has no content", id)
	case id < 0 || id > maxID:
		return fmt.Errorf("%q has id %d; ids go from 0 to %d", a.Content, id, maxID)
	}
	if other, ok := t.ids[a.Content]; ok && other != id {
		return fmt.Errorf("%q has id %d here and %d elsewhere; the tokenizer's files disagree", a.Content, id, other)
	}
	for len(t.kind) <= id {
		t.tokens, t.raw, t.kind = append(t.tokens, ""), append(t.raw, ""), append(t.kind, absent)
	}
	if t.kind[id] != absent && t.tokens[id] != a.Content {
		return fmt.Errorf("id %d is %q here and %q elsewhere; the tokenizer's files disagree", id, a.Content, t.tokens[id])
	}
	t.tokens[id], t.raw[id], t.kind[id], t.ids[a.Content] = a.Content, a.Content, added, id
	if a.Special {
		t.kind[id] = special
	}
	if t.addedTokens == nil {
		t.addedTokens = map[int]addedToken{}
	}
	t.addedTokens[id] = a
	return nil
}

// index makes the matchers of the added tokens.
func (t *Tokenizer) index() {
	for id, a := range t.addedTokens {
		if a.Normalized {
			t.normalized.add(nfc(a.Content), id, a)
		} else {
			t.verbatim.add(a.Content, id, a)
		}
	}
}

// readFile reads a file of the checkpoint, within maxFile.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, info.Size(), maxFile)
	}
	return fs.ReadFile(fsys, name)
}

// unmarshal is json.Unmarshal for UTF-8 only, with errors that name the file
// and the place.
func unmarshal(name string, data []byte, v any) error {
	if what := disk.NotItself(data); what != "" {
		return fmt.Errorf("%s: %s", name, what)
	}
	if i := invalidUTF8(data); i >= 0 {
		return fmt.Errorf("%s is not UTF-8 at byte %d (0x%02x); fetch the file again", name, i, data[i])
	}
	if err := disk.BoundJSON(data, maxValues); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not JSON at byte %d: %s; mend the file, or fetch it again", name, syntax.Offset, disk.JSONWords(err))
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("%s: at byte %d %s", name, kind.Offset, disk.JSONWords(err))
	case errors.As(err, &kind):
		return fmt.Errorf("%s: key %q at byte %d: %s", name, kind.Field, kind.Offset, disk.JSONWords(err))
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
