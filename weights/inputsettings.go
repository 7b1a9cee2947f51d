package weights

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/weights/disk"
)

// InputSettingsName is the file beside a score head, an adapter or a model that says how pictures were shown to it and what
// was asked while it was taught. Readers that do not know the file pass it over, as transformers and PEFT do.
const InputSettingsName = "input_settings.json"

// InputSettings is input_settings.json.
type InputSettings struct {
	Version   int `json:"version"`    // 1
	MinPixels int `json:"min_pixels"` // of a resized picture, width times height
	MaxPixels int `json:"max_pixels"`
	// System is the system text of every record that it was taught with, "" where they had none; nil where they had several.
	System *string `json:"system,omitempty"`
	// Question is what every record asked; nil where they asked several things.
	Question *string `json:"question,omitempty"`
}

// ParseInputSettings checks an input_settings.json; file stands for it in errors.
func ParseInputSettings(file string, data []byte) (*InputSettings, error) {
	const most = 1 << 40
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	s := &InputSettings{Version: f.integer("version", 1, 1), MinPixels: f.integer("min_pixels", 1, most), MaxPixels: f.integer("max_pixels", 1, most)}
	if *f.err == nil && s.MinPixels > s.MaxPixels {
		f.fail("min_pixels", "is %d, more than max_pixels %d", s.MinPixels, s.MaxPixels)
	}
	for key, to := range map[string]**string{"system": &s.System, "question": &s.Question} {
		if f.read[key] = true; f.has(key) {
			text := f.text(key)
			*to = &text
		}
	}
	f.onlyRead()
	if *f.err != nil {
		return nil, *f.err
	}
	return s, nil
}

// WriteInputSettings checks s as ParseInputSettings would and writes it atomically.
func WriteInputSettings(path string, s *InputSettings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := ParseInputSettings(path, data); err != nil {
		return fmt.Errorf("refusing to write: %w", err)
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}
