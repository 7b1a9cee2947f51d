package audit

import (
	"strconv"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
)

// Decision is the predicate of a score, an answer or both: everything that it depends on, by digest, and the result.
type Decision struct {
	Header
	Command string `json:"command"` // "score", "generate", "studio"
	Started string `json:"started"` // UTC, RFC 3339
	Ended   string `json:"ended"`

	Program    Program    `json:"program"`
	Arithmetic Arithmetic `json:"arithmetic"`
	Model      Part       `json:"model"`
	Adapter    *Part      `json:"adapter,omitempty"`
	Head       *Part      `json:"head,omitempty"`
	Template   Digest     `json:"template"` // of the chat template's text
	Where      Digest     `json:"where"`    // kept, salted: the paths of the model and the pictures on the machine that decided

	Pixels   Pixels   `json:"pixels"`
	Sources  []Source `json:"sources"`            // pictures and videos, in the order of the conversation
	Patches  Digest   `json:"patches,omitempty"`  // of the images' patch tensor, float32 little-endian
	Frames   Digest   `json:"frames,omitempty"`   // of the videos' patch tensor
	Rubric   string   `json:"rubric"`             // "default": the system text is the program's; "own"; "none"
	Asked    Digest   `json:"asked"`              // kept, salted: the conversation, the rendered prompt, its token ids
	Sampling Sampling `json:"sampling"`           // how tokens were chosen; of no effect where none were
	Blocks   Digest   `json:"blocks"`             // kept: digests of what each block put out
	Scores   []Scored `json:"scores,omitempty"`   // of each target of the score head
	Answered Digest   `json:"answered,omitempty"` // kept, salted: the text, its token ids and their log-probabilities
	Tokens   int      `json:"tokens"`             // generated
	Finish   string   `json:"finish,omitempty"`   // "stop" or "length"
	Logits   Digest   `json:"logits,omitempty"`   // of the logits of each step, as `generate --json` prints it

	Explained []Explained `json:"explained,omitempty"`
}

// Program is the program that computed the decision.
type Program struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the sources
	Modified bool   `json:"modified,omitempty"` // whether the sources differed from the revision
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Kernels  string `json:"kernels"` // no bit depends on it
	Threads  int    `json:"threads"` // no bit depends on it
	// Device is what computed, where that was no CPU. No bit depends on it, unless the precision is of one architecture.
	Device *Device `json:"device,omitempty"`
}

// Device is a GPU that computed a decision.
type Device struct {
	Kind    string `json:"kind"` // "cuda"
	Name    string `json:"name"`
	Arch    string `json:"arch"`                     // "sm_90"
	Driver  string `json:"driver"`                   // the version of CUDA that its driver has: "13.0"
	Library string `json:"driver_library,omitempty"` // the file of the driver's library, where that is not the system's
}

// String is one line for people.
func (d Device) String() string { return loupe.DeviceInfo(d).String() }

// Arithmetic is what the bits of a result depend on beside its inputs.
type Arithmetic struct {
	Version   int    `json:"version"` // loupe.ArithmeticVersion
	Precision string `json:"precision"`
	Arch      string `json:"arch,omitempty"` // "sm_90": of the GPU, where the precision has other bits on each architecture; else ""
}

// String is the precision, and the architecture that its bits are of.
func (a Arithmetic) String() string {
	if a.Arch == "" {
		return a.Precision
	}
	return a.Precision + " on " + a.Arch
}

// Part is the model, an adapter or a score head: the digest of its manifest, and the digest of its tensors alone.
type Part struct {
	Name     string `json:"name"`     // the last element of its path; it identifies nothing
	Manifest Digest `json:"manifest"` // kept
	Weights  Digest `json:"weights"`  // of all tensors, as `loupe inspect` prints it: independent of how files cut them
	// Signature is the digest of its model.sig, if it is signed. A replay does not need it.
	Signature Digest `json:"signature,omitempty"`
}

// Manifest is the kept list of the files and tensors of a part. Names are bound to digests, so that no two files can be
// swapped.
type Manifest struct {
	Files   []ManifestFile   `json:"files"`
	Tensors []ManifestTensor `json:"tensors"`
}

// ManifestFile is one file of a part.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 Digest `json:"sha256"`
}

