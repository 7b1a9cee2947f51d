package loupe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/loupe-vl/loupe/weights"
)

// demonstrationKey is the key of config.json that a model has which was made of the embedded one; transformers keeps it and
// reads nothing of it.
const demonstrationKey = weights.DemonstrationKey

// madeNotice says of a model that was merged, quantized or taught from the embedded one what it is worth.
const madeNotice = "this model was made of the embedded demonstration model: but for what it was taught since, it has learned from pictures of `loupe demo paint` alone, " +
	"and knows no others, so of any other picture its scores and words mean nothing"

// Notice says what a model is worth that is the embedded one or was made of it; "" for any other.
func (m *Model) Notice() string {
	switch {
	case m.Dir == "":
		return EmbeddedNotice
	case m.demonstration:
		return madeNotice
	}
	return ""
}

// readDemonstration finds out whether the model is the embedded one, or says that it was made of it.
func (m *Model) readDemonstration(files fs.FS) error {
	if m.demonstration = m.Dir == ""; m.demonstration {
		return nil
	}
	data, err := fs.ReadFile(files, "config.json")
	if err != nil {
		return err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return nil // what is wrong with the file is told by whoever reads it for its sake
	}
	if m.demonstration = string(config[demonstrationKey]) == "true"; m.demonstration {
		m.Notes = append(m.Notes, madeNotice)
	}
	return nil
}

// marked is a config.json that says what its model was made of.
func marked(config []byte) ([]byte, error) {
	if bytes.Contains(config, []byte(`"`+demonstrationKey+`"`)) {
		return config, nil
	}
	at := bytes.IndexByte(config, '{')
	if at < 0 {
		return nil, fmt.Errorf("config.json holds no object")
	}
	out := append([]byte(nil), config[:at+1]...)
	out = append(out, "\n \""+demonstrationKey+"\": true,"...)
	return append(out, config[at+1:]...), nil
}
