package main

import (
	"regexp"
	"strings"
	"testing"
)

// goWords are words of Go's libraries that say nothing to whoever runs the program.
var goWords = regexp.MustCompile(`strconv|Go struct|Go value|%!|unexpected end of JSON|\bEOF\b|\sjson: |json\.[A-Z]|pflag|invalid syntax|invalid character|runtime error|panic|goroutine|interface \{|unmarshal|arg\(s\)|flag needs|quoted-field|reflect|\[\]|listen tcp|value out of range|ParseFloat|ParseInt|Atoi`)

// TestErrorsInWords gives commands wrong flags and wrong files: each fails, and says so without the words of Go's libraries.
func TestErrorsInWords(t *testing.T) {
	files := map[string]string{
		"empty": "", "open": "{", "nums": "[1,2]", "text": `"x"`, "number": "7", "object": `{"a":1}`, "null": "null", "tail": `[{"role":"user","content":"hi"}]x`, "role": `[{"role": 3}]`,
		"image": `[{"role":"user","content":[{"type":"image","image":7}]}]`, "bytes": "\xff\xfe\x00", "rows": `[{"tap":"visual.*.out","op":"zero","rows":"x"}]`, "huge": `[{"tap":"visual.*.out","op":"scale","scale":1e400}]`,
		"high": `{"image":"a.png","score":"high"}`, "word": `{"image": "a.png", "score": tru}`, "escape": `{"image": "a\q.png", "score": 1}`,
	}
	var lines []string
	for name, text := range files {
		json := write(t, name+".json", text)
		lines = append(lines, "generate --messages "+json, "trace --tap visual.* --out x.npz --intervene "+json, "train --out o --data "+json, "eval --data "+json, "lens --what probe --data "+json, "score "+json)
	}
	for _, text := range []string{"a,b\n1\n", "a,b\n1,x\n", "\"1,2\n", "image,score\na.png,1e\n", "1,2,3\n"} {
		lines = append(lines, "eval --data "+write(t, "t.csv", text), "train --out o --data "+write(t, "t.csv", text))
	}
	lines = append(lines, "score --threads x", "score --max-pixels 1e3", "score --threads 99999999999999999999", "score --json=maybe", "score --system", "score --critique --seed -1", "score --critique --temperature 1e999",
		"generate a b", "generate --fps x", "generate --stop", "attend --json --query x", "attend --json --layers 1,x", "trace --tap visual.* --out x.npz --grad logit:99999999999999999999", "trace --tap visual.* --out x.npz --steps 1.5",
		"train --data d --out o --vision-lr x", "train --data d --out o --lr 1e999", "train --data d --out o --score-range a,b", "train --data d --out o --score-range 1", "train --data d --out o --head-hidden x", "train --data d --out o --head-hidden 0",
		"eval --data d --score-step x", "quantize --out o", "quantize --precision int8 --group x --out o", "studio --addr 1:99999", "studio --addr nowhere", "studio --cache-mb x", "demo paint --seed -3 --out q", "demo nosuch", "audit nosuch", "audit show", "verify", "pull", "version x", "inspect a b", "nosuch")
	for _, line := range lines {
		r := start(t, "", strings.Fields(line)...)
		if r.status == 0 {
			t.Errorf("%s: it is taken: %s", line, r.stderr)
		}
		if said := goWords.FindString(r.stderr + r.stdout); said != "" {
			t.Errorf("%s says %q: %s%s", line, said, r.stderr, r.stdout)
		}
	}
}
