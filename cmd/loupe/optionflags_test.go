package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/loupe-vl/loupe/runtime/bench"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/runtime/trace/report"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// optionTypes are the structs of options that errors of the library name, as they name them.
var optionTypes = map[string]reflect.Type{
	"Options": reflect.TypeFor[loupe.Options](), "Files": reflect.TypeFor[loupe.Files](), "Generation": reflect.TypeFor[loupe.Generation](),
	"Input": reflect.TypeFor[loupe.Input](), "PatchOptions": reflect.TypeFor[loupe.PatchOptions](), "TraceOptions": reflect.TypeFor[loupe.TraceOptions](), "QuantizeOptions": reflect.TypeFor[loupe.QuantizeOptions](),
	"attribution.Options": reflect.TypeFor[attribution.Options](), "figure.Style": reflect.TypeFor[figure.Style](), "lens.LogitOptions": reflect.TypeFor[lens.LogitOptions](),
	"report.LensOptions": reflect.TypeFor[report.LensOptions](), "bench.Options": reflect.TypeFor[bench.Options](), "audit.RedactOptions": reflect.TypeFor[audit.RedactOptions](),
	"train.Options": reflect.TypeFor[train.Options](), "train.LoRAOptions": reflect.TypeFor[train.LoRAOptions](), "train.Schedule": reflect.TypeFor[train.Schedule](),
	"train.EvalOptions": reflect.TypeFor[train.EvalOptions](), "train.ReadOptions": reflect.TypeFor[train.ReadOptions](),
}

// wholeTypes are those of which each field that a person chooses has a flag, and the fields that nobody chooses by name.
var wholeTypes = map[string][]string{
	"Options":           {"PrefillChunk"},
	"Files":             nil,
	"Generation":        {"IgnoreEOS", "Sampling"},
	"QuantizeOptions":   {"Progress"},
	"train.Options":     {"Columns", "ImageFolder", "LoRA", "AutoRecompute", "Schedule", "Given"},
	"train.LoRAOptions": {"Freeze", "Seed"}, // those of Options
	"train.Schedule":    {"Steps"},          // as above
}

// allFlags are the flags of all commands.
func allFlags() map[string]bool {
	flags := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	return flags
}

// TestOptionsHaveFlags: each field that the table has is one of the library's, each flag one of the program's, and no field that people
// choose lacks one.
func TestOptionsHaveFlags(t *testing.T) {
	flags := allFlags()
	for field, flag := range called {
		if flag, _, _ := strings.Cut(flag, " "); strings.HasPrefix(flag, "--") && !flags[flag] {
			t.Errorf("%s is called %s, which no command has", field, flag)
		}
		at := strings.LastIndexByte(field, '.')
		if of, is := optionTypes[field[:at]]; is {
			if _, has := of.FieldByName(field[at+1:]); !has {
				t.Errorf("%s is called %s, and %v has no such field", field, flag, of)
			}
		}
	}
	for name, but := range wholeTypes {
		for _, f := range reflect.VisibleFields(optionTypes[name]) {
			if _, has := called[name+"."+f.Name]; !has && f.IsExported() && !slices.Contains(but, f.Name) {
				t.Errorf("%s.%s has no name on the command line", name, f.Name)
			}
		}
	}
}

