package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The places of a chat template.
const (
	templateFile    = "chat_template.jinja"
	templateDir     = "additional_chat_templates" // of those with other names
	templateOld     = "chat_template.json"
	templateInWhole = "processor_config.json"
	templateInConf  = "tokenizer_config.json"
)

// place is a template and where it lies.
type place struct{ name, text string }

// findTemplate is a checkpoint's default template, in the order in which
// transformers 5.24 looks for a processor's (get_processor_dict): the key
// chat_template of processor_config.json, chat_template.json,
// chat_template.jinja; last, where the processor has none, the tokenizer's, of
// tokenizer_config.json. notes tell where a later one of the processor's says
// something else. settings are those of tokenizer_config.json.
func findTemplate(fsys fs.FS, settings map[string]json.RawMessage) (found place, notes []string, err error) {
	var places []place
	for _, name := range []string{templateInWhole, templateOld} {
		var file struct {
			ChatTemplate json.RawMessage `json:"chat_template"`
		}
		if err := readOptional(fsys, name, &file); err != nil {
			return found, nil, err
		}
		if given(file.ChatTemplate) {
			text, err := defaultTemplate(name, file.ChatTemplate)
			if err != nil {
				return found, nil, err
			}
			places = append(places, place{name, text})
		}
	}
	more, err := namedTemplates(fsys)
	if err != nil {
		return found, nil, err
	}
	if len(places) > 0 && len(more) > 0 && places[len(places)-1].name == templateOld {
		return found, nil, fmt.Errorf("%s lies beside %s, which transformers refuses too: put the template into %s and remove %s", templateOld, more[0].name, templateFile, templateOld)
	}
	source, err := readFile(fsys, templateFile)
	switch {
	case err == nil:
		places = append(places, place{templateFile, newlines(string(source))})
	case !errors.Is(err, fs.ErrNotExist):
		return found, nil, err
	}
	for _, p := range more {
		if path.Base(p.name) == "default.jinja" {
			places = append(places, p)
		}
	}
	if len(places) > 0 {
		for _, p := range places[1:] {
			if p.text != places[0].text {
				notes = append(notes, fmt.Sprintf("the chat template of %s differs from that of %s, which is used, as transformers does; remove the one that is stale", p.name, places[0].name))
			}
		}
		return places[0], notes, nil
	}
	if raw := settings["chat_template"]; given(raw) {
		text, err := defaultTemplate(templateInConf, raw)
		return place{templateInConf, text}, nil, err
	}
	if len(more) > 0 {
		return found, nil, fmt.Errorf("there is no default chat template, only %s; copy the one that is meant to %s", more[0].name, templateFile)
	}
	return found, nil, fmt.Errorf("there is no chat template: neither %s nor the key chat_template in %s, %s or %s; fetch one of them from the model's repository", templateFile, templateOld, templateInConf, templateInWhole)
}

// defaultTemplate is the value of a key chat_template: one template, or a list
// or an object of several with one named default.
func defaultTemplate(name string, raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if json.Unmarshal(raw, &list) == nil {
		for _, t := range list {
			if t.Name == "default" {
				return t.Template, nil
			}
		}
	}
	var named map[string]string
	if json.Unmarshal(raw, &named) == nil {
		if text, ok := named["default"]; ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("%s: chat_template is neither a string nor a list with a template named default", name)
}

// namedTemplates are the files of additional_chat_templates, in order of name.
func namedTemplates(fsys fs.FS) (out []place, err error) {
	files, err := fs.Glob(fsys, templateDir+"/*.jinja")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, name := range files {
		source, err := readFile(fsys, name)
		if err != nil {
			return nil, err
		}
		out = append(out, place{name, newlines(string(source))})
	}
	return out, nil
}

// newlines reads line ends as Python does of a text file.
func newlines(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}
