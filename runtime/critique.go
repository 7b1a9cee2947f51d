package loupe

import (
	"context"
	"os"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
)

// Picture is a picture to score: its name, and where its bytes come from.
type Picture struct {
	Name string
	Load func(context.Context) (picture.Image, error)
}

// Pictures lists the pictures that paths name: files, and the pictures in directories. Without paths it is the picture
// that is part of the program. Reading a directory can fail here; reading a picture fails when it is loaded.
func Pictures(paths []string) ([]Picture, error) {
	if len(paths) == 0 {
		return []Picture{{Name: "embedded", Load: func(ctx context.Context) (picture.Image, error) {
			return embeddedPicture(ctx, demo.Picture())
		}}}, nil
	}
	var out []Picture
	for _, path := range paths {
		names := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			if names, _, err = picturesIn(path); err != nil {
				return nil, err
			}
		}
		for _, name := range names {
			out = append(out, Picture{Name: name, Load: func(ctx context.Context) (picture.Image, error) {
				sourcesOf(ctx).begin(Source{})
				return readPicture(ctx, name)
			}})
		}
	}
	return out, nil
}

// ScoreAndCritique scores a picture and, where critique is set, writes a critique of it in the same pass: the picture is encoded
// once, for the score head and for the decoder.
func (m *Model) ScoreAndCritique(ctx context.Context, p Picture, system, question string, critique bool, g Generation) (*Score, string, error) {
	img, err := p.Load(ctx)
	if err != nil {
		return nil, "", err
	}
	prompt, err := m.Prepare(ctx, Question(system, question, img))
	if err != nil {
		return nil, "", err
	}
	if !critique {
		s, err := m.Score(ctx, prompt)
		return s, "", err
	}
	if err := m.needHead(); err != nil {
		return nil, "", err
	}
	a, err := m.Answer(ctx, prompt, g)
	if err != nil {
		return nil, "", err
	}
	text, err := a.Text()
	if err != nil {
		return nil, "", err
	}
	return a.Score, text, nil
}

// Targets are the names of what the score head tells, the score first; nil without a head.
func (m *Model) Targets() []string {
	if m.Head == nil {
		return nil
	}
	var names []string
	for _, t := range m.Head.Config.Targets {
		names = append(names, t.Name)
	}
	return names
}