// TestFlagsSetTheirFields: the flag that errors name for a field is the one that sets it, where pflag tells what a flag sets.
func TestFlagsSetTheirFields(t *testing.T) {
	checked := 0
	check := func(cmd *cobra.Command, name string, options any) {
		of := reflect.ValueOf(options).Elem()
		for field, flag := range called {
			own, is := strings.CutPrefix(field, name+".")
			f := cmd.Flags().Lookup(strings.TrimPrefix(flag, "--"))
			if !is || strings.Contains(own, ".") || f == nil {
				continue
			}
			value := reflect.ValueOf(f.Value)
			if value.Kind() != reflect.Pointer || value.Elem().Kind() == reflect.Struct {
				continue
			}
			if value.Pointer() != of.FieldByName(own).Addr().Pointer() && of.FieldByName(own).Kind() != reflect.Pointer {
				t.Errorf("%s of %s does not set %s", flag, cmd.Name(), field)
			}
			checked++
		}
	}
	var learn trainFlags
	cmd := &cobra.Command{Use: "train"}
	learn.model.register(cmd)
	learn.register(cmd)
	check(cmd, "train.Options", &learn.options)
	check(cmd, "train.LoRAOptions", &learn.options.LoRA)
	check(cmd, "train.Schedule", &learn.options.Schedule)
	check(cmd, "Options", &learn.model.options)
	var say decodingFlags
	cmd = &cobra.Command{Use: "generate"}
	say.register(cmd)
	check(cmd, "Generation", &say.gen)
	if checked < 30 {
		t.Errorf("only %d flags were held to their fields", checked)
	}
}

// optionName is an option's name in a text of the library, and functionName that of a function that takes one.
var (
	optionName   = regexp.MustCompile(`\b(?:[a-z]+\.)?[A-Z]\w*\.[A-Z]\w*|\b(?:loupe|train|sbert|audit|modelsig)\.[A-Z]\w*`)
	functionName = regexp.MustCompile(`^(?:loupe|train|sbert|audit|modelsig)\.[A-Z]\w*$`)
)

// TestLibraryNamesKnownOptions: whatever option a text of the library names has a name on the command line, so that no field of Go
// reaches somebody who typed a flag.
func TestLibraryNamesKnownOptions(t *testing.T) {
	found := map[string]bool{}
	for _, top := range []string{"kernels", "weights", "tokenizer", "vit", "decoder", "runtime"} {
		err := filepath.WalkDir(filepath.Join("..", "..", top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "gen" {
				return fs.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, is := n.(*ast.BasicLit)
				if !is || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					return true
				}
				for _, name := range optionName.FindAllString(text, -1) {
					if strings.HasSuffix(text, "Options.") && name == strings.TrimSuffix(text, ".") {
						continue // the beginning of a name that is put together
					}
					_, of := optionTypes[name[:strings.LastIndexByte(name, '.')]]
					if _, known := called[name]; !known && (of || functionName.MatchString(name)) {
						t.Errorf("%s: %s has no name on the command line, in %q", set.Position(lit.Pos()), name, text)
					}
					found[name] = true
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 60 {
		t.Errorf("the library names %d options: the search finds too few", len(found))
	}
}

// TestErrorsSayFlags: what people read names what they typed, wherever the error comes from.
func TestErrorsSayFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"generate", "--temperature", "-3", "hi"}, "--temperature is -3; give 0 (greedy)"},
		{[]string{"generate", "--precision", "fp8", "hi"}, `--precision is "fp8"; use exact`},
		{[]string{"generate", "--messages", "m.json", "hi"}, "--messages holds the whole conversation; leave the prompt and --system away"},
		{[]string{"generate", "--model", "nowhere", "hi"}, "give --model a directory"},
		{[]string{"train", "--out", "o"}, "--data is missing; name a JSON Lines"},
		{[]string{"train", "--data", "d", "--out", "o", "--score-loss", "cubic"}, `--score-loss is "cubic"; give squared, huber or rank`},
		{[]string{"attend", "--method", "gradcam", "--target", "diff:1", "--out", "a.png"}, "--target diff:1: diff takes two tokens"},
		{[]string{"merge", "--out", "o"}, "there is nothing to merge; give --adapter, or a type as --dtype bf16"},
		{[]string{"trace", "--list", "--tap", "nothing"}, "`loupe trace --list` lists them"},
	} {
		r := start(t, "", c.args...)
		last := r.stderr[strings.LastIndex(strings.TrimSpace(r.stderr), "\n")+1:]
		if r.status == 0 || !strings.Contains(last, c.want) {
			t.Errorf("%v: exit %d: %s\nwant %q", c.args, r.status, last, c.want)
		}
		if name := optionName.FindString(last); name != "" {
			t.Errorf("%v names %s: %s", c.args, name, last)
		}
	}
}