// ManifestTensor is one tensor of a part.
type ManifestTensor struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	SHA256 Digest `json:"sha256"`
}

// Pixels are the limits of resized pictures.
type Pixels struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Source is a picture or a video.
type Source struct {
	Kind   string       `json:"kind"` // "image" or "video"
	Frames bool         `json:"frames,omitempty"`
	Files  []SourceFile `json:"files"` // one, or the frames of a video
	Grid   []int        `json:"grid"`  // patches: frames, rows, columns
}

// SourceFile is a file of a source and what was decoded from it.
type SourceFile struct {
	Bytes  Digest  `json:"bytes"` // kept
	Pixels []Plane `json:"pixels"`
}

// Plane is a decoded picture: RGB, row after row.
type Plane struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	RGB    Digest `json:"rgb"`
}

// Sampling is how tokens were chosen.
type Sampling struct {
	MaxTokens         int      `json:"max_tokens"`
	Temperature       Decimal  `json:"temperature"`
	TopK              int      `json:"top_k"`
	TopP              *Decimal `json:"top_p,omitempty"`
	MinP              Decimal  `json:"min_p"`
	RepetitionPenalty Decimal  `json:"repetition_penalty"`
	Seed              string   `json:"seed"` // a decimal number
	Stop              []string `json:"stop,omitempty"`
	IgnoreEOS         bool     `json:"ignore_eos,omitempty"`
}

// Scored is one target of the score head.
type Scored struct {
	Name    string  `json:"name"`
	Output  Decimal `json:"output"`  // standardized, as the head computes it
	Value   Decimal `json:"value"`   // output*std + mean
	Clamped Decimal `json:"clamped"` // value within the head's range
}

// Explained is an attribution that was kept with the decision, computed with the method's documented defaults.
type Explained struct {
	Method string   `json:"method"`
	Target string   `json:"target"`          // what it explains; "" where it follows attention alone
	Kept   Digest   `json:"kept"`            // the map, canonical JSON
	Total  *Decimal `json:"total,omitempty"` // what its parts add up to, to the bit, where they do
}

// asked is the kept file of what was asked.
type asked struct {
	Messages []tokenizer.Message `json:"messages"`
	Sources  [][]string          `json:"sources"` // names of the files of each picture and video
	FPS      float64             `json:"fps"`
	Prompt   string              `json:"prompt"`
	IDs      []int               `json:"ids"`
}

// answered is the kept file of what was answered.
type answered struct {
	Text     string    `json:"text"`
	Tokens   []int     `json:"tokens"`
	LogProbs []Decimal `json:"logprobs"`
}

// where is the kept file of paths.
type where struct {
	Model   string `json:"model"` // "" for the embedded one
	Adapter string `json:"adapter,omitempty"`
	Head    string `json:"head,omitempty"`
}

// blocks is the kept file of block digests.
type blocks struct {
	Blocks []loupe.BlockDigest `json:"blocks"`
	Steps  []string            `json:"steps"`
}

func sampling(g loupe.Generation) Sampling {
	s := Sampling{
		MaxTokens: g.MaxTokens, Temperature: Double(g.Temperature), TopK: g.TopK, MinP: Double(g.MinP), RepetitionPenalty: Double(g.RepetitionPenalty),
		Seed: strconv.FormatUint(g.Seed, 10), Stop: g.Stop, IgnoreEOS: g.IgnoreEOS,
	}
	if g.TopP != nil {
		p := Double(*g.TopP)
		s.TopP = &p
	}
	return s
}

// generation is the inverse of sampling: the options that a record says.
func (s Sampling) generation() (loupe.Generation, error) {
	var g loupe.Generation
	var err error
	number := func(d Decimal) float64 {
		v, e := d.Float()
		if err == nil {
			err = e
		}
		return v
	}
	g.MaxTokens, g.TopK, g.Stop, g.IgnoreEOS = s.MaxTokens, s.TopK, s.Stop, s.IgnoreEOS
	g.Temperature, g.MinP, g.RepetitionPenalty = number(s.Temperature), number(s.MinP), number(s.RepetitionPenalty)
	if s.TopP != nil {
		p := number(*s.TopP)
		g.TopP = &p
	}
	seed, e := strconv.ParseUint(s.Seed, 10, 64)
	if err == nil {
		err = e
	}
	g.Seed = seed
	return g, err
}
