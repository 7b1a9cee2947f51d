package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// ChatTemplate writes a conversation as the one text that a checkpoint was
// trained on, by the Jinja template that comes with it. It is safe for
// concurrent use.
type ChatTemplate struct {
	Notes []string // where two files hold different templates, and which is used

	name     string
	template *exec.Template
	special  map[string]any // bos_token and so on
	limit    time.Duration  // of one rendering
}

// RenderOptions are the variables that templates of Qwen2-VL know.
type RenderOptions struct {
	// AddGenerationPrompt opens the assistant's turn at the end.
	AddGenerationPrompt bool
	// AddVisionID numbers pictures ("Picture 1: ") and videos.
	AddVisionID bool
}

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
	c, err := ParseChatTemplate(found.name, found.text)
	if err != nil {
		return nil, err
	}
	c.Notes = notes
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

// ParseChatTemplate compiles a template; name is the file that errors mention.
// A template may not load others, and the settings are those of transformers:
// trim_blocks and lstrip_blocks.
func ParseChatTemplate(name, source string) (c *ChatTemplate, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%s: the chat template cannot be read: %v", name, r)
		}
	}()
	if len(source) > maxTemplate {
		return nil, fmt.Errorf("%s: the chat template has %d bytes; at most %d are run", name, len(source), maxTemplate)
	}
	settings := config.New()
	settings.TrimBlocks = true
	settings.LeftStripBlocks = true
	if err := checkTags(source, settings); err != nil {
		return nil, fmt.Errorf("%s: the chat template cannot be read: %w", name, err)
	}
	loader, err := loaders.NewMemoryLoader(map[string]string{"/" + name: source})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t, err := exec.NewTemplate("/"+name, settings, loader, boundedEnvironment())
	if err != nil {
		return nil, fmt.Errorf("%s: the chat template cannot be read: %s", name, reason(err, source))
	}
	return &ChatTemplate{name: name, template: t, special: map[string]any{}, limit: maxRender}, nil
}

// Render writes messages as the model's prompt. Each picture becomes one
// placeholder, which ExpandPads repeats after Encode.
func (c *ChatTemplate) Render(messages []Message, o RenderOptions) (prompt string, err error) {
	defer func() {
		if r := recover(); r != nil {
			prompt, err = "", fmt.Errorf("%s: the chat template cannot be run: %v", c.name, r)
		}
	}()
	list := make([]any, len(messages))
	for i, m := range messages {
		if list[i], err = m.value(); err != nil {
			return "", fmt.Errorf("message %d: %w", i, err)
		}
	}
	b := &bounds{start: time.Now(), limit: c.limit}
	vars := map[string]any{
		"messages":              list,
		"add_generation_prompt": o.AddGenerationPrompt,
		"add_vision_id":         o.AddVisionID,
		boundsKey:               b,
	}
	for k, v := range c.special {
		vars[k] = v
	}
	out := &boundedWriter{bounds: b}
	err = c.template.Execute(out, exec.NewContext(vars))
	if b.err != nil {
		err = b.err
	}
	if err != nil {
		return "", fmt.Errorf("%s: the chat template cannot be run: %s", c.name, reason(err, ""))
	}
	return out.text.String(), nil
}

// value is m as transformers would hand it to the template.
func (m Message) value() (any, error) {
	if m.Parts == nil {
		return map[string]any{"role": m.Role, "content": m.Text}, nil
	}
	parts := make([]any, len(m.Parts))
	for j, p := range m.Parts {
		v := map[string]any{"type": p.Type}
		switch {
		case p.Type == TextPart:
			v["text"] = p.Text
		case p.Type != ImagePart && p.Type != VideoPart:
			return nil, fmt.Errorf("part %d: type %q is not text, image or video", j, p.Type)
		case len(p.Frames) > 0:
			v[p.Type] = p.Frames
		case p.Path != "":
			v[p.Type] = p.Path
		}
		parts[j] = v
	}
	return map[string]any{"role": m.Role, "content": parts}, nil
}

// maxReason bounds what is quoted of an error of gonja, in bytes.
const maxReason = 300

// reason is err in one line, without the whole template, which gonja quotes. Of
// a long chain the two ends tell most.
func reason(err error, source string) string {
	s := err.Error()
	if source != "" {
		s = strings.ReplaceAll(s, source, "...")
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason/2], "") + " ... " + strings.ToValidUTF8(s[len(s)-maxReason/2:], "")
	}
	return s
}
