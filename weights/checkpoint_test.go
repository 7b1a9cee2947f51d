package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCanonicalName(t *testing.T) {
	for stored, want := range map[string]string{
		"visual.blocks.0.norm1.weight":                        "visual.blocks.0.norm1.weight",
		"model.layers.3.mlp.up_proj.weight":                   "model.layers.3.mlp.up_proj.weight",
		"lm_head.weight":                                      "lm_head.weight",
		"model.visual.merger.ln_q.bias":                       "visual.merger.ln_q.bias",
		"model.language_model.layers.0.self_attn.q_proj.bias": "model.layers.0.self_attn.q_proj.bias",
		"model.language_model.embed_tokens.weight":            "model.embed_tokens.weight",
		"model.language_model.norm.weight":                    "model.norm.weight",
		"language_model.model.norm.weight":                    "model.norm.weight",
		"language_model.lm_head.weight":                       "lm_head.weight",
		"language_model.layers.0.mlp.down_proj.weight":        "model.layers.0.mlp.down_proj.weight",
		"score_head.weight":                                   "score_head.weight",
		"model.language_modelx.y":                             "model.language_modelx.y",
	} {
		if got := CanonicalName(stored); got != want {
			t.Errorf("CanonicalName(%q) = %q, want %q", stored, got, want)
		}
	}
}

func f32(name string, n int) Named { return FromF32(name, []int{n}, make([]float32, n)) }

func TestOpenCheckpointSingle(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, SingleName), encoded(t, nil,
		f32("model.language_model.norm.weight", 4), f32("model.visual.x", 2), FromI64("ids", []int{1}, []int64{7})))
	c, err := OpenCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x, err := c.Tensor("model.norm.weight", 4)
	if err != nil || x.Stored != "model.language_model.norm.weight" || x.Name != "model.norm.weight" {
		t.Errorf("%+v, %v", x, err)
	}
	if got := strings.Join(c.Unused(), " "); got != "ids visual.x" {
		t.Errorf("unused: %s", got)
	}
	wantError(t, c.RequireAllUsed(), `"ids"`, "visual.x", SingleName)
	_, err = c.Tensor("lm_head.weight", 8, 4)
	wantError(t, err, `"lm_head.weight"`, "missing", dir)
	_, err = c.Tensor("visual.x", 2, 1)
	wantError(t, err, `"model.visual.x"`, "[2]", "[2 1]", SingleName)
	_, err = c.Tensor("ids", 1)
	wantError(t, err, `"ids"`, "I64", SingleName)
	if _, err := c.Tensor("visual.x", -1); err != nil {
		t.Error(err)
	}
	if got := c.Files(); len(got) != 1 || filepath.Base(got[0]) != SingleName {
		t.Errorf("files %v", got)
	}
}

// shards writes two shards and the index given, and opens them.
func openShards(t *testing.T, index string) error {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "s1.safetensors"), encoded(t, nil, f32("a", 1), f32("b", 1)))
	put(t, filepath.Join(dir, "s2.safetensors"), encoded(t, nil, f32("c", 1)))
	put(t, filepath.Join(dir, IndexName), []byte(index))
	if err := os.Mkdir(filepath.Join(dir, "dir.safetensors"), 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := OpenCheckpoint(dir)
	if err == nil {
		if got := strings.Join(c.Names(), " "); got != "a b c" {
			t.Errorf("names %s", got)
		}
		defer c.Close()
		for _, name := range c.Names() {
			if _, err := c.Tensor(name); err != nil {
				t.Error(err)
			}
		}
		return c.RequireAllUsed()
	}
	// Within a file system the answer is the same.
	if _, fserr := OpenCheckpointFS(os.DirFS(dir), "."); fserr == nil {
		t.Errorf("OpenCheckpointFS accepts what OpenCheckpoint refuses: %v", err)
	}
	return err
}

// TestHeadOfAClassifier: what transformers and TRL save for a task of the kind seq_cls is named as that.
func TestHeadOfAClassifier(t *testing.T) {
	for name, want := range map[string]string{"score.weight": "seq_cls", "v_head.summary.weight": "seq_cls", "scores.weight": "has no place"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, SingleName), encoded(t, nil, f32(name, 1)))
		c, err := OpenCheckpoint(dir)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, c.RequireAllUsed(), name, want)
	}
}

