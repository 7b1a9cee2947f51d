package loupe

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Source is what a picture or a video of an input was decoded from.
type Source struct {
	Video  bool
	Frames bool // Files are frames of a video, each a picture; else there is one file
	Files  []SourceFile
}

// SourceFile is a file's name, as it was given, and all its bytes.
type SourceFile struct {
	Name string
	Data []byte
}

// Sources are those of an input, in the order of its conversation.
type Sources struct {
	List  []Source
	serve map[string][]byte // files to take in place of those on the disk
}

// sourcesKey is the context's key of *Sources.
type sourcesKey struct{}

// KeepSources is a context under which pictures and videos are read as always, and their files' bytes are kept: exactly those that
// were decoded, though a file may change meanwhile.
func KeepSources(ctx context.Context) (context.Context, *Sources) {
	s := &Sources{}
	return context.WithValue(ctx, sourcesKey{}, s), s
}

func sourcesOf(ctx context.Context) *Sources {
	s, _ := ctx.Value(sourcesKey{}).(*Sources)
	return s
}

// begin opens the next source, which has no files yet.
func (s *Sources) begin(next Source) {
	if s != nil {
		s.List = append(s.List, next)
	}
}

// keep adds a file to the last source.
func (s *Sources) keep(name string, data []byte) {
	if s != nil && len(s.List) > 0 {
		last := &s.List[len(s.List)-1]
		last.Files = append(last.Files, SourceFile{name, data})
	}
}

// readSource reads a picture's or video's file, given by its path or as the bytes of a data: URL, whose name is then name.
func readSource(ctx context.Context, name string, data []byte) ([]byte, error) {
	s := sourcesOf(ctx)
	if data == nil {
		var served bool
		if s != nil {
			data, served = s.serve[name]
		}
		if !served {
			var err error
			if data, err = disk.ReadContext(ctx, name, disk.PictureLimit); err != nil {
				return nil, err
			}
		}
	}
	s.keep(name, data)
	return data, nil
}

// Rebuild is the input of a conversation whose pictures and videos are those of sources, in order: what their files' names say is
// not looked for on the disk.
func Rebuild(ctx context.Context, messages []tokenizer.Message, sources []Source, fps float64) (Input, error) {
	s := &Sources{serve: map[string][]byte{}}
	var filled []tokenizer.Message
	next := 0
	for _, m := range messages {
		parts := append([]tokenizer.Part(nil), m.Parts...)
		for i, p := range parts {
			if p.Type != tokenizer.ImagePart && p.Type != tokenizer.VideoPart {
				continue
			}
			if next == len(sources) {
				return Input{}, fmt.Errorf("the conversation has more pictures and videos than the %d that were kept", len(sources))
			}
			var names []string
			for j, f := range sources[next].Files {
				name := fmt.Sprintf("kept source %d, file %d", next+1, j+1)
				s.serve[name] = f.Data
				names = append(names, name)
			}
			if sources[next].Frames {
				parts[i].Path, parts[i].Frames = "", names
			} else if len(names) == 1 {
				parts[i].Path, parts[i].Frames = names[0], nil
			} else {
				return Input{}, fmt.Errorf("source %d has %d files, and no frames", next+1, len(names))
			}
			next++
		}
		m.Parts = parts
		if len(parts) == 0 {
			m.Parts = nil
		}
		filled = append(filled, m)
	}
	if next != len(sources) {
		return Input{}, fmt.Errorf("%d pictures and videos were kept, and the conversation has a place for %d", len(sources), next)
	}
	in := Input{Messages: filled}
	if err := (Files{FPS: fps}).readParts(context.WithValue(ctx, sourcesKey{}, s), &in); err != nil {
		return in, err
	}
	in.Messages = messages // the template sees what it saw
	return in, nil
}

// embeddedPicture decodes the picture that is part of the program.
func embeddedPicture(ctx context.Context, data []byte) (picture.Image, error) {
	s := sourcesOf(ctx)
	s.begin(Source{})
	s.keep("embedded", data)
	return picture.Decode(ctx, data, picture.Limits{})
}
