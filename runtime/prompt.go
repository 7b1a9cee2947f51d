package loupe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/option"
)

// Input is what a user asks: a conversation, and the pictures and videos for its image and video parts in order.
type Input struct {
	Messages []tokenizer.Message
	Images   []picture.Image
	Videos   [][]picture.Image // the frames of each
	Notes    []string          // for a person to read: what a message asks for that is bounded by something else
}

// Ask is one question about pictures, without a system text. To ask for a score, see [Model.ScoreInput].
func Ask(text string, images ...picture.Image) Input {
	var parts []tokenizer.Part
	for range images {
		parts = append(parts, tokenizer.Part{Type: tokenizer.ImagePart})
	}
	parts = append(parts, tokenizer.Part{Type: tokenizer.TextPart, Text: text})
	return Input{Messages: []tokenizer.Message{{Role: "user", Parts: parts}}, Images: images}
}

// Prompt is an input made ready for the model. It is read-only, and may be run any number of times.
type Prompt struct {
	Text      string // the rendered chat template
	IDs       []int  // tokens, with a placeholder for each merged vision row
	Positions decoder.Positions
	RopeDelta int     // what to add to a generated token's number to get its position
	Images    *Vision // nil for none
	Videos    *Vision
}

// Vision is the pixels of a prompt's images, or of its videos.
type Vision struct {
	Pixels tensor.Tensor // (patches, channels*temporal*patch*patch), grid after grid in the order of the model
	Grids  []vit.Grid    // patches of each: frames, rows, columns
	At     []int         // the positions in the prompt of the merged rows
}

// Prepare renders the chat template, tokenizes it, cuts the pictures into patches and gives every token its position. It returns
// when ctx is done: a picture of a hundred million pixels takes seconds to resize. What it has begun then runs on to its end, and
// nobody waits for it.
func (m *Model) Prepare(ctx context.Context, in Input) (*Prompt, error) {
	return disk.Await(ctx, func() (*Prompt, error) { return m.prepare(in) })
}

// mostTokenBytes is more than any token's text has: longer texts than so many for each place of the context need not be tokenized to
// be refused.
const mostTokenBytes = 256

// checkText refuses a text that cannot fit the context.
func (m *Model) checkText(bytes int) error {
	if places := m.Config.Text.MaxPositionEmbeddings; bytes/mostTokenBytes > places {
		return fmt.Errorf("the conversation has %d bytes of text, and the model's context holds %d tokens; shorten the text", bytes, places)
	}
	return nil
}

// textBytes counts a conversation's texts; a message is at least a token.
func textBytes(messages []tokenizer.Message) int {
	n := 0
	for _, message := range messages {
		n += mostTokenBytes + len(message.Text)
		for _, p := range message.Parts {
			n += len(p.Text)
		}
	}
	return n
}

func (m *Model) prepare(in Input) (*Prompt, error) {
	if m.Tokenizer == nil {
		return nil, errNoTokenizer
	}
	if err := m.checkText(textBytes(in.Messages)); err != nil {
		return nil, err
	}
	text, err := m.Template.Render(in.Messages, tokenizer.RenderOptions{AddGenerationPrompt: true})
	if err == nil {
		err = m.checkText(len(text))
	}
	if err != nil {
		return nil, err
	}
	ids, err := m.Tokenizer.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("the prompt has no tokens, since the chat template writes nothing for these messages; give a question or a picture")
	}
	p := &Prompt{Text: text}
	if p.Images, err = m.patches(len(in.Images), func(i int) (picture.Patches, error) { return m.Processor.Image(in.Images[i]) }); err != nil {
		return nil, fmt.Errorf("picture %w", err)
	}
	if len(in.Videos) > 0 && m.samplesFrames != "" {
		return nil, fmt.Errorf("video: %s has do_sample_frames, which chooses frames of a video by its times; loupe takes every frame that it is given: set it to false, and choose with Files.FPS", m.samplesFrames)
	}
	if p.Videos, err = m.patches(len(in.Videos), func(i int) (picture.Patches, error) { return m.VideoProcessor.Video(in.Videos[i]) }); err != nil {
		return nil, fmt.Errorf("video %w", err)
	}
	if err := m.expand(p, ids); err != nil {
		return nil, err
	}
	return p, m.checkLength(p)
}