func TestOpenCheckpointShards(t *testing.T) {
	const s1, s2 = `"s1.safetensors"`, `"s2.safetensors"`
	if err := openShards(t, `{"metadata":{"total_size":12},"weight_map":{"a":`+s1+`,"b":`+s1+`,"c":`+s2+`}}`); err != nil {
		t.Fatal(err)
	}
	for name, index := range map[string]string{
		"no metadata":        `{"weight_map":{"a":` + s1 + `,"b":` + s1 + `,"c":` + s2 + `}}`,
		"unlisted":           `{"weight_map":{"a":` + s1 + `,"c":` + s2 + `}}`, // transformers reads whole shards
		"a tied lm_head":     `{"weight_map":{"a":` + s1 + `,"b":` + s1 + `,"c":` + s2 + `,"lm_head.weight":` + s2 + `}}`,
		"frequencies":        `{"weight_map":{"a":` + s1 + `,"b":` + s1 + `,"c":` + s2 + `,"model.rotary_emb.inv_freq":` + s2 + `,"visual.rotary_pos_emb.inv_freq":` + s1 + `}}`,
		"other keys beside":  `{"metadata":{"total_size":"12","total_parameters":3},"format":"pt","weight_map":{"a":` + s1 + `,"c":` + s2 + `}}`,
		"metadata of a kind": `{"metadata":null,"weight_map":{"a":` + s1 + `,"c":` + s2 + `}}`,
	} {
		if err := openShards(t, index); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		index string
		want  []string
	}{
		"not json":     {`{`, []string{IndexName, "ends early"}},
		"no map":       {`{}`, []string{IndexName, "weight_map"}},
		"empty map":    {`{"weight_map":{}}`, []string{IndexName, "weight_map is empty"}},
		"not a string": {`{"weight_map":{"a":1}}`, []string{IndexName, `"a"`, "a number"}},
		"missing":      {`{"weight_map":{"a":` + s1 + `,"b":` + s1 + `,"c":` + s2 + `,"d":"s3.safetensors"}}`, []string{"s3.safetensors", "missing", `"d"`}},
		"directory":    {`{"weight_map":{"a":"dir.safetensors"}}`, []string{"dir.safetensors"}},
		"absent":       {`{"weight_map":{"a":` + s1 + `,"b":` + s1 + `,"c":` + s2 + `,"d":` + s2 + `}}`, []string{`"d"`, "s2.safetensors", "does not hold"}},
		"elsewhere":    {`{"weight_map":{"a":` + s1 + `,"b":` + s2 + `,"c":` + s2 + `}}`, []string{`"b"`, "s1.safetensors", "s2.safetensors"}},
		"traversal":    {`{"weight_map":{"a":"../../../../etc/passwd"}}`, []string{"../../../../etc/passwd", "plain"}},
		"dots":         {`{"weight_map":{"a":"../x.safetensors"}}`, []string{"../x.safetensors", "plain"}},
		"absolute":     {`{"weight_map":{"a":"/x.safetensors"}}`, []string{"/x.safetensors", "plain"}},
		"sub":          {`{"weight_map":{"a":"d/x.safetensors"}}`, []string{"plain"}},
		"backslash":    {`{"weight_map":{"a":"..\\x.safetensors"}}`, []string{"plain"}},
		"drive":        {`{"weight_map":{"a":"c:x.safetensors"}}`, []string{"plain"}},
		"other kind":   {`{"weight_map":{"a":"pytorch_model.bin"}}`, []string{"plain"}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, openShards(t, c.index), c.want...) })
	}
}

func TestOpenCheckpointRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenCheckpoint(filepath.Join(dir, "nowhere"))
	wantError(t, err, "nowhere")
	_, err = OpenCheckpoint(dir)
	wantError(t, err, dir, SingleName, IndexName)
	file := put(t, filepath.Join(dir, "file"), nil)
	_, err = OpenCheckpoint(file)
	wantError(t, err, file, "directory")
	if err := os.Mkdir(filepath.Join(dir, SingleName), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = OpenCheckpoint(dir)
	wantError(t, err, SingleName, "directory")

	both := t.TempDir()
	put(t, filepath.Join(both, SingleName), encoded(t, nil, f32("a", 1)))
	put(t, filepath.Join(both, IndexName), []byte(`{"weight_map":{"a":"s1.safetensors"}}`))
	c, err := OpenCheckpoint(both) // as transformers: the shards are not looked at
	if err != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "model.safetensors is used, and not the shards of model.safetensors.index.json") {
		t.Errorf("%v, %+v", err, c)
	}
	put(t, filepath.Join(both, IndexName), []byte(`{"weight_map":{"a":"model.safetensors"}}`))
	if c, err = OpenCheckpoint(both); err != nil || len(c.Notes) != 0 {
		t.Errorf("%v, %+v", err, c)
	}

	twice := t.TempDir()
	put(t, filepath.Join(twice, SingleName), encoded(t, nil, f32("visual.a", 1), f32("model.visual.a", 1)))
	_, err = OpenCheckpoint(twice)
	wantError(t, err, `"visual.a"`, `"model.visual.a"`, "same tensor")
}

