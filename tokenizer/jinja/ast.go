package jinja

// The nodes of a template, after Jinja's own.
type (
	expr interface {
		eval(*frame) (any, error)
	}
	stmt interface {
		exec(*frame) error
	}

	constant  struct{ value any }
	variable  struct{ name string }
	listOf    struct{ items []expr }
	tupleOf   struct{ items []expr }
	dictOf    struct{ keys, values []expr }
	condition struct{ test, yes, no expr } // no is nil where there is no else
	boolean   struct {
		and         bool
		left, right expr
	}
	notOf      struct{ x expr }
	negative   struct{ x expr }
	positive   struct{ x expr }
	arithmetic struct {
		op          string
		left, right expr
	}
	concat  struct{ items []expr }
	compare struct {
		first expr
		rest  []operand
	}
	operand struct {
		op string
		x  expr
	}
	attribute struct {
		of   expr
		name string
	}
	item  struct{ of, key expr }
	slice struct{ from, to, step expr } // a key alone; each may be nil
	call  struct {
		of   expr
		args arguments
		line int
	}
	filter struct {
		of   expr // nil: the text of a block
		name string
		args arguments
		line int
	}
	test struct {
		of   expr
		name string
		args arguments
		line int
	}
	arguments struct {
		list       []expr
		names      []string
		named      []expr
		star, dict expr // *args, **kwargs
	}

	output struct {
		x    expr
		line int
	}
	literal struct{ text string }
	ifStmt  struct {
		tests  []expr
		bodies [][]stmt
		other  []stmt
	}
	forStmt struct {
		target    expr
		over      expr
		when      expr // nil for all
		body      []stmt
		other     []stmt
		recursive bool
	}
	setStmt struct{ target, value expr }
	setText struct {
		target  expr
		filters *filter
		body    []stmt
	}
	withStmt struct {
		targets, values []expr
		body            []stmt
	}
	macroStmt struct {
		name     string
		params   []string
		defaults []expr // of the last params
		body     []stmt
	}
	callStmt struct {
		call expr
		body *macroStmt
	}
	filterStmt struct {
		filters *filter
		body    []stmt
	}
	scopeStmt struct{ body []stmt } // {% generation %}, {% block %}
	jumpStmt  struct{ err error }
)

// namespaceItem is the target of {% set ns.x = ... %}.
type namespaceItem struct{ of, name string }
