package tokenizer

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type vector struct {
	Text string `json:"text"`
	IDs  []int  `json:"ids"`
}

// vectors are texts with the ids that the published Qwen2-VL tokenizer gives.
func vectors(t testing.TB) []vector {
	t.Helper()
	dir := filepath.Join(sharedDir(t), "reference", "tokenizer-vectors")
	var all []vector
	readJSON(t, filepath.Join(dir, "derived-vectors.json"), &all)
	files, err := filepath.Glob(filepath.Join(dir, "*.inp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		in, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.ReadFile(strings.TrimSuffix(f, ".inp") + ".out")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(out), "\n")
		for i, text := range strings.Split(string(in), "\n__ggml_vocab_test__\n") {
			v := vector{Text: text, IDs: []int{}}
			for _, f := range strings.Fields(lines[i]) {
				id, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				v.IDs = append(v.IDs, id)
			}
			all = append(all, v)
		}
	}
	return all
}

func published(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := Load(filepath.Join(sharedDir(t), "reference", "qwen2-vl-2b-instruct"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestPublishedVectors(t *testing.T) {
	tok := published(t)
	for _, v := range vectors(t) {
		checkIDs(t, tok, v.Text, v.IDs)
		back, err := tok.Decode(v.IDs)
		if err != nil || string(back) != nfc(v.Text) {
			t.Errorf("Decode(Encode(%q)) = %q, %v; want %q", v.Text, back, err, nfc(v.Text))
		}
	}
}

// The older pair of files gives the same tokenizer as tokenizer.json.
func TestPublishedVocabAndMerges(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "reference", "qwen2-vl-2b-instruct")
	fsys := without(os.DirFS(dir), "tokenizer.json")
	tok, err := LoadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors(t) {
		checkIDs(t, tok, v.Text, v.IDs)
	}
	if want := published(t).VocabSize(); tok.VocabSize() != want {
		t.Errorf("VocabSize = %d, want %d", tok.VocabSize(), want)
	}
}

func TestPublishedTokens(t *testing.T) {
	tok := published(t)
	for token, id := range map[string]int{
		"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645,
		"<|vision_start|>": 151652, "<|image_pad|>": 151655, "<|video_pad|>": 151656,
	} {
		if got, ok := tok.ID(token); !ok || got != id {
			t.Errorf("ID(%s) = %d, %v; want %d", token, got, ok, id)
		}
		if got, ok := tok.Token(id); !ok || got != token || !tok.IsSpecial(id) {
			t.Errorf("Token(%d) = %q, %v, special %v; want %q, special", id, got, ok, tok.IsSpecial(id), token)
		}
	}
	if got, _ := tok.Token(279); got != "Ġthe" {
		t.Errorf("Token(279) = %q, want Ġthe", got)
	}
	if got, _ := tok.Bytes(279); string(got) != " the" {
		t.Errorf("Bytes(279) = %q, want %q", got, " the")
	}
}

type goldenCase struct {
	Messages json.RawMessage `json:"messages"`
	Prompt   string          `json:"prompt"`
	Greedy   struct {
		Tokens []int  `json:"tokens"`
		Text   string `json:"text"`
	} `json:"greedy"`
}

// Every golden case: messages to prompt to ids with expanded placeholders, and
// the text of the greedy continuation.
func TestGoldenCases(t *testing.T) {
	for _, dir := range goldenModels(t) {
		tok, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		template, err := LoadChatTemplate(dir)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "cases", "*.json"))
		if err != nil || len(cases) == 0 {
			t.Fatalf("no cases beside %s: %v", dir, err)
		}
		for _, path := range cases {
			t.Run(filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(path)), func(t *testing.T) {
				checkGoldenCase(t, tok, template, path)
			})
		}
	}
}