// TestVariants: weights under the name of a variant alone are found; of several none is guessed, and what else lies there is named.
func TestVariants(t *testing.T) {
	one := encoded(t, nil, f32("a", 1))
	for name, c := range map[string]struct {
		files []string
		want  string // the note, or part of the error
	}{
		"single":        {[]string{"model.fp16.safetensors"}, "the weights are a variant's, model.fp16.safetensors"},
		"shards":        {[]string{"model.safetensors.index.bf16.json", "model.bf16-00001-of-00001.safetensors"}, "the weights are a variant's, model.safetensors.index.bf16.json"},
		"no index":      {[]string{"model-00001-of-00001.safetensors"}, "there is no model.safetensors.index.json; the 1 shards are used by their numbers"},
		"one of two":    {[]string{"model-00002-of-00002.safetensors"}, "1 of 2 shards; download the others"},
		"two of shards": {[]string{"model-00001-of-00001.safetensors", "model-00001-of-00002.safetensors"}, "shards of several checkpoints"},
		"several":       {[]string{"model.fp16.safetensors", "model.bf16.safetensors"}, "several variants"},
		"adapter":       {[]string{"adapter_model.safetensors"}, "Options.Adapter"},
		"pickle":        {[]string{"pytorch_model.bin"}, "but pytorch_model.bin"},
		"gguf":          {[]string{"model-Q4_K_M.gguf", "mmproj.gguf"}, "but mmproj.gguf, model-Q4_K_M.gguf"},
		"nothing":       {nil, "loupe.Load takes a directory as Hugging Face ships it"},
	} {
		dir := t.TempDir()
		for _, file := range c.files {
			data := one
			if strings.HasSuffix(file, ".json") {
				data = []byte(`{"weight_map": {"a": "model.bf16-00001-of-00001.safetensors"}}`)
			}
			put(t, filepath.Join(dir, file), data)
		}
		says := ""
		got, err := OpenCheckpoint(dir)
		switch {
		case err != nil:
			says = err.Error()
		case len(got.Names()) != 1:
			t.Errorf("%s: %v", name, got.Names())
		default:
			says = strings.Join(got.Notes, " ")
		}
		if !strings.Contains(says, c.want) {
			t.Errorf("%s: %q, want %q", name, says, c.want)
		}
		if _, fserr := OpenCheckpointFS(os.DirFS(dir), "."); (fserr == nil) != (err == nil) {
			t.Errorf("%s: %v, within a file system %v", name, err, fserr)
		}
	}
}

func TestOpenCheckpointFS(t *testing.T) {
	fsys := fstest.MapFS{"demo/model.safetensors": {Data: encoded(t, map[string]string{"format": "pt"}, f32("a", 3))}}
	c, err := OpenCheckpointFS(fsys, "demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tensor("a", 3); err != nil || c.Metadata()["format"] != "pt" {
		t.Errorf("%v, %v", err, c.Metadata())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, err = OpenCheckpointFS(fsys, "other")
	wantError(t, err, "other")
}

// The digest does not depend on naming style or sharding.
func TestDigestIndependence(t *testing.T) {
	digest := func(files map[string][]byte) string {
		dir := t.TempDir()
		for name, data := range files {
			put(t, filepath.Join(dir, name), data)
		}
		c, err := OpenCheckpoint(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return Digest(c.Digests())
	}
	one := digest(map[string][]byte{SingleName: encoded(t, nil, f32("visual.a", 2), f32("model.b", 3))})
	two := digest(map[string][]byte{
		"s1.safetensors": encoded(t, nil, f32("model.visual.a", 2)),
		"s2.safetensors": encoded(t, map[string]string{"k": "v"}, f32("model.language_model.b", 3)),
		IndexName:        []byte(`{"weight_map":{"model.visual.a":"s1.safetensors","model.language_model.b":"s2.safetensors"}}`),
	})
	if one != two {
		t.Errorf("digests differ: %s %s", one, two)
	}
	if other := digest(map[string][]byte{SingleName: encoded(t, nil, FromF32("visual.a", []int{1, 2}, make([]float32, 2)), f32("model.b", 3))}); other == one {
		t.Error("the digest does not bind the shape")
	}
}

// TestRelease: what was released is read again from the file, and tensors that share its pages are untouched.
func TestRelease(t *testing.T) {
	values := func(from, n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(from + i)
		}
		return out
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	sizes := map[string]int{"a": 100, "b": 1 << 16, "c": 7, "d": 1 << 14}
	var all []Named
	for name, n := range sizes {
		all = append(all, FromF32(name, []int{n}, values(n, n)))
	}
	if err := Write(path, all, nil); err != nil {
		t.Fatal(err)
	}
	c, err := OpenCheckpointFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, release := range []string{"", "b", "c", "d", "none"} {
		c.Release(release)
		for name, n := range sizes {
			x, err := c.Tensor(name, n)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.F32(), values(n, n)) {
				t.Errorf("after %q was released, %q holds something else", release, name)
			}
		}
	}
	f, err := NewFile("memory", raw(`{"a":{"dtype":"U8","shape":[20000],"data_offsets":[0,20000]}}`, bytes.Repeat([]byte{7}, 20000)...))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := assemble(".", []*File{f})
	if err != nil {
		t.Fatal(err)
	}
	memory.Release("a")
	if got := memory.tensors["a"]; !bytes.Equal(got.Data, bytes.Repeat([]byte{7}, 20000)) {
		t.Error("releasing a tensor that is no map lost its data")
	}
}
