package tokenizer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMessages(t *testing.T) {
	user := func(parts ...Part) []Message { return []Message{{Role: "user", Parts: parts}} }
	tests := []struct {
		name, json string
		want       []Message
	}{
		{"a string", `[{"role": "user", "content": "hi\n"}]`, []Message{{Role: "user", Text: "hi\n"}}},
		{"escapes", `[{"role": "user", "content": "\ud83c\udfa8\uFFFD"}]`, []Message{{Role: "user", Text: "🎨\ufffd"}}},
		{"two turns", ` [{"role": "system", "content": ""}, {"role": "assistant", "content": []}]`,
			[]Message{{Role: "system"}, {Role: "assistant", Parts: []Part{}}}},
		{"a case file", `{"prompt": 5, "messages": [{"role": "user", "content": "hi"}]}`, []Message{{Role: "user", Text: "hi"}}},
		{"text", `[{"role": "user", "content": [{"type": "text", "text": "画"}]}]`, user(Part{Type: TextPart, Text: "画"})},
		{"no type", `[{"role": "user", "content": [{"text": "a"}, {"image": "a.jpg"}]}]`,
			user(Part{Type: TextPart, Text: "a"}, Part{Type: ImagePart, Path: "a.jpg"})},
		{"no source", `[{"role": "user", "content": [{"type": "image"}, {"type": "video"}]}]`, user(Part{Type: ImagePart}, Part{Type: VideoPart})},
		{"sources", `[{"role": "user", "content": [{"type": "image", "url": "a"}, {"type": "image", "path": "b"}, {"type": "video", "video": "c"}]}]`,
			user(Part{Type: ImagePart, Path: "a"}, Part{Type: ImagePart, Path: "b"}, Part{Type: VideoPart, Path: "c"})},
		{"frames", `[{"role": "user", "content": [{"type": "video", "video": ["1.png", "2.png"]}]}]`,
			user(Part{Type: VideoPart, Frames: []string{"1.png", "2.png"}})},
		{"OpenAI", `[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "auto"}}, {"type": "image_url", "image_url": "b.png"}]}]`,
			user(Part{Type: ImagePart, Path: "data:image/png;base64,AA=="}, Part{Type: ImagePart, Path: "b.png"})},
	}
	for _, test := range tests {
		got, err := ParseMessages([]byte(test.json))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestParseMessagesRefuses(t *testing.T) {
	part := func(p string) string {
		return `[{"role": "user", "content": "x"}, {"role": "user", "content": [{"text": "x"}, ` + p + `]}]`
	}
	const where = "message 1: part 1: "
	tests := []struct{ json, want string }{
		{"", "messages is not JSON"},
		{"\xff", "UTF-8 at byte 0"},
		{`[{"role": "user", "content": "x"}] x`, "byte 36"},
		{`{}`, `"messages"`},
		{`{"messages": null}`, `"messages"`},
		{`{"messages": "x"}`, "messages"},
		{`[]`, "empty"},
		{`"x"`, "messages"},
		{`[5]`, "message 0: it is not an object"},
		{`[null]`, "message 0: it is not an object"},
		{`[{"content": "x"}]`, "message 0: there is no role"},
		{`[{"role": 5, "content": "x"}]`, "message 0: role is not a string"},
		{`[{"role": "critic", "content": "x"}]`, `message 0: role "critic"`},
		{`[{"role": "user"}]`, "message 0: there is no content"},
		{`[{"role": "user", "content": null}]`, "message 0: there is no content"},
		{`[{"role": "user", "content": 5}]`, "message 0: content is neither"},
		{`[{"role": "user", "content": "x", "name": "y"}]`, `message 0: key "name"`},
		{`[{"role": "user", "content": "a\ud83dz"}]`, "message 0: content has half of a surrogate pair"},
		{part(`"x"`), where + "it is not an object"},
		{part(`{}`), where + "there is no type"},
		{part(`{"type": "audio"}`), where + `type "audio"`},
		{part(`{"type": null}`), where + "type is not a string"},
		{part(`{"type": "text"}`), where + "there is no text"},
		{part(`{"type": "text", "text": 5}`), where + "text is not a string"},
		{part(`{"type": "text", "text": "x", "image": null}`), where + `key "image"`},
		{part(`{"type": "image", "text": "x"}`), where + `key "text"`},
		{part(`{"type": "image", "image": null}`), where + "image is not a string"},
		{part(`{"type": "image", "image": ""}`), where + `"image" is empty`},
		{part(`{"type": "image", "image": ["a"]}`), where + "image is not a string"},
		{part(`{"type": "image", "image": "a", "url": "b"}`), where + "both"},
		{part(`{"type": "image", "image": "a", "max_pixels": 0}`), where + "max_pixels is 0"},
		{part(`{"type": "image", "image": "a", "max_pixels": "many"}`), where + "max_pixels is"},
		{part(`{"type": "image", "image": "a", "min_pixels": 9, "max_pixels": 5}`), where + "min_pixels 9 is more"},
		{part(`{"type": "image", "image": "a", "resized_height": 56}`), where + "resized_height and resized_width"},
		{part(`{"type": "image", "image": "a", "resized_height": 56, "resized_width": 56, "max_pixels": 5}`), where + "min_pixels, max_pixels and total_pixels have no effect"},
		{part(`{"type": "image", "image": "a", "fps": 1}`), where + `key "fps"`},
		{part(`{"type": "image", "image": "a", "max_pixel": 5}`), where + `key "max_pixel"`},
		{part(`{"type": "video", "video": "a", "fps": 1, "nframes": 4}`), where + "both fps and nframes"},
		{part(`{"type": "video", "video": "a", "fps": 0}`), where + "fps is 0"},
		{part(`{"type": "video", "video": "a", "nframes": 4, "max_frames": 4}`), where + "min_frames and max_frames"},
		{part(`{"type": "video", "video": ["a"], "nframes": 4}`), where + "nframes"},
		{part(`{"type": "video", "video": "a", "video_start": -1}`), where + "video_start is -1"},
		{part(`{"type": "text", "text": "x", "max_pixels": 5}`), where + `key "max_pixels"`},
		{part(`{"type": "video", "video": []}`), where + `"video" is not a list`},
		{part(`{"type": "video", "video": ["a", 5]}`), where + `"video" is not a list`},
		{part(`{"type": "image_url"}`), where + "image_url has no url"},
		{part(`{"type": "image_url", "image_url": {}}`), where + "image_url has no url"},
		{part(`{"type": "image_url", "image_url": {"url": 5}}`), where + "image_url: url is not a string"},
		{part(`{"type": "image_url", "image_url": {"url": "a", "detail": "low"}}`), where + "image_url: detail"},
	}
	for _, test := range tests {
		if _, err := ParseMessages([]byte(test.json)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.json, err, test.want)
		}
	}
}

func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		`[{"role": "user", "content": "{{ x }} {% if %}"}]`,
		`{"messages": [{"role": "user", "content": [{"type": "image"}, {"video": ["a"]}, {"type": "text", "text": "<|im_end|>"}]}]}`,
		`[{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]`, `{"messages": {}}`, "[[",
	} {
		f.Add([]byte(s))
	}
	c, err := LoadChatTemplate("testdata/tiny")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		messages, err := ParseMessages(data)
		if err != nil {
			return
		}
		prompt, err := c.Render(messages, RenderOptions{AddGenerationPrompt: true, AddVisionID: true})
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, m := range messages {
			if !strings.Contains(prompt, m.Text) {
				t.Fatalf("prompt %q lacks %q", prompt, m.Text)
			}
			for _, p := range m.Parts {
				if !strings.Contains(prompt, p.Text) {
					t.Fatalf("prompt %q lacks %q", prompt, p.Text)
				}
			}
		}
	})
}

// TestRatesAreKeys: a rate beside a list of frames says that the part is written for qwen_vl_utils, which sizes the frames too.
func TestRatesAreKeys(t *testing.T) {
	for _, key := range []string{"fps", "sample_fps", "raw_fps"} {
		messages, err := ParseMessages([]byte(`[{"role": "user", "content": [{"type": "video", "video": ["a.png", "b.png"], "` + key + `": 2}]}]`))
		if err != nil || !messages[0].Parts[0].Vision.Given() {
			t.Errorf("%s: %v, %v", key, messages, err)
		}
	}
}
