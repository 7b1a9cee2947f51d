package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The keys of the layouts, as canonical writes them. Every layout may have those of recordKeys beside its own.
var (
	recordKeys = []string{"image", "images", scoreName, "targets", "critique", "split", "system", "prompt"}
	chatKeys   = []string{"messages", "conversations", "label"}                                              // LLaMA-Factory, ShareGPT, LLaVA, ms-swift
	pairKeys   = []string{"completion"}                                                                      // TRL: prompt and completion
	alpacaKeys = []string{"instruction", "input", "output", "history"}                                       // LLaMA-Factory
	queryKeys  = []string{"query", "response", "history", "label"}                                           // ms-swift
	otherMedia = []string{"videos", "video", "audios", "audio"}                                              // refused where they hold something
	preference = []string{"chosen", "rejected", "rejected_response", "rejected_messages", "rejected_images"} // so too
	allKeys    = slices.Concat(recordKeys, chatKeys, pairKeys, alpacaKeys, queryKeys, otherMedia, preference)
)

// object reads a record as JSON has it, in loupe's layout or in one of those above.
func (r *reader) object(text []byte, line int) (Record, error) {
	var out Record
	f, err := parseFields(text)
	if err != nil {
		return out, err
	}
	l, err := r.keys(f)
	if err != nil {
		return out, err
	}
	for _, name := range f.names {
		if _, read := l.from[name]; read {
			continue
		}
		if err := r.unknown(name, f.values[name], l, line); err != nil {
			return out, err
		}
	}
	if err := l.refused(); err != nil {
		return out, err
	}
	if err := l.scores(&out, r.options.Columns); err != nil {
		return out, err
	}
	for key, to := range map[string]*string{"split": &out.Split, "system": &out.System, "critique": &out.Critique} {
		if *to, err = textOf(l.values[key]); err != nil {
			return out, fmt.Errorf("%s %w", key, err)
		}
	}
	return out, r.ask(&out, l, line)
}

// layout is the keys of one record under the names of the layouts.
type layout struct {
	values map[string]json.RawMessage // by name of the layouts or of a target that train.ReadOptions.Columns names
	from   map[string]string          // the name in values of each key of the file that is read
	chosen map[string]bool            // names in values that train.ReadOptions.Columns gave
	keys   []string                   // those of the record's own layout
	// pictured are keys that are not read and seem to name a picture
	pictured []string
}

// keys finds which of the record's keys are which of the layouts', whatever their case.
func (r *reader) keys(f *fields) (*layout, error) {
	l := &layout{values: map[string]json.RawMessage{}, from: map[string]string{}, chosen: map[string]bool{}}
	own := map[string]string{}
	for _, name := range f.names {
		role, chosen := r.role(name)
		switch {
		case chosen:
			l.chosen[role] = true
		case role == "" && slices.Contains(parts, columnName(name)):
			continue // train.ReadOptions.Columns has other scores, critiques, ...
		case role == "":
			if role = canonical(name); !slices.Contains(allKeys, role) {
				continue
			}
		}
		if kindOf(f.values[name]) == nullKind {
			l.from[name] = role
			continue // a table of several layouts has every key in each row
		}
		if before, twice := own[role]; twice {
			return nil, fmt.Errorf("it has %q twice, as the keys %q and %q", role, before, name)
		}
		own[role], l.from[name], l.values[role] = name, role, f.values[name]
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := l.values[name]; return ok })
	}
	switch {
	case has("messages", "conversations"):
		l.keys = chatKeys
	case has("completion") || kindOf(l.values["prompt"]) == listKind:
		l.keys = pairKeys
	case has("instruction", "output"):
		l.keys = alpacaKeys
	case has("query", "response"):
		l.keys = queryKeys
	}
	for name, role := range l.from { // keys of a layout that is not the record's say nothing
		if !l.chosen[role] && !slices.Contains(l.known(), role) {
			delete(l.values, role)
			delete(l.from, name)
		}
	}
	return l, nil
}

// known are the keys that the record's layout reads, or refuses.
func (l *layout) known() []string { return slices.Concat(recordKeys, l.keys, otherMedia, preference) }

// picturesLike matches keys that people give to pictures.
var picturesLike = regexp.MustCompile(`(?i)^(imgs?|pics?|pictures?|photos?|paths?|files?|file_?names?|(image|img|picture|photo|file)_?(paths?|urls?|files?|names?|lists?))$`)

