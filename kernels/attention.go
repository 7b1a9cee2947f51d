package kernels

// Attention is one job of a device: every head of every part, independently of the others. A part is one sequence, or one
// segment of it that attends to itself only. Heads come in groups: query head h reads key head h/(Heads/KVHeads) (grouped queries,
// Ainslie et al., arXiv 2305.13245). For each query out = softmax(q·k * head_dim^-0.5) · v over the keys that it sees, true
// probability rows and no online softmax, so that looking changes nothing.
type Attention struct {
	Heads, KVHeads int
	// From and To are the heads to compute, [From, To); both are whole groups in a backward.
	From, To int
	Parts    []AttentionPart
	// Inspect is called at Stages; with none it may be nil. With any, there is one part.
	Inspect Inspector
	Stages  AttentionStages
}

// AttentionPart is the queries of one sequence, and the keys and values that they may see.
type AttentionPart struct {
	Q, Out Array   // (queries, heads*head_dim)
	K, V   []Array // pages, each (rows, kv_heads*head_dim), in the order of the positions
	// Query i sees keys [0, First+More*i): More is 1 where attention is causal, and 0 inside a segment.
	First, More int

	// Gradients, of the shapes of what they belong to, for AttentionBackward: DOut is read, the others are added to, and are
	// empty where nobody wants them. There is one page then.
	DOut, DQ, DK, DV Array
}

// Keys is the number of keys on all pages.
func (p *AttentionPart) Keys() int {
	n := 0
	for _, page := range p.K {
		n += page.Rows
	}
	return n
}

// Visible is how many keys a query sees.
func (p *AttentionPart) Visible(query int) int { return p.First + p.More*query }

// Inspector looks at an attention from inside, and may change what it sees: taps and interventions.
type Inspector interface {
	// Inspect is given the rows of some queries of a head, from query on, on the host. Where it changes them, that is computed on
	// with. At each of the attention's stages every row of every head comes once, in any order and from several goroutines at once.
	// In a backward, which goes forward again first, changes are made again at Scores and Probs.
	Inspect(at AttentionStages, head, query int, rows Array) (changed bool, err error)
}

// AttentionStages is a set of places within an attention.
type AttentionStages uint8

// The stages. Rows of the first two have the keys that the last of their queries sees: those beyond [AttentionPart.Visible] of a row
// are undefined, and changes of them count for nothing. Rows of ProbsGrad have all keys: also those that are not
// seen have a gradient, which is how the result would change if a query looked there.
const (
	Scores     AttentionStages = 1 << iota // q·k * head_dim^-0.5
	Probs                                  // after the softmax
	ProbsGrad                              // the gradient of what followed Probs
	ScoresGrad                             // the gradient of what followed Scores
	// Again is set beside Scores and Probs while a backward goes forward once more.
	Again
)
