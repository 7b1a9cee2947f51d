// Package jinja runs chat templates: exactly the part of Jinja that transformers' environment has.
//
// That environment is Jinja's ImmutableSandboxedEnvironment with trim_blocks and lstrip_blocks, the tags of loopcontrols
// and {% generation %}, a tojson of its own, raise_exception and strftime_now. Anything else that a template uses is an
// error that names it and its line: no template silently renders to another text. testdata/templates.py makes the fixtures
// from transformers.
//
//   - Parse reads a template into the nodes of ast.go (lexer.go, parser.go).
//   - Template.Render runs it (eval.go, exec.go) within bounds of time, memory
//     and depth (frame.go), since a template comes with a checkpoint.
//   - Values are Python's: List and Dict keep order, strings count characters,
//     and repr.go writes them as Python prints them.
//
// Left out: include, import, extends, block, do, autoescape and trans;
// whole numbers beyond 64 bits; filters for web pages (xmlattr, urlize, ...).
//
// It may import the standard library and golang.org/x/text; nothing else of
// this module.
package jinja
