package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// alternatives are the words of a flag's help that stand for its values, as in "exact|bf16|int8|int4".
var alternatives = regexp.MustCompile("`?[a-z0-9][a-z0-9_.]*`?(?: \\([^)]*\\))?(?:\\|[A-Za-z0-9][A-Za-z0-9_.:,-]*(?: \\([^)]*\\))?)+")

// TestClosedValuesComplete: walks every flag of every command. One whose help lists its values, as in a|b|c, is completed with
// exactly these; its default is one of them; and what is completed is taken.
func TestClosedValuesComplete(t *testing.T) {
	closed := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			var listed []string
			for _, part := range alternatives.FindAllString(f.Usage, -1) {
				part = regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(strings.ReplaceAll(part, "`", ""), "")
				for _, word := range strings.Split(part, "|") {
					word, _, _ = strings.Cut(word, ":")
					if word = strings.Trim(word, ",."); !slices.Contains(listed, word) && strings.ToUpper(word) != word {
						listed = append(listed, word)
					}
				}
			}
			if len(listed) < 2 || f.Name == "positions" {
				return
			}
			closed++
			complete, known := c.GetFlagCompletionFunc(f.Name)
			if !known {
				t.Errorf("%s --%s lists %v, and no shell completes it", c.CommandPath(), f.Name, listed)
				return
			}
			values, _ := complete(c, nil, "")
			var words []string
			for _, v := range values {
				word, _, _ := strings.Cut(string(v), ":")
				if !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
			for _, w := range listed {
				if !slices.Contains(words, w) {
					t.Errorf("%s --%s: the help lists %q, and a shell completes %v", c.CommandPath(), f.Name, w, words)
				}
			}
			for _, w := range words {
				if !slices.Contains(listed, w) {
					t.Errorf("%s --%s: a shell completes %q, and the help lists %v", c.CommandPath(), f.Name, w, listed)
				}
			}
			if d := f.DefValue; d != "" && f.Value.Type() == "string" && !slices.Contains(words, d) {
				t.Errorf("%s --%s: the default %q is none of %v", c.CommandPath(), f.Name, d, words)
			}
		})
	}
	walk(newRoot())
	if closed < 35 {
		t.Errorf("%d flags list their values", closed)
	}
}

// TestUnknownValuesName: a value that a flag does not know is refused by the flag's name and those that it knows, with status 2.
func TestUnknownValuesName(t *testing.T) {
	for _, c := range []string{
		"score --precision", "score --kernels", "attend --json --method", "attend --json --method occlusion --baseline", "attend --out x.png --colors", "lens --what", "lens --out x.png --colors",
		"train --data d --out o --schedule", "train --data d --out o --score-loss", "train --data d --out o --raters", "train --data d --out o --eval-every 1 --best-by", "train --data d --out o --head-init", "train --dry-run --shape",
		"merge --out o --dtype", "eval --data d.jsonl --raters", "eval --data d.jsonl --split", "bench --shape", "bench --what", "trace --against x.json --sweep", "trace --against x.json --site",
		"quantize --out o --precision", "attend --json --method gradcam --target", "trace --tap x --out y.npz --grad",
	} {
		args := append(strings.Fields(c), "nosuch")
		flag := args[len(args)-2]
		r := start(t, "", args...)
		if r.status != exitUsage || !strings.Contains(r.stderr, flag) || !strings.Contains(r.stderr, "nosuch") {
			t.Errorf("%s nosuch: exit %d: %s", c, r.status, r.stderr)
		}
	}
}

// TestRefusedFlagsAreHidden: a flag that a command always refuses is not in its help.
func TestRefusedFlagsAreHidden(t *testing.T) {
	for command, flags := range map[string][]string{"merge": {"min-pixels", "max-pixels", "precision"}, "quantize": {"min-pixels", "max-pixels", "adapter"}, "inspect": {"adapter", "head", "min-pixels", "max-pixels"}} {
		help := ok(t, "", command, "--help")
		for _, name := range flags {
			if strings.Contains(help, "--"+name+" ") {
				t.Errorf("%s --help lists --%s", command, name)
			}
			if r := start(t, "", command, "--out", t.TempDir()+"/o", "--"+name, "9"); command != "inspect" && r.status == 0 {
				t.Errorf("%s takes --%s", command, name)
			}
		}
	}
}
