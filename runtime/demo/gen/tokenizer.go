package main

import (
	"bytes"
	_ "embed" // for the chat template
	"strconv"
)

// special are the added tokens, with the last ids of the vocabulary, in the published order.
var special = []string{
	"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
	"<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
}

// publishedSpecial is how many of them tokenizer.json lists: as in the published files, those of pictures and videos stand
// in tokenizer_config.json alone.
const publishedSpecial = 12

// specialID is the id of a special token, -1 for a name that is none.
func specialID(name string) int {
	for i, s := range special {
		if s == name {
			return vocabSize - len(special) + i
		}
	}
	return -1
}

//go:embed chat_template.jinja
var chatTemplate string

// splitPattern is how Qwen2's pre-tokenizer cuts text.
const splitPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// vocabulary is a JSON object from tokens to ids, in order of ids.
type vocabulary []string

// MarshalJSON writes the tokens in order, which a map would not keep.
func (v vocabulary) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for id, token := range v {
		if id > 0 {
			b.WriteByte(',')
		}
		key, err := encodeJSON(token, "")
		if err != nil {
			return nil, err
		}
		b.Write(bytes.TrimSpace(key))
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(id))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type byteLevel struct {
	Type           string `json:"type"`
	AddPrefixSpace bool   `json:"add_prefix_space"`
	TrimOffsets    bool   `json:"trim_offsets"`
	UseRegex       bool   `json:"use_regex"`
}

type splitFile struct {
	Type    string `json:"type"`
	Pattern struct {
		Regex string `json:"Regex"`
	} `json:"pattern"`
	Behavior string `json:"behavior"`
	Invert   bool   `json:"invert"`
}

type tokenizerFile struct {
	Version     string       `json:"version"`
	Truncation  any          `json:"truncation"`
	Padding     any          `json:"padding"`
	AddedTokens []addedToken `json:"added_tokens"`
	Normalizer  struct {
		Type string `json:"type"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type          string `json:"type"`
		Pretokenizers []any  `json:"pretokenizers"`
	} `json:"pre_tokenizer"`
	PostProcessor byteLevel `json:"post_processor"`
	Decoder       byteLevel `json:"decoder"`
	Model         modelFile `json:"model"`
}

type modelFile struct {
	Type                    string     `json:"type"`
	Dropout                 any        `json:"dropout"`
	UnkToken                any        `json:"unk_token"`
	ContinuingSubwordPrefix string     `json:"continuing_subword_prefix"`
	EndOfWordSuffix         string     `json:"end_of_word_suffix"`
	FuseUnk                 bool       `json:"fuse_unk"`
	ByteFallback            bool       `json:"byte_fallback"`
	Vocab                   vocabulary `json:"vocab"`
	Merges                  []string   `json:"merges"`
}

// tokenizerJSON is tokenizer.json in the published layout.
func tokenizerJSON(b *bpe) tokenizerFile {
	bytesOnly := byteLevel{Type: "ByteLevel"}
	f := tokenizerFile{Version: "1.0", PostProcessor: bytesOnly, Decoder: bytesOnly}
	for _, s := range special[:publishedSpecial] {
		f.AddedTokens = append(f.AddedTokens, addedToken{ID: specialID(s), Content: s, Special: true})
	}
	f.Normalizer.Type = "NFC"
	split := splitFile{Type: "Split", Behavior: "Isolated"}
	split.Pattern.Regex = splitPattern
	f.PreTokenizer.Type = "Sequence"
	f.PreTokenizer.Pretokenizers = []any{split, bytesOnly}
	f.Model = modelFile{Type: "BPE", Vocab: b.tokens}
	for _, m := range b.merges {
		f.Model.Merges = append(f.Model.Merges, b.tokens[m[0]]+" "+b.tokens[m[1]])
	}
	return f
}

// tokenizerConfigFile is tokenizer_config.json in the published layout.
type tokenizerConfigFile struct {
	AddPrefixSpace            bool                   `json:"add_prefix_space"`
	AddedTokensDecoder        map[string]decodedItem `json:"added_tokens_decoder"`
	AdditionalSpecialTokens   []string               `json:"additional_special_tokens"`
	BosToken                  any                    `json:"bos_token"`
	ChatTemplate              string                 `json:"chat_template"`
	CleanUpTokenizationSpaces bool                   `json:"clean_up_tokenization_spaces"`
	EosToken                  string                 `json:"eos_token"`
	PaddingSide               string                 `json:"padding_side"`
	Errors                    string                 `json:"errors"`
	ModelMaxLength            int                    `json:"model_max_length"`
	PadToken                  string                 `json:"pad_token"`
	SplitSpecialTokens        bool                   `json:"split_special_tokens"`
	TokenizerClass            string                 `json:"tokenizer_class"`
	UnkToken                  any                    `json:"unk_token"`
}

type decodedItem struct {
	Content    string `json:"content"`
	LStrip     bool   `json:"lstrip"`
	Normalized bool   `json:"normalized"`
	RStrip     bool   `json:"rstrip"`
	SingleWord bool   `json:"single_word"`
	Special    bool   `json:"special"`
}

func tokenizerConfig() tokenizerConfigFile {
	f := tokenizerConfigFile{
		AddedTokensDecoder:      map[string]decodedItem{},
		AdditionalSpecialTokens: special[1:],
		ChatTemplate:            chatTemplate,
		EosToken:                "<|im_end|>",
		PaddingSide:             "left",
		Errors:                  "replace",
		ModelMaxLength:          text.MaxPositionEmbeddings,
		PadToken:                "<|endoftext|>",
		TokenizerClass:          "Qwen2Tokenizer",
	}
	for _, s := range special {
		f.AddedTokensDecoder[strconv.Itoa(specialID(s))] = decodedItem{Content: s, Special: true}
	}
	return f
}
