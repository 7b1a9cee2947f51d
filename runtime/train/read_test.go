package train_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/tokenizer"
)

func number(v float64) *float64 { return &v }

// said is a message of the chat layouts: text, with the picture before it where it is there.
func said(role, text string, picture bool) tokenizer.Message {
	m := tokenizer.Message{Role: role}
	if picture {
		m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.ImagePart})
	}
	m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.TextPart, Text: text})
	return m
}

// layouts are files as people have them, and what is read of them.
var layouts = []struct {
	name, file, text string
	want             []train.Record
}{
	{"JSON Lines", "d.jsonl", `{"image": "a.jpg", "score": 81, "critique": "Calm.", "targets": {"color": 70, "originality": 12.5}, "split": "eval"}

{"image": "/abs/b.png", "score": 3, "system": "Be strict.", "prompt": "Judge."}
`, []train.Record{
		{Image: "a.jpg", Score: number(81), Critique: "Calm.", Targets: map[string]float64{"color": 70, "originality": 12.5}, Split: "eval"},
		{Image: "/abs/b.png", Score: number(3), System: "Be strict.", Prompt: "Judge."},
	}},
	{"CSV", "d.csv", "\ufeffImage,Score,Critique,color\r\nIMG_0001.JPG,81,\"Calm, and \"\"blue\"\".\r\nTwo lines.\",70\r\n,,,\r\nIMG_0002.JPG,,Loud., 12.5 \r\n", []train.Record{
		{Image: "IMG_0001.JPG", Score: number(81), Critique: "Calm, and \"blue\".\nTwo lines.", Targets: map[string]float64{"color": 70}},
		{Image: "IMG_0002.JPG", Critique: "Loud.", Targets: map[string]float64{"color": 12.5}},
	}},
	{"CSV of a spreadsheet that writes semicolons", "d.CSV", "image;score;critique;;\nIMG_1.jpg;7.5;Gut, ruhig;;\n", []train.Record{
		{Image: "IMG_1.jpg", Score: number(7.5), Critique: "Gut, ruhig"},
	}},
	{"Excel's own", "d.csv", "\ufeffsep=;\r\nimage;score;color\r\nIMG_1.jpg;7.5;NA\r\n", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5)}}},
	{"CSV of an old Mac", "d.csv", "image,score,critique\rIMG_1.jpg,7.5,\"Two\rlines\"\rIMG_2.jpg,8,\r", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5), Critique: "Two\nlines"}, {Image: "IMG_2.jpg", Score: number(8)}}},
	{"TSV", "d.tsv", "image\tscore\tcritique\nIMG_1.jpg\t7.5\tCalm, and; blue\n", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5), Critique: "Calm, and; blue"}}},
	{"pandas", "d.csv", ",image,score,color,user_id\n0,IMG_1.jpg,7.5,nan,4\n1,IMG_2.jpg,,3,4\n", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5)}, {Image: "IMG_2.jpg", Targets: map[string]float64{"color": 3}}}},
	{"raters, texts and splits", "d.csv", " File Name ,SCORE,rater1,artist,Split\nIMG_1.jpg,7.5,8,Monet,Validation\nIMG_2.jpg,N/A,6,Manet,TRAIN\nIMG_3.jpg,3,,\"K. Hokusai\",test\n", []train.Record{
		{Image: "IMG_1.jpg", Score: number(7.5), Targets: map[string]float64{"rater1": 8}, Split: "eval"},
		{Image: "IMG_2.jpg", Targets: map[string]float64{"rater1": 6}, Split: "train"},
		{Image: "IMG_3.jpg", Score: number(3), Split: "test"},
	}},
	{"what is missing", "d.jsonl", `{"image": "a.jpg", "score": null, "critique": "Calm.", "targets": {"color": null, "texture": NaN, "mood": ""}}
{"image": "a.jpg", "score": "NA", "critique": "  \n", "targets": {"color": "7.5"}}
{"image": "a.jpg", "score": 3, "critique": "nan", "targets": null, "messages": null, "system": " "}
{"image": "a.jpg", "score": 4, "critique": "It says \"NaN\" and Infinity.", "targets": {}}
`, []train.Record{
		{Image: "a.jpg", Critique: "Calm."}, {Image: "a.jpg", Targets: map[string]float64{"color": 7.5}}, {Image: "a.jpg", Score: number(3)},
		{Image: "a.jpg", Score: number(4), Critique: "It says \"NaN\" and Infinity."},
	}},
	{"metadata of an ImageFolder", "metadata.jsonl", `{"file_name": "0001.png", "score": 3, "text": "A dog."}
{"File_Name": "0002.png", "Score": 4, "id": 7}
`, []train.Record{{Image: "0001.png", Score: number(3)}, {Image: "0002.png", Score: number(4)}}},
	{"objects over several lines", "d.json", "{\n \"image\": \"a.jpg\",\n \"score\": 1\n}\n{\n \"image\": \"b.jpg\",\n \"score\": 2\n}\n", []train.Record{{Image: "a.jpg", Score: number(1)}, {Image: "b.jpg", Score: number(2)}}},
	{"one object over several lines", "d.json", "{\n \"image\": \"a.jpg\",\n \"score\": 1\n}\n", []train.Record{{Image: "a.jpg", Score: number(1)}}},
	{"lists by split", "d.json", `{
 "train": [{"image": "a.jpg", "score": 1}],
 "validation": [
  {"image": "b.jpg", "score": 2}]
}`, []train.Record{{Image: "a.jpg", Score: number(1), Split: "train"}, {Image: "b.jpg", Score: number(2), Split: "eval"}}},
	// TRL: contents of parts, with the picture in its part or in a column, and rows as datasets writes them, every key in each part
	{"TRL", "d.jsonl", `{"messages": [{"role": "user", "content": [{"type": "image", "image": "a.jpg"}, {"type": "text", "text": "Score it."}]}, {"role": "assistant", "content": [{"type": "text", "text": "Good."}]}], "score": 70}
{"messages": [{"role": "user", "content": [{"type": "text", "text": "Score it.", "image": null}, {"type": "image", "text": null}]}, {"role": "assistant", "content": [{"type": "text", "text": "Good."}]}], "images": ["a.jpg"]}
{"prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Score it."}]}], "completion": [{"role": "assistant", "content": [{"type": "text", "text": "Good."}]}], "images": [{"bytes": null, "path": "a.jpg"}]}
{"prompt": "Score it.", "completion": "Good.", "image": "a.jpg"}
`, []train.Record{
		{Image: "a.jpg", Score: number(70), Critique: "Good.", Messages: []tokenizer.Message{said("user", "Score it.", true)}},
		{Image: "a.jpg", Critique: "Good.", Messages: []tokenizer.Message{{Role: "user", Parts: []tokenizer.Part{{Type: tokenizer.TextPart, Text: "Score it."}, {Type: tokenizer.ImagePart}}}}},
		{Image: "a.jpg", Critique: "Good.", Messages: []tokenizer.Message{said("user", "Score it.", true)}},
		{Image: "a.jpg", Critique: "Good.", Messages: []tokenizer.Message{said("user", "Score it.", true)}},
	}},
	{"several pictures and none", "d.jsonl", `{"messages": [{"role": "user", "content": "<image>First, <image>second."}, {"role": "assistant", "content": "The first."}], "images": ["a.jpg", "b.jpg"], "score": 7}
{"messages": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "The first."}], "images": ["a.jpg", "b.jpg"]}
{"messages": [{"role": "user", "content": "What is sfumato?"}, {"role": "assistant", "content": "Soft edges."}], "images": []}
{"image": ["a.jpg", "b.jpg"], "score": 7, "prompt": "<image><image>Which?"}
`, []train.Record{
		{Image: "a.jpg", Others: []string{"b.jpg"}, Score: number(7), Critique: "The first.", Messages: []tokenizer.Message{{Role: "user", Parts: []tokenizer.Part{
			{Type: tokenizer.ImagePart}, {Type: tokenizer.TextPart, Text: "First, "}, {Type: tokenizer.ImagePart}, {Type: tokenizer.TextPart, Text: "second."}}}}},
		{Image: "a.jpg", Others: []string{"b.jpg"}, Critique: "The first.", Messages: []tokenizer.Message{{Role: "user", Parts: []tokenizer.Part{
			{Type: tokenizer.ImagePart}, {Type: tokenizer.ImagePart}, {Type: tokenizer.TextPart, Text: "Which?"}}}}},
		{Critique: "Soft edges.", Messages: []tokenizer.Message{said("user", "What is sfumato?", false)}},
		{Image: "a.jpg", Others: []string{"b.jpg"}, Score: number(7), Prompt: "Which?"},
	}},
	// llava_v1_5_mix665k.json of LLaVA
	{"LLaVA", "d.json", `[{"id": "000000033471", "image": "coco/000000033471.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat are the colors of the bus?"}, {"from": "gpt", "value": "White and red."}]}]`, []train.Record{{
		Image: "coco/000000033471.jpg", Critique: "White and red.", Messages: []tokenizer.Message{said("user", "\nWhat are the colors of the bus?", true)},
	}}},
	{"Alpaca", "d.json", `[{"instruction": "Judge it.", "input": "Be brief.", "output": "Good.", "system": "Be strict.", "history": [["Who?", "Monet."]], "images": ["a.jpg"], "score": 70},
 {"instruction": "<image>Judge it.", "input": "", "output": "", "images": ["a.jpg"], "score": 70}]`, []train.Record{
		{Image: "a.jpg", Score: number(70), Critique: "Good.", Messages: []tokenizer.Message{said("system", "Be strict.", false), said("user", "Who?", true), said("assistant", "Monet.", false), said("user", "Judge it.\nBe brief.", false)}},
		{Image: "a.jpg", Score: number(70), Messages: []tokenizer.Message{said("user", "Judge it.", true)}},
	}},
	{"query and response", "d.jsonl", `{"query": "<image>Judge it.", "response": "Good.", "images": ["a.jpg"], "history": []}
`, []train.Record{{Image: "a.jpg", Critique: "Good.", Messages: []tokenizer.Message{said("user", "Judge it.", true)}}}},
	{"tabs", "d.csv", "image\tscore\nIMG_1.jpg\t7.5\n", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5)}}},
	// data/mllm_demo.json of LLaMA-Factory: an array, with the picture in the first question of several
	{"LLaMA-Factory", "d.json", `[
  {
    "messages": [
      {"content": "<image>Who are they?", "role": "user"},
      {"content": "They're Kane and Gretzka from Bayern Munich.", "role": "assistant"},
      {"content": "What are they doing?", "role": "user"},
      {"content": "They are celebrating on the soccer field.", "role": "assistant"}
    ],
    "images": ["mllm_demo_data/1.jpg"],
    "score": 64
  }
]`, []train.Record{{
		Image: "mllm_demo_data/1.jpg", Score: number(64), Critique: "They are celebrating on the soccer field.",
		Messages: []tokenizer.Message{
			said("user", "Who are they?", true), said("assistant", "They're Kane and Gretzka from Bayern Munich.", false), said("user", "What are they doing?", false),
		},
	}}},
	{"ShareGPT in LLaMA-Factory", "d.json", `[{"conversations": [{"from": "human", "value": "<image>Judge it."}, {"from": "gpt", "value": "Good."}], "system": "Be strict.", "images": "1.jpg"}]`, []train.Record{{
		Image: "1.jpg", Critique: "Good.", Messages: []tokenizer.Message{said("system", "Be strict.", false), said("user", "Judge it.", true)},
	}}},
	// the standard format of ms-swift, its regression task, and a picture without a place
	{"ms-swift", "d.jsonl", `{"messages": [{"role": "system", "content": "You are a helpful and harmless assistant."}, {"role": "user", "content": "<image>What is in the image?"}, {"role": "assistant", "content": "An elephant."}], "images": ["/xxx/x.jpg"], "score": 8}
{"messages": [{"role": "user", "content": "Rate the picture."}], "images": [{"bytes": null, "path": "/xxx/y.jpg"}], "label": 0.8, "channel": "art"}
`, []train.Record{
		{Image: "/xxx/x.jpg", Score: number(8), Critique: "An elephant.", Messages: []tokenizer.Message{
			said("system", "You are a helpful and harmless assistant.", false), said("user", "What is in the image?", true),
		}},
		{Image: "/xxx/y.jpg", Score: number(0.8), Messages: []tokenizer.Message{said("user", "Rate the picture.", true)}},
	}},
}

