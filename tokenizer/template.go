package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/tokenizer/jinja"
	"github.com/loupe-vl/loupe/weights/disk"
)

// ChatTemplate renders a conversation as the text form that a checkpoint was trained on, by the checkpoint's Jinja
// template. It is safe for concurrent use.
type ChatTemplate struct {
	Notes []string // where two files hold different templates, and which is used

	name     string
	source   string
	template *jinja.Template
	unread   error          // why the template cannot be read; nil where it was
	special  map[string]any // bos_token and so on
	limit    time.Duration  // of one rendering
}

// RenderOptions are the variables that templates of Qwen2-VL know.
type RenderOptions struct {
	// AddGenerationPrompt opens the assistant's turn at the end.
	AddGenerationPrompt bool
	// AddVisionID numbers pictures ("Picture 1: ") and videos.
	AddVisionID bool
	// Now is the time that strftime_now writes; nil is the local time, or that
	// of the environment's SOURCE_DATE_EPOCH.
	Now func() time.Time
}

// Bounds of a template, which comes with a checkpoint and is a program.
const (
	maxTemplate = 256 << 10        // bytes of source
	maxRender   = 10 * time.Second // of one rendering: real ones take milliseconds, and a busy machine must not refuse them
)

// LoadChatTemplate is LoadChatTemplateFS of the directory dir.
func LoadChatTemplate(dir string) (*ChatTemplate, error) {
	c, err := LoadChatTemplateFS(disk.FS(dir))
	if err != nil {
		return nil, fmt.Errorf("loading the chat template of %s: %w", dir, err)
	}
	return c, nil
}

// LoadChatTemplateFS reads a checkpoint's template; see findTemplate for where
// it lies.
func LoadChatTemplateFS(fsys fs.FS) (*ChatTemplate, error) {
	const configName = "tokenizer_config.json"
	settings := map[string]json.RawMessage{}
	if err := readOptional(fsys, configName, &settings); err != nil {
		return nil, err
	}
	found, notes, err := findTemplate(fsys, settings)
	if err != nil {
		return nil, err
	}
	c := ParseChatTemplate(found.name, found.text)
	c.Notes = notes
	if c.TellsTime() && os.Getenv("SOURCE_DATE_EPOCH") == "" {
		c.Notes = append(c.Notes, found.name+": the chat template writes the time into prompts (strftime_now), so results change with it; SOURCE_DATE_EPOCH=SECONDS in the environment fixes it")
	}
	for _, key := range []string{"bos_token", "eos_token", "pad_token", "unk_token"} {
		if !given(settings[key]) {
			continue
		}
		var token struct {
			Content string `json:"content"`
		}
		if json.Unmarshal(settings[key], &token.Content) != nil && json.Unmarshal(settings[key], &token) != nil {
			return nil, fmt.Errorf("%s: %s is neither a string nor a token", configName, key)
		}
		c.special[key] = token.Content
	}
	return c, nil
}

// Source is the template's text.
func (c *ChatTemplate) Source() string { return c.source }

// readOptional reads the JSON file name into v, if there is one.
func readOptional(fsys fs.FS, name string, v any) error {
	data, err := readFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return unmarshal(name, data, v)
}

// ParseChatTemplate reads a template; name is the file that errors mention. A
// template with something in it that is not supported is an error of Render,
// not of this: a model can be looked at without it.
func ParseChatTemplate(name, source string) *ChatTemplate {
	c := &ChatTemplate{name: name, source: source, special: map[string]any{}, limit: maxRender}
	if len(source) > maxTemplate {
		c.unread = fmt.Errorf("it has %d bytes, and at most %d are run", len(source), maxTemplate)
		return c
	}
	c.template, c.unread = jinja.Parse(source)
	return c
}

// TellsTime reports whether the template can write the time, by strftime_now:
// prompts then differ from day to day.
func (c *ChatTemplate) TellsTime() bool {
	return c.template != nil && c.template.Mentions("strftime_now")
}

// Render writes messages as the model's prompt. Each picture becomes one
// placeholder, which the caller repeats after Encode.
func (c *ChatTemplate) Render(messages []Message, o RenderOptions) (prompt string, err error) {
	defer func() { // a template is a stranger's program
		if r := recover(); r != nil {
			prompt, err = "", fmt.Errorf("%s: the chat template cannot be run; this is a fault of loupe's: %s", c.name, reason(fmt.Errorf("%v", r)))
		}
	}()
	if c.unread != nil {
		return "", fmt.Errorf("%s: the chat template cannot be read: %s", c.name, reason(c.unread))
	}
	list := jinja.NewList()
	for i, m := range messages {
		v, err := m.value()
		if err != nil {
			return "", fmt.Errorf("message %d: %w", i, err)
		}
		list.Items = append(list.Items, v)
	}
	// tools and documents are None there too, where nobody gives any.
	vars := map[string]any{
		"messages":              list,
		"add_generation_prompt": o.AddGenerationPrompt,
		"tools":                 nil,
		"documents":             nil,
	}
	if o.AddVisionID { // not defined otherwise, which a template may ask
		vars["add_vision_id"] = true
	}
	for k, v := range c.special {
		vars[k] = v
	}
	now := o.Now
	if now == nil {
		now = clock
	}
	prompt, err = c.template.Render(vars, jinja.Options{Limit: c.limit, Now: now})
	if err != nil {
		return "", fmt.Errorf("%s: the chat template cannot be run: %s", c.name, reason(err))
	}
	return prompt, nil
}

// clock is the time that templates write: the local time, or that of
// SOURCE_DATE_EPOCH, in seconds since 1970 in UTC, where the environment has it.
func clock() time.Time {
	if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(s, 0).UTC()
	}
	return time.Now()
}

// value is m as transformers would hand it to the template.
func (m Message) value() (any, error) {
	v := jinja.NewDict()
	v.Set("role", m.Role)
	if m.Parts == nil {
		v.Set("content", m.Text)
		return v, nil
	}
	parts := jinja.NewList()
	for j, p := range m.Parts {
		part := jinja.NewDict()
		part.Set("type", p.Type)
		switch {
		case p.Type == TextPart:
			part.Set("text", p.Text)
		case p.Type != ImagePart && p.Type != VideoPart:
			return nil, fmt.Errorf("part %d: type %q is not text, image or video", j, p.Type)
		case len(p.Frames) > 0:
			frames := jinja.NewList()
			for _, f := range p.Frames {
				frames.Items = append(frames.Items, f)
			}
			part.Set(p.Type, frames)
		case p.Path != "":
			part.Set(p.Type, p.Path)
		}
		parts.Items = append(parts.Items, part)
	}
	v.Set("content", parts)
	return v, nil
}

// maxReason bounds what is quoted of an error of a template, in bytes.
const maxReason = 300

// reason is err in one line. Of a long one the two ends tell most.
func reason(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason/2], "") + " ... " + strings.ToValidUTF8(s[len(s)-maxReason/2:], "")
	}
	return s
}
