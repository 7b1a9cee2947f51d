package weights

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights/disk"
)

// The golden models open whole: configs, and every tensor with the shape that
// the config implies for a few that pin it.
func TestGoldenModels(t *testing.T) {
	for _, which := range []string{"a", "b"} {
		t.Run(which, func(t *testing.T) {
			dir := shared(t, "golden", which, "model")
			cfg, err := ReadConfig(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			if len(cfg.Unknown) > 0 {
				t.Errorf("unknown keys %q", cfg.Unknown)
			}
			gen, err := generationFile(filepath.Join(dir, "generation_config.json"))
			if err != nil || len(gen.EosTokenIDs) != 2 || gen.EosTokenIDs[0] != cfg.EosTokenIDs[0] {
				t.Errorf("%+v, %v", gen, err)
			}
			pre, err := preprocessorFile(filepath.Join(dir, "preprocessor_config.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := pre.Check(cfg.Vision); err != nil {
				t.Error(err)
			}
			c, err := OpenCheckpoint(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			text, vision := cfg.Text, cfg.Vision
			for name, shape := range map[string][]int{
				"model.embed_tokens.weight":              {text.VocabSize, text.HiddenSize},
				"model.layers.0.self_attn.k_proj.weight": {text.NumKeyValueHeads * text.HeadDim, text.HiddenSize},
				"visual.patch_embed.proj.weight":         {vision.EmbedDim, vision.InChannels, vision.TemporalPatchSize, vision.PatchSize, vision.PatchSize},
				"visual.blocks.1.mlp.fc1.weight":         {vision.MLPDim(), vision.EmbedDim},
			} {
				if _, err := c.Tensor(name, shape...); err != nil {
					t.Error(err)
				}
			}
			if c.Has("lm_head.weight") == text.TieWordEmbeddings {
				t.Error("lm_head.weight and tie_word_embeddings disagree")
			}
			for _, x := range c.Tensors() {
				if err := CheckFinite(x); err != nil {
					t.Error(err)
				}
				if s, err := Statistics(x); err != nil || s.Count != x.Len() || s.Min > s.Max {
					t.Errorf("%v: %+v, %v", x, s, err)
				}
			}
			if n, files := len(c.Unused()), c.Files(); n != len(c.Names())-4 || len(files) == 0 {
				t.Errorf("%d unused of %d, files %v", n, len(c.Names()), files)
			}
		})
	}
}

// The published files, and those of the adapter in its own naming.
func TestReferenceConfigs(t *testing.T) {
	for size, hidden := range map[string]int{"2b": 1536, "7b": 3584} {
		dir := shared(t, "reference", "qwen2-vl-"+size+"-instruct")
		cfg, err := ReadConfig(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Text.HiddenSize != hidden || cfg.Text.HeadDim != 128 || cfg.Vision.HeadDim() != 80 || cfg.Text.TieWordEmbeddings != (size == "2b") || len(cfg.Unknown) > 0 {
			t.Errorf("%s: %+v", size, cfg)
		}
		if _, err := generationFile(filepath.Join(dir, "generation_config.json")); err != nil {
			t.Error(err)
		}
		if _, err := preprocessorFile(filepath.Join(dir, "preprocessor_config.json")); err != nil {
			t.Error(err)
		}
	}
	awq := shared(t, "reference", "qwen2-vl-2b-instruct-awq")
	path := filepath.Join(awq, "config.json")
	_, err := ReadConfig(path)
	wantError(t, err, path, "quantization_config", "not supported yet")
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := ParseConfig(path, with(t, string(data), "quantization_config", ""))
	if err != nil || cfg.Vision.Depth != 32 || cfg.Vision.EmbedDim != 1280 {
		t.Errorf("%+v, %v", cfg, err)
	}
	if p, err := preprocessorFile(filepath.Join(awq, "preprocessor_config.json")); err != nil || p.MaxPixels != 1003520 {
		t.Errorf("%+v, %v", p, err)
	}
}

// The real index of the 2B model parses, and names what the list of tensors names.
func TestReferenceIndex(t *testing.T) {
	dir := shared(t, "reference", "qwen2-vl-2b-instruct")
	data, err := disk.Read(filepath.Join(dir, IndexName), disk.JSONLimit)
	if err != nil {
		t.Fatal(err)
	}
	index, err := parseIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	list, err := disk.Read(filepath.Join(dir, "tensors.tsv"), disk.JSONLimit)
	if err != nil {
		t.Fatal(err)
	}
	for name := range index {
		if !strings.Contains(string(list), name+"\t") || CanonicalName(name) != name {
			t.Errorf("%s", name)
		}
	}
}

// Every case file opens: they are written by the reference implementation.
func TestGoldenFiles(t *testing.T) {
	root := shared(t, "golden")
	files, err := filepath.Glob(filepath.Join(root, "*", "*", "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files under %s: %v", root, err)
	}
	for _, path := range files {
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