// TestLayouts reads files in every layout.
func TestLayouts(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := train.ReadRecords(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if where := strings.TrimPrefix(got[i].Where, path); !strings.HasPrefix(where, ", line ") && !strings.HasPrefix(where, ", record ") {
					t.Errorf("record %d is at %q", i, got[i].Where)
				}
				got[i].Image = strings.TrimPrefix(got[i].Image, dir+string(filepath.Separator))
				for j := range got[i].Others {
					got[i].Others[j] = strings.TrimPrefix(got[i].Others[j], dir+string(filepath.Separator))
				}
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(train.Record{}), cmpopts.IgnoreFields(train.Record{}, "Where"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadLines: each bad line is named by its number with what is wrong, and all of them at once.
func TestBadLines(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"JSON Lines", "d.jsonl", `{"image": "a.jpg", "score": 1}
{"image": "a.jpg", "scroe": 1}
{"image": "a.jpg"}
{"score": 1}
{"image": "a.jpg", "score": "high"}
{"image": "a.jpg", "score": 1, "split": "fold 1"}
{"image": "a.jpg", "score": 1
{"image": "a.jpg", "targets": {"score": 1}}
{"image": "a.jpg", "score": 1} {"image": "b.jpg", "score": 1}
{"messages": [{"role": "user", "content": "<image>Hm."}], "images": ["a.jpg", "b.jpg"], "score": 1}
{"messages": [{"role": "user", "content": "<image><image>"}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "tool", "content": "Hm."}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "user", "content": "Hm."}], "images": ["a.jpg"], "videos": ["v.mp4"], "score": 1}
{"messages": [{"role": "user", "content": "Hm."}], "images": ["a.jpg"], "label": [1, 2]}
{"image": "a.jpg", "images": ["b.jpg"], "score": 1}
`, []string{`line 2: the key "scroe" is not known; is it a slip of "score"?`, "line 3: it has neither score", "line 4: it names no image", `line 5: score is wrong: "high" is not a number`, `line 6: split is "fold 1"`,
			"line 7: the JSON: it ends too early", `line 8: targets hold a "score"`, "line 9: more stands behind", "line 10: its messages have 1 places for pictures (<image>, or parts of the type image), and it names 2", "line 11: its messages have 2 places",
			`line 12: message 1 is of "tool"`, "line 13: it has videos", "line 14: label is [1, 2]", "line 15: it has image and images"}},
		{"numbers that are none", "d.jsonl", `{"image": "a.jpg", "score": 1}
{"image": "a.jpg", "score": true}
{"image": "a.jpg", "score": Infinity}
{"image": "a.jpg", "score": -Infinity}
{"image": "a.jpg", "score": "81,5"}
{"image": "a.jpg", "score": "8/10"}
{"image": "a.jpg", "score": 1e999}
{"image": "a.jpg", "score": [70, 80]}
{"image": "a.jpg", "score": {"mean": 3}}
{"image": "a.jpg", "targets": {"color": false}}
{"image": "a.jpg", "targets": {"color": "7 of 10"}}
{"image": "a.jpg", "targets": [1, 2]}
{"image": "a.jpg", "targets": {"color": 1, "color": 2}}
{"image": "a.jpg", "score": 1, "score": 2}
{"image": "a.jpg", "score": 1, "Score": 2}
{"image": "a.jpg", "score": "1e999"}
`, []string{"line 2: score is true", `line 3: score is wrong: "Infinity" is not a finite number`, `line 4: score is wrong: "-Infinity" is not`, `line 5: score is wrong: "81,5" is not a number: write it with a point, 81.5`, `line 6: score is wrong: "8/10"`,
			"line 7: score is wrong: \"1e999\" is not a finite", "line 8: score is [70, 80]", `line 9: score is {"mean": 3}`, "line 10: target color is false", `line 11: target color is wrong: "7 of 10"`, "line 12: targets is [1, 2]",
			`line 13: targets: it has the key "color" twice`, `line 14: it has the key "score" twice`, `line 15: it has "score" twice, as the keys "score" and "Score"`, "line 16: score is wrong"}},
		{"slips and what cannot be learned from", "d.jsonl", `{"image": "a.jpg", "score": 1}
{"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}], "images": ["a.jpg"], "scores": 70}
{"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}], "image": "a.jpg", "tragets": {"color": 70}}
{"image": "a.jpg", "score": 1, "critque": "Calm."}
{"image": "a.jpg", "mos": 3.5}
{"messages": [{"role": "user", "content": "a"}], "score": 1}
{"messages": [{"role": "user", "contents": "a"}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "image"}]}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "assistant", "content": "b"}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "user", "content": "a"}], "images": ["a.jpg"], "chosen": "x", "rejected": "y", "score": 1}
{"image": "https://example.com/a.jpg", "score": 1}
{"image": {"bytes": "/9j/4AAQ"}, "score": 1}
{"image": "a.jpg", "score": 1, "prompt": "What is <image> worth?"}
{"image": "a.jpg", "score": 1, "critique": ["a", "b"]}
{"image": "a\b.jpg", "critique": "a\xb"}
["image", "score"]
{"instruction": "a", "output": "b", "images": ["a.jpg"], "critique": "c"}
{"query": "a", "response": "b", "history": [["a"]], "images": ["a.jpg"]}
{"messages": [{"role": "user", "content": [{"type": "video", "video": "v.mp4"}]}], "score": 1}
{"messages": [{"role": "user", "content": [{"type": "image", "image": "a.jpg", "max_pixels": 6272}]}], "score": 1}
{"mesages": [{"role": "user", "content": "<image>a"}], "images": ["a.jpg"], "score": 1}
{"image": "a.jpg", "score": 1, "respnse": "b"}
`, []string{`line 2: the key "scores" is not known; is it a slip of "score"?`, `line 3: the key "tragets" is not known; is it a slip of "targets"?`, `line 4: the key "critque"`, `line 5: the key "mos" holds a number`, "line 6: it has a score or targets and no picture",
			`line 7: message 1 has no content, but the keys "role", "contents"`, "line 8: its messages have 2 places", "line 9: its messages hold nothing that the user says", `line 10: it has "chosen"`, "line 11: image https://example.com/a.jpg: loupe fetches nothing",
			"line 12: image {", "has no path", "line 13: its prompt has 1 places <image>", `line 14: critique is ["a", "b"]`, "line 15: it is no JSON", "a backslash is written twice", `line 16: it is ["image", "score"]`, "line 17: it has an answer in its conversation and a critique",
			`line 18: history holds ["a"]`, "line 19: it has a video", "line 20: message 1 has a part with max_pixels", `line 21: the key "mesages" is not known; is it a slip of "messages"?`, `line 22: the key "respnse" is not known; is it a slip of "response"?`}},
		// from public reports: places of pictures as other programs write them, a picture under another name, videos without their key
		{"what other programs mean", "d.jsonl", `{"image": "a.jpg", "score": 1}
{"query": "<image_placeholder>Describe.", "response": "b", "image": ["a.jpg"]}
{"conversations": [{"from": "user", "value": "Picture 1: <img>a.jpg</img>\nWhat?"}, {"from": "assistant", "value": "A"}]}
{"messages": [{"role": "user", "content": "<image>Find <ref-object>."}, {"role": "assistant", "content": "<bbox>"}], "images": ["a.jpg"], "objects": {"bbox": [[1, 2, 3, 4]]}}
{"query": "<video>What?", "response": "A"}
{"instruction": "<|vision_start|><|image_pad|><|vision_end|>Judge.", "output": "b", "images": ["a.jpg"]}
{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "imgs": ["a.jpg"]}
{"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}], "images": []}
{"image": "a.jpg", "prompt": "<image_1>Well?", "score": 1}
{"messages": [{"role": "user", "content": "\<image>a"}, {"role": "assistant", "content": "b"}], "images": ["a.jpg"]}
{"image": {"0": "a.jpg", "1": "b.jpg"}, "score": {"0": 5, "1": 6}}
`, []string{"line 2: its text has <image_placeholder>", "line 3: its text has <img>", "line 4: its text has <ref-object>", "line 5: its text has <video>", "line 6: its text has <|vision_start|>", `line 7: it names no picture, but has "imgs"`,
			"line 8: its messages have 1 places for pictures (<image>, or parts of the type image), and it names 0", "line 9: its text has <image_1>", "line 10: it is no JSON", "line 11: "}},
		{"CSV", "d.csv", "image,score,color\na.jpg,1,2\na.jpg,high,2\na.jpg,1,2,3\n,1,2\na.jpg,inf,2\na.jpg,,\na.jpg,\"1\"x,2\na.jpg,1\na.jpg,\"8,5\",2\na.jpg,85%,2\nNA,1,2\na \"b\".jpg,1,2\n", []string{
			`line 3: column score: "high"`, `line 4: field 4, "3", stands under no name`, "line 5: it names no image", `line 6: column score: "inf"`, "line 7: it has neither", "line 8: a quote opens a field and does not close it", "line 9: it has 2 fields, and the header 3",
			`line 10: column score: "8,5" is not a number: write it with a point, 8.5`, `line 11: column score: "85%"`, "line 12: it names no image", "line 13: a quote stands inside a field",
		}},
		{"a column of numbers with a word", "d.csv", "image,score,year\na.jpg,1,1889\na.jpg,2,1890\na.jpg,3,about 1891\n", []string{`line 4: column year: "about 1891" is not a number`, "train.ReadOptions.Columns"}},
		{"a column of decimal commas", "d.csv", "image;score;mood\na.jpg;1;7\na.jpg;1;7,5\n", []string{`line 3: column mood: "7,5" is not a number: write it with a point, 7.5`}},
		{"a slip in a header", "d.csv", "image,scroe\na.jpg,1\n", []string{`no column score, but "scroe"`, "train.ReadOptions.Columns score=scroe", "train.ReadOptions.Columns scroe for a target"}},
		{"a slip of a column of text", "d.csv", "image,score,Critque\na.jpg,1,Calm.\n", []string{`no column critique, but "Critque"`}},
		{"a slip of the split", "d.tsv", "image\tscore\tspilt\na.jpg\t1\teval\n", []string{`no column split, but "spilt"`}},
		{"a slip of the picture", "d.csv", "iamge,score\na.jpg,1\n", []string{`no column image, but "iamge"`}},
		{"thousands", "d.csv", "image,score\na.jpg,1\na.jpg,\"1,000\"\n", []string{`line 3: column score: "1,000" is not a number: write it without the comma if it parts thousands, 1000, or with a point, 1.000`}},
		{"UTF-16", "d.csv", "\xff\xfei\x00m\x00", []string{"UTF-16", "save it as UTF-8"}},
		{"UTF-16 without a mark", "d.jsonl", "{\x00\"\x00i\x00", []string{"UTF-16", "save it as UTF-8"}},
		{"a spreadsheet", "d.csv", "PK\x03\x04rest", []string{"spreadsheets (.xlsx, .ods)"}},
		{"Parquet", "d.parquet", "PAR1rest", []string{"Parquet", "JSON Lines"}},
		{"more behind the array", "d.json", `[{"image": "a.jpg", "score": 1}] {"image": "a.jpg"}`, []string{"more stands behind the array"}},
		{"an array with a comma too many", "d.json", "[{\"image\": \"a.jpg\", \"score\": 1},\n]", []string{"after the record in line 1 the array is broken: it is no JSON"}},
		{"an array", "d.json", "[\n {\"image\": \"a.jpg\", \"score\": 1},\n\n {\"image\": \"a.jpg\"}, {\"score\": 2}\n]", []string{"line 4: it has neither", "line 4: it names no image"}},
		{"header", "d.csv", "file,score\na.jpg,1\n", []string{"no column image"}},
		{"header twice", "d.csv", "image,score,Score\na.jpg,1,1\n", []string{`column "score" twice`}},
		{"an array that does not end", "d.json", `[{"image": "a.jpg", "score": 1}`, []string{"does not end"}},
		{"empty", "d.jsonl", "\n\n", []string{"no records"}},
		{"an array in one line", "d.json", `[{"image": "a.jpg", "score": 1}, {"image": "a.jpg"}, {"image": "a.jpg", "score": 1}, {"score": 2}]` + "\n", []string{"record 2: it has neither", "record 4: it names no image"}},
		{"arrays by split", "d.json", `{"train": [{"image": "a.jpg", "score": 1}, {"image": "a.jpg"}],` + "\n" + ` "test": [{"score": 2}]}`, []string{"record 2: it has neither", "record 3: it names no image"}},
		{"not UTF-8", "d.csv", "image,critique\na.jpg,Sch\xf6n\n", []string{"line 2 is not UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := train.ReadRecords(path)
			if err == nil {
				t.Fatal("it is read without an error")
			}
			for _, part := range append(c.want, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error has no %q: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), "line 1:") || c.file == "d.csv" && strings.Contains(err.Error(), "line 2:") {
				t.Errorf("a good line is named: %v", err)
			}
		})
	}
}