// unknown notes a key that is not read. A likely typo of a known key is an error. So is a number beside loupe's own keys: a
// target would be left out of the loss.
func (r *reader) unknown(name string, raw json.RawMessage, l *layout, line int) error {
	kind := kindOf(raw)
	if kind == nullKind || string(raw) == `""` || string(raw) == "[]" || string(raw) == "{}" {
		return nil
	}
	if picturesLike.MatchString(name) && kind != numberKind {
		l.pictured = append(l.pictured, name)
	}
	if r.options.Columns.learns() {
		return nil // what is left out was left out on purpose
	}
	if like := near(name, allKeys); like != "" && !slices.Contains(allKeys, canonical(name)) {
		return fmt.Errorf("the key %q is not known; is it a slip of %q? Rename it, or read it with train.ReadOptions.Columns, as in train.ReadOptions.Columns %s=%s", name, like, like, name)
	}
	if kind == numberKind && l.keys == nil && !isLabel(name) {
		return fmt.Errorf("the key %q holds a number and is not known; train.ReadOptions.Columns score=%s reads it as the score, train.ReadOptions.Columns %s as a target, as \"targets\": {%q: %s} does", name, name, name, name, raw)
	}
	if isLabel(name) {
		kind = "what tells records apart"
	}
	r.leave("key", name, kind, line)
	return nil
}

// refused is the error of a record that cannot be used for training.
func (l *layout) refused() error {
	for _, name := range otherMedia {
		if raw := l.values[name]; raw != nil && string(raw) != "[]" && string(raw) != `""` {
			return fmt.Errorf("it has %s; records of pictures can be learned from", name)
		}
	}
	for _, name := range preference {
		if raw := l.values[name]; raw != nil && string(raw) != "[]" && string(raw) != `""` {
			return fmt.Errorf("it has %q: answers that are preferred to others are not learned from; give one answer a record", name)
		}
	}
	return nil
}

// scores reads the score and the targets.
func (l *layout) scores(out *Record, columns Columns) error {
	read := func(name string, raw json.RawMessage) error {
		v, ok, err := jsonNumber(raw)
		if err != nil {
			return err
		}
		if ok {
			out.setValue(name, v)
		}
		return nil
	}
	if err := read(scoreName, l.values[scoreName]); err != nil {
		return fmt.Errorf("score %w", isWhat(err))
	}
	if raw := l.values["label"]; raw != nil && out.Score == nil && !columns.learns() && !l.chosen["label"] { // ms-swift's value of a regression
		if err := read(scoreName, raw); err != nil {
			return fmt.Errorf("label is %.60s; one number is read, as the score; give several as targets", raw)
		}
	}
	for name, raw := range l.values {
		if l.chosen[name] && !slices.Contains(parts, name) {
			if err := read(name, raw); err != nil {
				return fmt.Errorf("%s %w", name, isWhat(err))
			}
		}
	}
	raw := l.values["targets"]
	if raw == nil || l.chosen["targets"] {
		return nil
	}
	if kindOf(raw) != objectKind {
		return fmt.Errorf("targets is %.60s; give an object of names and numbers, as in {\"color\": 70}", raw)
	}
	targets, err := parseFields(raw)
	if err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	for _, name := range targets.names {
		as := strings.TrimSpace(name)
		if columns.learns() {
			if as = columns.of(name); as == "" {
				continue
			}
		}
		switch {
		case as == "":
			return errors.New("targets hold one without a name")
		case as == scoreName && !columns.learns():
			return errors.New("targets hold a \"score\"; it stands beside them")
		case slices.Contains(parts, as) && as != scoreName:
			return fmt.Errorf("targets hold %q, which is no target", as)
		}
		if _, twice := out.value(as); twice {
			return fmt.Errorf("it says twice what %q is", as)
		}
		if err := read(as, targets.values[name]); err != nil {
			return fmt.Errorf("target %s %w", name, isWhat(err))
		}
	}
	return nil
}

// isWhat puts "is" before an error of a number that has none.
func isWhat(err error) error {
	if strings.HasPrefix(err.Error(), "is ") {
		return err
	}
	return fmt.Errorf("is wrong: %w", err)
}
