package loupe

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/weights"
)

// AsPublished is g with what the model's generation_config.json asks of every answer and g leaves open: its repetition
// penalty. The notes are for a person to read: what was taken from the file, and what of it was passed over.
//
// do_sample and the settings of sampling in the file are not taken: loupe is greedy where nobody asks for something else,
// and what else is said with the request. The error names a key of the file that loupe cannot decode by.
func (m *Model) AsPublished(g Generation) (Generation, []string, error) {
	f := m.Generation
	if f.Problem != nil {
		return g, nil, fmt.Errorf("generate: %w", f.Problem)
	}
	var notes []string
	if g.RepetitionPenalty == 0 && f.RepetitionPenalty != 1 {
		g.RepetitionPenalty = f.RepetitionPenalty
		notes = append(notes, fmt.Sprintf("repetition penalty %v, as %s has it; Generation.RepetitionPenalty 1 turns it off", g.RepetitionPenalty, filepath.Base(f.File)))
	}
	if f.EosTokenIDs == nil && !g.IgnoreEOS {
		note := fmt.Sprintf("%s names no eos_token_id, so nothing but Generation.MaxTokens and Generation.Stop ends the text", filepath.Base(f.File))
		if ids := m.Config.EosTokenIDs; len(ids) > 0 {
			note += fmt.Sprintf(" (transformers reads it so too); config.json has %d: write it there to stop at it", ids)
		}
		notes = append(notes, note)
	}
	if over := passedOver(f, g); g.Temperature > 0 && len(over) > 0 {
		notes = append(notes, fmt.Sprintf("%s's settings of sampling (%s) are not used; ask for them, as by Generation.TopK, to sample so", filepath.Base(f.File), strings.Join(over, ", ")))
	}
	return g, notes, nil
}

// passedOver lists what the file says of sampling and g says nothing about.
func passedOver(f *weights.Generation, g Generation) []string {
	var over []string
	if f.TopK != 0 && g.TopK == 0 {
		over = append(over, fmt.Sprintf("top_k %d", f.TopK))
	}
	if f.TopP != 1 && g.TopP == nil {
		over = append(over, fmt.Sprintf("top_p %v", f.TopP))
	}
	if f.MinP != 0 && g.MinP == 0 {
		over = append(over, fmt.Sprintf("min_p %v", f.MinP))
	}
	return over
}