// TestCheckFindsAll: before the first step, bad lines and bad pictures are told together.
func TestCheckFindsAll(t *testing.T) {
	dir := painted(t, 3)
	if err := os.WriteFile(filepath.Join(dir, "torn.png"), []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := `{"image": "00000.png", "score": 1}
{"image": "gone.png", "score": 1}
{"image": "00001.png", "score": "high"}
{"image": "torn.png", "score": 1}
{"image": "00002.png"}
`
	o := options(t, dir)
	o.Data = filepath.Join(dir, "mixed.jsonl")
	if err := os.WriteFile(o.Data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), t, o, 2, nil)
	if err == nil {
		t.Fatal("trained on it")
	}
	at := 0
	for _, part := range []string{o.Data, "line 2: ", "gone.png", "line 3: ", "line 4: ", "torn.png", "line 5: "} {
		i := strings.Index(err.Error()[at:], part)
		if i < 0 {
			t.Fatalf("after byte %d there is no %q: %v", at, part, err)
		}
		at += i
	}
	if _, err := os.Stat(filepath.Join(o.Out, "log.jsonl")); err == nil {
		t.Error("there is a log")
	}
}

// TestHeldOut: the records that are kept for evaluation are listed as they were read, in both layouts.
func TestHeldOut(t *testing.T) {
	dir := painted(t, 3)
	o := options(t, dir)
	o.Data, o.Steps = filepath.Join(dir, "mixed.jsonl"), 1
	text := `{"image": "00000.png", "score": 1}
{"image": "00001.png", "score": 2, "critique": "Hm.", "targets": {"color": 3}, "prompt": "Judge.", "split": "eval"}
{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Look: <image> Well?"}, {"role": "assistant", "content": "Nice."}], "images": ["00002.png"], "score": 9, "split": "eval"}
`
	if err := os.WriteFile(o.Data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := train.ReadRecords(o.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	got, err := train.ReadRecords(filepath.Join(o.Out, "held-out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[1:], got, cmpopts.IgnoreUnexported(train.Record{}), cmpopts.IgnoreFields(train.Record{}, "Where"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// FuzzReadRecords: whatever a file holds, it is read or refused, and what is read is fit to learn from.
func FuzzReadRecords(f *testing.F) {
	for _, c := range layouts {
		f.Add(filepath.Ext(c.file), "", []byte(c.text))
	}
	f.Add(".tsv", "score=mos,critique=comment,mood", []byte("image\tmos\tcomment\tmood\na.jpg\t3\tCalm.\t1\n"))
	f.Fuzz(func(t *testing.T, ext, columns string, text []byte) {
		if !slices.Contains([]string{".csv", ".tsv", ".json", ".jsonl", ".txt"}, ext) {
			ext = ".json"
		}
		var o train.ReadOptions
		if columns != "" {
			var err error
			if o.Columns, err = train.ParseColumns(strings.Split(columns, ",")); err != nil {
				return
			}
		}
		path := filepath.Join(t.TempDir(), "d"+ext)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		data, err := train.ReadData(context.Background(), path, o)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		for _, r := range data.Records {
			values := []float64{}
			if r.Score != nil {
				values = append(values, *r.Score)
			}
			for _, v := range r.Targets {
				values = append(values, v)
			}
			if r.Image == "" && (r.Messages == nil || len(values) > 0) || len(values) == 0 && strings.TrimSpace(r.Critique) == "" {
				t.Errorf("read %+v", r)
			}
			for _, v := range values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("read %v", v)
				}
			}
		}
	})
}
