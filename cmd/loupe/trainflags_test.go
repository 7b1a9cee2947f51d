package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagCase is what shows that a flag of a command is not without effect: a command line that is refused by its name, or two that
// give different results. Flags that choose where or how to write, or how fast to compute, are shown elsewhere and say where.
type flagCase struct {
	refused string // arguments that are refused by the flag's name
	other   string // a value that gives another result
	with    string // arguments beside it, with and without the flag
	shown   string // the test, or the reason
}

// trainCases are the flags of train. The bases: a step of LoRA, or what with says.
var trainCases = map[string]flagCase{
	"data": {refused: "--out o"}, "out": {refused: "--data d"}, "columns": {shown: "columns_test.go"}, "image-folder": {shown: "columns_test.go"},
	"model": {shown: "every other case names it"}, "adapter": {shown: "TestFlagsThatSayNothing"}, "head": {shown: "TestKeptTarget"},
	"min-pixels": {other: "12544"}, "max-pixels": {other: "6272"}, "precision": {other: "int8"}, "threads": {shown: "results do not depend on it: TestSameBytes"}, "kernels": {shown: "results do not depend on it: kernels' tests"},
	"device":        {shown: "results do not depend on it: TestFakeGPU"},
	"device-layers": {refused: "--device-layers 1 --data {D} --out {O}"},
	"full":          {refused: "--full --lora-rank 2 --data d --out o"}, "head-only": {refused: "--head-only --epochs 2 --data {D} --out {O}"},
	"lora-rank": {other: "3"}, "lora-alpha": {refused: "--lora-alpha 0 --data d --out o", other: "9"}, "lora-dropout": {other: "0.5"}, "rslora": {other: "true"}, "dora": {other: "true"},
	"lora-target": {other: "*.q_proj"}, "train-modules": {other: "model.norm"}, "freeze": {refused: "--freeze nothing --data {D} --out {O}", other: "visual.*"},
	"epochs": {refused: "--steps 3 --epochs 2 --data d --out o"}, "steps": {refused: "--steps 0 --data d --out o", other: "3"}, "batch": {other: "3"}, "accumulate": {other: "2"},
	"shuffle": {other: "false"}, "seed": {other: "5"}, "lr": {other: "1e-2"}, "vision-lr": {other: "0"}, "decoder-lr": {other: "0"}, "head-lr": {other: "0"}, "merger-lr": {refused: "--merger-lr 1 --data {D} --out {O}"},
	"warmup": {other: "2"}, "schedule": {other: "linear", with: "--steps 3"}, "weight-decay": {other: "0.9", with: "--steps 3 --lr 0.1"}, "clip": {other: "1e-9"}, "score-weight": {other: "7"},
	"raters": {shown: "TestRatersAreOnePicture"}, "score-loss": {other: "huber", with: "--lr 0.1 --steps 3"}, "head-hidden": {other: "4"}, "head-init": {other: "ridge"}, "score-range": {other: "0,200"},
	"eval-split": {shown: "TestSplit"}, "eval-every": {shown: "TestBest"}, "patience": {refused: "--patience 2 --data d --out o"}, "best-by": {refused: "--best-by mae --data d --out o"},
	"resume": {refused: "--head-only --resume --data {D} --out {O}"}, "checkpoint-every": {shown: "TestStopAndResume"}, "checkpoint-activations": {shown: "the same bits in less memory: TestPlanShape"},
	"require-signature": {shown: "a model without one is refused: signature tests"}, "dry-run": {shown: "TestTrainUsage"}, "shape": {refused: "--shape 2b"}, "picture-tokens": {refused: "--picture-tokens 9 --data d --out o"}, "json": {shown: "what is printed"},
}

var evalCases = map[string]flagCase{
	"data": {refused: ""}, "columns": {shown: "columns_test.go"}, "image-folder": {shown: "columns_test.go"}, "split": {refused: "--data {S} --split eval"}, "sbert": {shown: "TestEvalTexts"},
	"critique": {refused: "--data {D} --critique"}, "max-tokens": {refused: "--data {D} --max-tokens 3"}, "out": {refused: "--data {S} --out x"}, "plots": {refused: "--data {T} --sbert {B} --plots x"},
	"raters": {refused: "--data {S} --raters each"}, "score-step": {refused: "--data {S} --score-step -1"}, "seed": {shown: "TestEvalTable"}, "json": {shown: "what is printed"},
	"model": {refused: "--data {S} --model m"}, "adapter": {refused: "--data {S} --adapter a"}, "head": {refused: "--data {S} --head h"}, "min-pixels": {refused: "--data {S} --min-pixels 9"},
	"max-pixels": {refused: "--data {S} --max-pixels 9"}, "precision": {refused: "--data {S} --precision int8"}, "threads": {refused: "--data {S} --threads 1"}, "kernels": {refused: "--data {S} --kernels generic"}, "device": {refused: "--data {S} --device cpu"}, "device-layers": {refused: "--data {S} --device-layers 1"},
	"require-signature": {refused: "--data {S} --require-signature k"}, "intervene": {refused: "--data {D} --critique --out x --intervene i.json"},
}

