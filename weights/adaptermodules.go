package weights

// ModuleKind is what a module of the model is to an adapter.
type ModuleKind int

// The kinds of modules: torch.nn.Linear, Conv3d and Embedding, which can have a branch; norms, which have weights; and what has
// no weights of its own: containers, activations, rotary embeddings.
const (
	OtherModule ModuleKind = iota
	LinearModule
	ConvModule
	EmbeddingModule
	NormModule
)

// Module is a module of the model under its canonical name (see CanonicalName).
type Module struct {
	Name string
	Kind ModuleKind
	Bias bool // it has one
}

// Modules lists the modules of the model in the order in which the reference builds them, containers before what they hold, so
// that an adapter's names and patterns meet what PEFT holds them against.
func (c *Config) Modules() []Module { return c.Family().modules(c) }
