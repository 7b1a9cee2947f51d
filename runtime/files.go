package loupe

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/option"
)

// EmbeddedNotice says what the embedded checkpoint is worth.
const EmbeddedNotice = demo.Notice

// Rubric is the default system text of a critique: the five dimensions that the project's paper scores.
const Rubric = "You are an art critic. Score the painting from 1 to 100 on five dimensions: originality (is the idea new?), color (harmony and contrast), texture (brushwork and surface), " +
	"composition (balance and focus) and content (what it says). Then write a short critique."

// DefaultQuestion is what is asked for a score or a critique where a model was taught with no question of its own.
const DefaultQuestion = "Score this painting."

// Question is what a score is asked by, and nothing else: the system text, if there is one, the pictures and the question. Every
// path that scores a picture (judging, training, fitting, evaluating, probing) makes its prompt of this.
func Question(system, question string, images ...picture.Image) Input {
	in := Ask(question, images...)
	if system != "" {
		in.Messages = append([]tokenizer.Message{{Role: "system", Text: system}}, in.Messages...)
	}
	return in
}

// Files is an input as a command line names it.
type Files struct {
	System, Text string
	Messages     string   // a JSON file with the conversation; System and Text are then ""
	Images       []string // for image parts without a path, in order
	Videos       []string // animated GIFs, or directories of frames
	FPS          float64  // frames a second to take from an animated GIF; 0: every frame
}

// Read reads every file that f, or a path inside its messages, names.
func (f Files) Read(ctx context.Context) (Input, error) {
	in := Input{}
	switch {
	case f.FPS < 0:
		return in, &option.Error{Field: "Files.FPS", Value: f.FPS, Want: "give a number above 0"}
	case f.Messages != "" && (f.Text != "" || f.System != ""):
		return in, &option.Error{Field: "Files.Messages", Value: f.Messages, Fault: "Files.Messages holds the whole conversation", Want: "leave Files.Text and Files.System away"}
	case f.Messages == "" && f.Text == "" && len(f.Images)+len(f.Videos) == 0:
		return in, &option.Error{Field: "Files.Text", Fault: "there is nothing to ask", Want: "give Files.Text, Files.Images, Files.Videos or Files.Messages"}
	case f.Messages != "":
		data, err := disk.Read(f.Messages, disk.JSONLimit)
		if err != nil {
			return in, fmt.Errorf("read messages: %w", err)
		}
		if in.Messages, err = tokenizer.ParseMessages(data); err != nil {
			return in, fmt.Errorf("read messages %s: %w", f.Messages, err)
		}
	default:
		in.Messages = f.conversation()
	}
	err := f.readParts(ctx, &in)
	return in, err
}

// conversation is what f asks without a messages file: the system text, then the pictures, the videos and the question.
func (f Files) conversation() []tokenizer.Message {
	var messages []tokenizer.Message
	if f.System != "" {
		messages = append(messages, tokenizer.Message{Role: "system", Text: f.System})
	}
	var parts []tokenizer.Part
	for range f.Images {
		parts = append(parts, tokenizer.Part{Type: tokenizer.ImagePart})
	}
	for range f.Videos {
		parts = append(parts, tokenizer.Part{Type: tokenizer.VideoPart})
	}
	if f.Text != "" {
		parts = append(parts, tokenizer.Part{Type: tokenizer.TextPart, Text: f.Text})
	}
	return append(messages, tokenizer.Message{Role: "user", Parts: parts})
}

