package hub

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// entry is a file of a repository, as the hub lists it.
type entry struct {
	Path string `json:"path"`
	Type string `json:"type"` // "file" or "directory"
	Size int64  `json:"size"`
	OID  string `json:"oid"` // the SHA-1 of git's blob
	LFS  *struct {
		OID  string `json:"oid"` // the SHA-256 of the bytes
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// etag is the name of the file's blob: the digest of its bytes.
func (e entry) etag() string {
	if e.LFS != nil {
		return e.LFS.OID
	}
	return e.OID
}

// bytes is the file's size.
func (e entry) bytes() int64 {
	if e.LFS != nil {
		return e.LFS.Size
	}
	return e.Size
}

// companions are the files beside the weights that a model, an adapter, a score head or a sentence encoder can have.
var companions = []string{
	"config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
	"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json", "special_tokens_map.json",
	"chat_template.json", "chat_template.jinja",
	"score_head.json", "score_head.safetensors", "loupe.json", "adapter_config.json", "adapter_model.safetensors",
	"modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json",
	"model.sig", "LICENSE", "LICENSE.md", "LICENSE.txt", "LICENSE.TXT",
}

// The weights of a model: one file, or an index that names several.
const (
	oneFile   = "model.safetensors"
	indexFile = "model.safetensors.index.json"
)

// wanted are the files that a model needs, without its shards, and whether those are to be read from its index. One file goes before
// an index, as transformers has it.
func wanted(list []entry) (out []entry, sharded bool, err error) {
	has := map[string]bool{}
	for _, e := range list {
		if e.Type == "file" {
			has[e.Path] = true
		}
	}
	for _, e := range list {
		if e.Type != "file" || !safePath(e.Path) {
			continue
		}
		template := strings.HasPrefix(e.Path, "additional_chat_templates/") && strings.HasSuffix(e.Path, ".jinja")
		if slices.Contains(companions, e.Path) || template || e.Path == oneFile || e.Path == indexFile && !has[oneFile] {
			out = append(out, e)
		}
	}
	sharded = has[indexFile] && !has[oneFile]
	if !sharded && !has[oneFile] && !has["adapter_model.safetensors"] && !has["score_head.safetensors"] {
		return nil, false, fmt.Errorf("it holds no safetensors weights (%s)%s", oneFile, otherWeights(list))
	}
	return out, sharded, nil
}

// otherWeights says what a repository holds in place of safetensors.
func otherWeights(list []entry) string {
	for _, e := range list {
		switch ext := strings.ToLower(path.Ext(e.Path)); ext {
		case ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf":
			return fmt.Sprintf(", but %s, which loupe does not read; look for a repository of the model with safetensors", e.Path)
		}
	}
	return ""
}

// shards are the files that an index names.
func shards(index []byte, list []entry) ([]entry, error) {
	var file struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &file); err != nil || len(file.WeightMap) == 0 {
		return nil, fmt.Errorf("its %s names no files", indexFile)
	}
	names := map[string]bool{}
	for _, name := range file.WeightMap {
		names[name] = true
	}
	var out []entry
	for _, e := range list {
		if names[e.Path] && e.Type == "file" {
			if !safePath(e.Path) {
				return nil, fmt.Errorf("its %s names %q, which leads out of the model's directory", indexFile, e.Path)
			}
			out = append(out, e)
			delete(names, e.Path)
		}
	}
	for name := range names {
		return nil, fmt.Errorf("its %s names %q, which the repository does not hold", indexFile, name)
	}
	return out, nil
}

// safePath reports whether a file of a repository stays in its directory.
func safePath(name string) bool {
	return name != "" && name == path.Clean(name) && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") && !strings.ContainsAny(name, "\\:\x00")
}
