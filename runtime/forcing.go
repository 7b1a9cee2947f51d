package loupe

import "fmt"

// ForceToken reads a token of the caller's choosing instead of a generated one (teacher forcing), and returns the logits after it, (vocab_size),
// which are good until the next token: what a generation costs without the choice of tokens. Tokens, if it is called later,
// goes on from there.
func (a *Answer) ForceToken(id int) ([]float32, error) {
	if a.err != nil {
		return nil, a.err
	}
	if n := a.m.Config.Text.VocabSize; id < 0 || id >= n {
		return nil, fmt.Errorf("token %d is none of the model's %d", id, n)
	}
	if n := a.m.Config.Text.MaxPositionEmbeddings; a.s.cache.Len() >= n {
		return nil, fmt.Errorf("the model's context of %d tokens is full", n)
	}
	logits, err := a.s.next(a.ctx, id)
	if err != nil {
		a.fail(err)
		return nil, err
	}
	a.logits, a.unread = logits, false
	return logits, nil
}