// readParts loads the picture or video of each part: from its own path, or else the next of Images or Videos.
func (f Files) readParts(ctx context.Context, in *Input) error {
	images, videos := f.Images, f.Videos
	timed := false // whether there is a video that has times
	for _, m := range in.Messages {
		for _, part := range m.Parts {
			switch part.Type {
			case tokenizer.ImagePart:
				path := part.Path
				if path == "" {
					if len(images) == 0 {
						return &option.Error{Field: "Files.Images", Value: f.Images, Fault: fmt.Sprintf("the conversation has more image parts without a path than Files.Images has files, which is %d", len(f.Images)), Want: "give one for each"}
					}
					path, images = images[0], images[1:]
				}
				sourcesOf(ctx).begin(Source{})
				img, err := readPicture(ctx, path)
				if err == nil && part.Vision.Given() {
					if img, err = sized(img, part.Vision, tile); err != nil {
						err = fmt.Errorf("picture %s: %w", shortName(path), err)
					}
				}
				if err != nil {
					return err
				}
				in.Images = append(in.Images, img)
			case tokenizer.VideoPart:
				path := part.Path
				if path == "" && part.Frames == nil {
					if len(videos) == 0 {
						return &option.Error{Field: "Files.Videos", Value: f.Videos, Fault: fmt.Sprintf("the conversation has more video parts without a path than Files.Videos has files, which is %d", len(f.Videos)), Want: "give one for each"}
					}
					path, videos = videos[0], videos[1:]
				}
				timed = timed || part.Frames == nil && !disk.IsDir(path)
				if part.Vision.FPS != 0 && f.FPS != 0 {
					return &option.Error{Field: "Files.FPS", Value: f.FPS, Fault: "the message gives fps for a video, and so does Files.FPS", Want: "keep one"}
				}
				frames, note, err := readVideo(ctx, path, part, f.FPS)
				if err != nil {
					return err
				}
				if note != "" {
					in.Notes = append(in.Notes, fmt.Sprintf("video %s: %s", shortName(path), note))
				}
				in.Videos = append(in.Videos, frames)
			}
		}
	}
	if len(images)+len(videos) > 0 {
		return &option.Error{Field: "Files.Images", Fault: fmt.Sprintf("%d files of Files.Images and %d of Files.Videos have no part in the conversation", len(images), len(videos)), Want: `add {"type": "image"} or {"type": "video"} parts to the messages, or leave the files away`}
	}
	if f.FPS != 0 && !timed {
		in.Notes = append(in.Notes, "Files.FPS changes nothing: it takes frames of an animated GIF by the time, and none is shown")
	}
	return nil
}

// readPicture reads a file, a file: URL or a data: URL.
func readPicture(ctx context.Context, path string) (picture.Image, error) {
	data, name, err := readURL(path)
	if err != nil {
		return picture.Image{}, err
	}
	what := "picture in a data: URL"
	if data == nil {
		what = "read picture " + name
	}
	if data, err = readSource(ctx, name, data); err != nil {
		return picture.Image{}, fmt.Errorf("read picture: %w", err)
	}
	img, err := picture.Decode(ctx, data, picture.Limits{})
	if err != nil {
		return picture.Image{}, fmt.Errorf("%s: %w", what, err)
	}
	return img, nil
}

// EmbeddedPicture names the picture that is part of the program, in the place of a path.
const EmbeddedPicture = "embedded:"

// readURL returns the bytes of a data: URL, or the path of a file.
func readURL(s string) (data []byte, path string, err error) {
	switch {
	case s == EmbeddedPicture:
		return demo.Picture(), "", nil
	case strings.HasPrefix(s, "data:"):
		head, body, ok := strings.Cut(s, ",")
		if !ok {
			return nil, "", fmt.Errorf("a data: URL has no comma before its data")
		}
		if strings.HasSuffix(head, ";base64") {
			data, err = fromBase64(body)
		} else if body, err = url.PathUnescape(body); err != nil {
			err = fmt.Errorf("its percent signs are no escapes")
		} else {
			data = []byte(body)
		}
		if err != nil {
			return nil, "", fmt.Errorf("a data: URL cannot be decoded: %w", err)
		}
		return append([]byte{}, data...), "", nil
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		return nil, "", fmt.Errorf("picture %s: loupe fetches nothing from the network; download the file and give its path", s)
	case len(s) > longestPath:
		if data, err = fromBase64(s); err != nil {
			return nil, "", fmt.Errorf("the source of a picture has %d characters, which is neither a path nor base64: %w", len(s), err)
		}
		return data, "", nil
	}
	return nil, strings.TrimPrefix(s, "file://"), nil
}

