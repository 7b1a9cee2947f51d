package loupe_test

import (
	"context"
	"errors"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestPrepareStops: a context that is done ends the preparation of a large picture, which itself knows no contexts.
func TestPrepareStops(t *testing.T) {
	m := embedded(t, loupe.Options{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	large := picture.Image{Width: 4000, Height: 3000, Pix: make([]byte, 3*4000*3000)}
	if p, err := m.Prepare(ctx, loupe.Ask("What is this?", large)); !errors.Is(err, context.Canceled) || p != nil {
		t.Errorf("the error is %v", err)
	}
	small := picture.Image{Width: 56, Height: 56, Pix: make([]byte, 3*56*56)}
	if _, err := m.Prepare(t.Context(), loupe.Ask("What is this?", small)); err != nil {
		t.Error(err)
	}
}