func checkGoldenCase(t *testing.T, tok *Tokenizer, template *ChatTemplate, path string) {
	var want goldenCase
	readJSON(t, path, &want)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := ParseMessages(data)
	if err != nil {
		t.Fatal(err)
	}
	prompt, err := template.Render(messages, RenderOptions{AddGenerationPrompt: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Prompt, prompt); diff != "" {
		t.Errorf("prompt (-want +got):\n%s", diff)
	}

	tensors := readInts(t, strings.TrimSuffix(path, ".json")+".safetensors")
	ids, err := tok.Encode(prompt)
	if err != nil {
		t.Fatal(err)
	}
	for _, pad := range []struct{ token, grid string }{{"<|image_pad|>", "image_grid_thw"}, {"<|video_pad|>", "video_grid_thw"}} {
		id, ok := tok.ID(pad.token)
		if !ok {
			t.Fatalf("no token %s", pad.token)
		}
		ids = expanded(ids, id, patches(tensors[pad.grid]))
	}
	if !slices.Equal(ids, tensors["input_ids"]) {
		t.Errorf("ids = %v\nwant  %v", ids, tensors["input_ids"])
	}
	// The reference decodes with tokenizer.json alone, which lacks the pads.
	tokens := slices.DeleteFunc(want.Greedy.Tokens, func(id int) bool {
		token, _ := tok.Token(id)
		return token == "<|image_pad|>" || token == "<|video_pad|>"
	})
	if got := tok.DecodeLossy(tokens); got != want.Greedy.Text {
		t.Errorf("DecodeLossy(%v) = %q, want %q", tokens, got, want.Greedy.Text)
	}
}

// expanded repeats the i-th pad of ids counts[i] times, as the reference's processor does and runtime's Prepare here.
func expanded(ids []int, pad int, counts []int) (out []int) {
	for _, id := range ids {
		n := 1
		if id == pad && len(counts) > 0 {
			n, counts = counts[0], counts[1:]
		}
		out = append(out, slices.Repeat([]int{id}, n)...)
	}
	return out
}

// patches counts the merged patches of each picture of a (pictures, 3) grid.
func patches(grid []int) []int {
	var counts []int
	for g := range slices.Chunk(grid, 3) {
		counts = append(counts, g[0]*g[1]*g[2]/4)
	}
	return counts
}

// readInts reads the int64 tensors of a safetensors file, flat.
func readInts(t *testing.T, path string) map[string][]int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		Dtype   string `json:"dtype"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]int{}
	for name, h := range header {
		if h.Dtype != "I64" {
			continue
		}
		for b := range slices.Chunk(data[8+n:][h.Offsets[0]:h.Offsets[1]], 8) {
			tensors[name] = append(tensors[name], int(binary.LittleEndian.Uint64(b)))
		}
	}
	return tensors
}

// Published checkpoints agree on the template; it adds the default system
// message and, if asked, numbers the pictures.
func TestPublishedTemplates(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(sharedDir(t), "reference", "*", "chat_template.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no published templates: %v", err)
	}
	messages := []Message{{Role: "user", Parts: []Part{
		{Type: ImagePart, Path: "a.jpg"}, {Type: VideoPart}, {Type: ImagePart}, {Type: TextPart, Text: "Which?\r\n"},
	}}, {Role: "assistant", Text: "{{ 'the' }} <first> & one\n"}, {Role: "user", Text: "Why?"}}
	const pad = "<|vision_start|><|image_pad|><|vision_end|>"
	const video = "<|vision_start|><|video_pad|><|vision_end|>"
	for _, f := range dirs {
		c, err := LoadChatTemplate(filepath.Dir(f))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []RenderOptions{{}, {AddGenerationPrompt: true}, {AddVisionID: true}} {
			got, err := c.Render(messages, o)
			if err != nil {
				t.Fatal(err)
			}
			one, two, three := "", "", ""
			if o.AddVisionID {
				one, two, three = "Picture 1: ", "Video 1: ", "Picture 2: "
			}
			want := "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" +
				"<|im_start|>user\n" + one + pad + two + video + three + pad + "Which?\r\n<|im_end|>\n" +
				"<|im_start|>assistant\n{{ 'the' }} <first> & one\n<|im_end|>\n" +
				"<|im_start|>user\nWhy?<|im_end|>\n"
			if o.AddGenerationPrompt {
				want += "<|im_start|>assistant\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %+v (-want +got):\n%s", f, o, diff)
			}
		}
	}
}
