package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
)

// The files that may say how pictures and videos become patches.
const (
	ProcessorName         = "processor_config.json"
	PreprocessorName      = "preprocessor_config.json"
	VideoPreprocessorName = "video_preprocessor_config.json"
)

// Processors are how a model's pictures and videos become patches.
type Processors struct {
	Image, Video *Preprocessor
	Notes        []string // where two files say different things, and which one is used
}

// ReadProcessors reads the processors of a model directory from the files of
// whichever version of transformers wrote them, in the order that version 5
// looks in (get_image_processor_dict, get_video_processor_dict): the objects
// inside processor_config.json, else video_preprocessor_config.json for videos,
// else preprocessor_config.json. dir stands before the files' names in messages.
func (m *Family) ReadProcessors(files fs.FS, dir string) (*Processors, error) {
	whole, err := readOptionalObject(files, dir, ProcessorName)
	if err != nil {
		return nil, err
	}
	image, err := readOptionalObject(files, dir, PreprocessorName)
	if err != nil {
		return nil, err
	}
	video, err := readOptionalObject(files, dir, VideoPreprocessorName)
	if err != nil {
		return nil, err
	}
	p := &Processors{}
	for _, k := range []struct {
		to    **Preprocessor
		key   string
		video bool
		also  []*fields
	}{
		{&p.Image, "image_processor", false, []*fields{image}},
		{&p.Video, "video_processor", true, []*fields{video, image}},
	} {
		if err := p.read(m, k.to, whole, k.key, k.video, k.also); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// read takes the first of the places that is there, and tells where a later one says something else.
func (p *Processors) read(m *Family, to **Preprocessor, whole *fields, key string, video bool, also []*fields) error {
	var places []*fields
	if whole != nil && whole.obj[key] != nil {
		f := whole.scope(key)
		if *whole.err != nil {
			return *whole.err
		}
		places = append(places, f)
	}
	for _, f := range also {
		if f != nil {
			places = append(places, f)
		}
	}
	if len(places) == 0 {
		return fmt.Errorf("there is neither %s, nor %s with %s inside; a trainer that saves the model alone leaves them out: copy the one of the model that was trained", PreprocessorName, ProcessorName, key)
	}
	var err error
	if *to, err = m.readPreprocessor(places[0].fresh(), placeName(places[0]), video); err != nil {
		return err
	}
	for _, note := range (*to).Notes { // one file may be read for pictures and for video
		if !slices.Contains(p.Notes, note) {
			p.Notes = append(p.Notes, note)
		}
	}
	for _, f := range places[1:] {
		if video && f == also[len(also)-1] && len(places) > 1 {
			continue // pictures' own: that it differs from videos' is as it should be
		}
		other, err := m.readPreprocessor(f.fresh(), placeName(f), video)
		if err != nil || !same(**to, *other) {
			p.Notes = append(p.Notes, fmt.Sprintf("%s differs from %s, which is used, as transformers does; remove the one that is stale", placeName(f), (*to).File))
		}
	}
	return nil
}

// same reports whether two processors do the same.
func same(a, b Preprocessor) bool {
	a.File, a.Unknown, a.Notes = b.File, b.Unknown, b.Notes
	return reflect.DeepEqual(a, b)
}

// placeName is the file of an object, and the key that it lies under.
func placeName(f *fields) string {
	if f.prefix == "" {
		return f.file
	}
	return f.file + ": " + f.prefix[:len(f.prefix)-1]
}

// fresh is f as if nothing of it had been read.
func (f *fields) fresh() *fields {
	return tracked(&fields{file: f.file, prefix: f.prefix, obj: f.obj, err: new(error), notes: new([]string), read: map[string]bool{}})
}

// readOptionalObject reads a JSON file of a model directory; nil where there is none.
func readOptionalObject(files fs.FS, dir, name string) (*fields, error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	file := filepath.Join(dir, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return newFields(file, obj), nil
}