// longestPath is the length from which on a source is no path, but the bytes of a picture in base64.
const longestPath = 4096

func fromBase64(s string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(s)
	var at base64.CorruptInputError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("its base64 breaks off or has another character at byte %d", int64(at))
	}
	return data, err
}

// readVideo reads an animated GIF, a directory of frames in name order, or the pictures that the part lists, and gives them
// the size that the part asks for.
func readVideo(ctx context.Context, path string, part tokenizer.Part, fps float64) (images []picture.Image, note string, err error) {
	if part.Frames != nil {
		return readFrames(ctx, part.Frames, part.Vision)
	}
	info, err := os.Stat(strings.TrimPrefix(path, "file://"))
	if err == nil && info.IsDir() {
		names, _, err := picturesIn(strings.TrimPrefix(path, "file://"))
		if err != nil {
			return nil, "", fmt.Errorf("read video: %w", err)
		}
		if part.Vision.Chooses() {
			return nil, "", fmt.Errorf("read video %s: nframes, min_frames, max_frames, video_start and video_end choose frames of a video file, and this is a directory of frames; leave them out", path)
		}
		return readFrames(ctx, names, part.Vision)
	}
	data, name, err := readURL(path)
	sourcesOf(ctx).begin(Source{Video: true})
	if err == nil {
		data, err = readSource(ctx, name, data)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read video: %w", err)
	}
	images, delays, err := picture.DecodeAnimation(ctx, data, picture.Limits{})
	if err != nil {
		return nil, "", fmt.Errorf("read video %s: %w; give an animated GIF, or a directory of frames", shortName(path), err)
	}
	if part.Vision.Given() {
		seconds := 0.0
		for _, d := range delays {
			seconds += d
		}
		if !(seconds > 0) {
			return nil, "", fmt.Errorf("read video %s: its frames have no times, so fps and the other keys of the message cannot choose among them", shortName(path))
		}
		if images, err = framesOf(images, float64(len(images))/seconds, part.Vision); err == nil {
			images, note, err = sizedFrames(images, part.Vision, false)
		}
		if err != nil {
			err = fmt.Errorf("read video %s: %w", shortName(path), err)
		}
		return images, note, err
	}
	if fps > 0 {
		images = sample(images, delays, fps)
	}
	return images, "", nil
}

// shortName is a path as errors show it: of a data: URL, only that it is one.
func shortName(path string) string {
	if strings.HasPrefix(path, "data:") {
		return "in a data: URL"
	}
	return path
}

// readFrames reads the frames of a video. They must be of one size.
func readFrames(ctx context.Context, names []string, k tokenizer.VisionKeys) (frames []picture.Image, note string, err error) {
	sourcesOf(ctx).begin(Source{Video: true, Frames: true})
	for _, name := range names {
		img, err := readPicture(ctx, name)
		if err != nil {
			return nil, "", fmt.Errorf("read video: %w", err)
		}
		if !k.Given() && len(frames) > 0 && (img.Width != frames[0].Width || img.Height != frames[0].Height) {
			return nil, "", fmt.Errorf("read video: frame %s is %d x %d, and those before it are %d x %d; frames must be of one size", name, img.Width, img.Height, frames[0].Width, frames[0].Height)
		}
		frames = append(frames, img)
	}
	if k.Given() {
		if frames, note, err = sizedFrames(frames, k, true); err != nil {
			err = fmt.Errorf("read video: %w", err)
		}
	}
	return frames, note, err
}

// sample takes fps frames a second: at each tick, the frame that is shown then.
func sample(frames []picture.Image, delays []float64, fps float64) []picture.Image {
	var out []picture.Image
	end, tick := 0.0, 0
	for i, f := range frames {
		end += delays[i]
		for float64(tick)/fps < end {
			out = append(out, f)
			tick++
		}
	}
	if len(out) == 0 {
		return frames[:1]
	}
	return out
}