var mergeCases = map[string]flagCase{
	"model": {shown: "TestMerge"}, "adapter": {shown: "TestMerge"}, "head": {shown: "TestMerge"}, "out": {refused: "--adapter a"}, "dtype": {refused: "--out o --dtype int3"},
	"min-pixels": {refused: "--out o --min-pixels 9"}, "max-pixels": {refused: "--out o --max-pixels 9"}, "precision": {refused: "--out o --precision int8"}, "device": {refused: "--out o --device cuda"}, "device-layers": {refused: "--out o --device-layers 1"},
	"threads": {shown: "results do not depend on it"}, "kernels": {shown: "results do not depend on it"}, "require-signature": {shown: "a model without one is refused: signature tests"},
}

// TestNoFlagIsWithoutEffect: walks every flag of train, eval and merge; each is refused where it would change nothing, or
// changes what is written. A flag that is new has no case yet, and fails.
func TestNoFlagIsWithoutEffect(t *testing.T) {
	dir := t.TempDir()
	if err := paint.Write(context.Background(), dir, 8, 4, nil); err != nil {
		t.Fatal(err)
	}
	scores, texts := write(t, "s.csv", "1,2\n3,4\n"), write(t, "t.csv", "reference,critique\na,b\n")
	fill := strings.NewReplacer("{D}", filepath.Join(dir, paint.DataName), "{S}", scores, "{T}", texts, "{B}", tinySBERT)
	model := []string{"--model", filepath.Join(golden, "model")}
	for _, c := range []struct {
		of    *cobra.Command
		cases map[string]flagCase
	}{{trainCommand(), trainCases}, {evalCommand(), evalCases}, {mergeCommand(), mergeCases}} {
		var names []string
		c.of.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		for _, name := range names {
			k, known := c.cases[name]
			switch {
			case name == "help":
			case !known:
				t.Errorf("%s --%s has no case: say how it is shown to change something", c.of.Name(), name)
			case k.shown == "" && k.other == "" || k.refused != "":
				args := strings.Fields(fill.Replace(strings.ReplaceAll(k.refused, "{O}", filepath.Join(t.TempDir(), "out"))))
				if c.of.Name() == "train" && strings.Contains(k.refused, "{D}") {
					args = append(args, model...)
				}
				if r := start(t, "", append([]string{c.of.Name()}, args...)...); r.status == 0 || !strings.Contains(r.stderr, "--"+name) && !strings.Contains(k.refused, "--head-only --epochs") {
					t.Errorf("%s %v: exit %d: %s", c.of.Name(), args, r.status, r.stderr)
				}
			}
		}
		for name := range c.cases {
			if !slices.Contains(names, name) {
				t.Errorf("%s has no flag --%s any more", c.of.Name(), name)
			}
		}
	}
	if os.Getenv("LOUPE_LONG") == "" {
		t.Log("set LOUPE_LONG=1 to train with and without each flag that is not refused")
		return
	}
	results := map[string]string{}
	learn := func(args ...string) string {
		key := strings.Join(args, " ")
		if results[key] == "" {
			out := filepath.Join(t.TempDir(), "out")
			base := append(append([]string{"train"}, model...), "--data", filepath.Join(dir, paint.DataName), "--out", out)
			if !strings.Contains(key, "--max-pixels") && !strings.Contains(key, "--min-pixels") {
				base = append(base, "--max-pixels", "3136")
			}
			if !strings.Contains(key, "--steps") {
				base = append(base, "--steps", "2")
			}
			if !strings.Contains(key, "--batch") {
				base = append(base, "--batch", "2")
			}
			ok(t, "", append(base, args...)...)
			head, err := os.ReadFile(filepath.Join(out, "score_head.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile(filepath.Join(out, "score_head.json"))
			if err != nil {
				t.Fatal(err)
			}
			results[key] = string(adapterBytes(t, out)) + string(head) + string(config)
		}
		return results[key]
	}
	for name, k := range trainCases {
		if k.other == "" {
			continue
		}
		with := strings.Fields(k.with)
		if learn(append(with, "--"+name+"="+k.other)...) == learn(with...) {
			t.Errorf("train --%s=%s gives what no flag does", name, k.other)
		}
	}
}

// adapterBytes is the file of weights of the adapter in dir.
func adapterBytes(t *testing.T, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