// checkLength refuses a prompt that leaves no room for a token after it.
func (m *Model) checkLength(p *Prompt) error {
	if n, most := len(p.IDs), m.Config.Text.MaxPositionEmbeddings; n >= most {
		return &option.Error{Field: "Options.MaxPixels", Fault: fmt.Sprintf("the prompt has %d tokens, and the model's context holds %d with at least one left for the answer", n, most), Want: "shorten the text or lower Options.MaxPixels"}
	}
	return nil
}

// answered is a prepared prompt with an answer, or the beginning of one, after it: to be learned, or gone on with. The
// answer's tokens are its own, as they are when the model writes it: what the prompt's tokens are does not depend on it.
func (m *Model) answered(p *Prompt, answer string) (*Prompt, error) {
	ids, err := m.Tokenizer.Encode(answer)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if slices.Contains(ids, m.Config.ImageTokenID) || slices.Contains(ids, m.Config.VideoTokenID) {
		return nil, errors.New("the answer holds the placeholder token of a picture or video; take it out of the text")
	}
	out := *p
	out.Text += answer
	out.IDs = slices.Concat(p.IDs, ids)
	for i := range out.Positions {
		out.Positions[i] = slices.Clone(p.Positions[i])
		for at := range ids {
			out.Positions[i] = append(out.Positions[i], len(p.IDs)+at+p.RopeDelta)
		}
	}
	return &out, m.checkLength(&out)
}

// patches processes n pictures into one Vision; nil for none.
func (m *Model) patches(n int, process func(i int) (picture.Patches, error)) (*Vision, error) {
	if n == 0 {
		return nil, nil
	}
	v := &Vision{}
	var data []float32
	width := 0
	for i := range n {
		p, err := process(i)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		v.Grids = append(v.Grids, p.GridTHW)
		width = len(p.Data) / (p.GridTHW[0] * p.GridTHW[1] * p.GridTHW[2])
		if n == 1 {
			data = p.Data
		} else {
			data = append(data, p.Data...)
		}
	}
	v.Pixels = tensor.Of(len(data)/width, width, data)
	return v, nil
}

// expand replaces each placeholder token of ids by as many as its picture has merged rows, and gives positions.
func (m *Model) expand(p *Prompt, ids []int) error {
	merge := m.Config.Vision.SpatialMergeSize
	var places []decoder.Placeholder
	next := map[*Vision]int{}
	for _, id := range ids {
		var v *Vision
		var kind string
		switch id {
		case m.Config.ImageTokenID:
			v, kind = p.Images, "image"
		case m.Config.VideoTokenID:
			v, kind = p.Videos, "video"
		default:
			p.IDs = append(p.IDs, id)
			continue
		}
		if v == nil || next[v] == len(v.Grids) {
			return &option.Error{Field: inputField[kind], Fault: fmt.Sprintf("the conversation has more %s parts (or placeholder tokens in its text) than %ss were given", kind, kind), Want: fmt.Sprintf("give %s for each", inputField[kind])}
		}
		place := decoder.Placeholder{Start: len(p.IDs), Grid: v.Grids[next[v]]}
		next[v]++
		places = append(places, place)
		for range place.Tokens(merge) {
			v.At = append(v.At, len(p.IDs))
			p.IDs = append(p.IDs, id)
		}
	}
	for kind, v := range map[string]*Vision{"image": p.Images, "video": p.Videos} {
		if v != nil && next[v] != len(v.Grids) {
			return &option.Error{Field: inputField[kind], Value: len(v.Grids), Fault: fmt.Sprintf("%d %ss were given, but the conversation has a place for %d", len(v.Grids), kind, next[v]),
				Want: fmt.Sprintf(`add {"type": %q} parts to the messages or leave %s out`, kind, inputField[kind])}
		}
	}
	var err error
	p.Positions, p.RopeDelta, err = m.family.Decoder.Positions(len(p.IDs), places, merge)
	return err
}

// inputField is where an input has its pictures of a kind.
var inputField = map[string]string{"image": "Input.Images", "video": "Input.Videos"}
