package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// works is how a flag of a command that computes is tried. Beside the command's own arguments and with, the flag in each of
// these spellings must leave something else than without it, in what is printed or written; same, its documented default, must
// leave the same; and beside nothing of idle must it pass in silence: it is refused, or a note names it.
type works struct {
	with   string
	same   string
	other  []string
	idle   []string
	exempt string // why it is not tried here
}

// moving are what logs say of the machine, and not of the run.
var moving = regexp.MustCompile(`"(tokens_per_s|rss_bytes)":[^,}]*[,}]`)

// outcome is what a run leaves: what it prints, and every file of its --out, without names and times.
func outcome(t *testing.T, stdin string, args []string) (string, result) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	for i, a := range args {
		if a == "OUT" {
			args[i] = out
		}
	}
	r := start(t, stdin, args...)
	var left strings.Builder
	left.WriteString(moving.ReplaceAllString(strings.ReplaceAll(r.stdout, out, "OUT"), ""))
	_ = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "curves") && (!strings.Contains(path, "checkpoint") || !strings.HasSuffix(path, ".json")) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(out, path)
			fmt.Fprintf(&left, "%s %x\n", name, sha256.Sum256(moving.ReplaceAll(data, nil)))
		}
		return nil
	})
	return left.String(), r
}

// TestFlagsWork: no flag of the commands that compute is silently without effect. A flag that the table does not have fails.
func TestFlagsWork(t *testing.T) {
	dir := t.TempDir()
	pictures, err := filepath.Glob(filepath.Join(golden, "pictures", "*"))
	if err != nil || len(pictures) < 3 {
		t.Fatal("no pictures", err)
	}
	write := func(name string, records []map[string]any) string {
		var text strings.Builder
		for _, r := range records {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(line)
			text.WriteByte('\n')
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	absolute := func(i int) string {
		p, err := filepath.Abs(pictures[i%len(pictures)])
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var both, scores, words []map[string]any
	for i := range 4 {
		both = append(both, map[string]any{"image": absolute(i), "score": 20 + 17*i, "critique": []string{"Warm light.", "Flat.", "A wave, well cut.", "Dull."}[i], "targets": map[string]any{"mood": 9*i + 1, "line": 50 - 7*i}})
		scores = append(scores, map[string]any{"image": absolute(i), "score": 20 + 17*i})
		words = append(words, map[string]any{"image": absolute(i), "critique": "Good."})
	}
	both[3]["image"] = both[0]["image"] // two ratings of one picture
	data, scored, worded := write("both.jsonl", both), write("scores.jsonl", scores), write("words.jsonl", words)
	model := filepath.Join(golden, "model")
	on := func(data string) string { return "--data " + data + " --eval-split 0" }
	reads := "tried by the tests of models and inputs"
	taught := "--head " + insideHead
	common := map[string]works{
		"model": {exempt: reads}, "adapter": {exempt: reads}, "head": {exempt: reads}, "require-signature": {exempt: reads}, "threads": {exempt: "changes no bit, which other tests hold it to"},
		"kernels": {exempt: "changes no bit, which other tests hold it to"}, "device": {exempt: "changes no bit, which the tests of devices hold it to"},
		"device-layers": {idle: []string{"--device-layers 1"}}, "json": {exempt: "how it is printed"}, "out": {exempt: "where it is written"},
	}
	train := []string{"train", "--model", model, "--max-pixels", "3136", "--out", "OUT"}
	steps := " --steps 2 --lr 1e-2 --batch 2"
	for _, of := range []struct {
		command *cobra.Command
		base    []string
		plain   string // arguments beside those, where a law has none of its own
		laws    map[string]works
	}{
		{trainCommand(), train, on(data) + " --lora-rank 2" + steps, map[string]works{
			"device-layers": {exempt: "tried by TestNoFlagIsWithoutEffect"},
			"data":          {exempt: "every test of training gives it"}, "shape": {exempt: "TestTrainUsage"}, "dry-run": {exempt: "TestDryRunSaysWhatDataHold"}, "picture-tokens": {idle: []string{on(data) + " --picture-tokens 4"}},
			"resume": {exempt: "TestStopAndResume"}, "checkpoint-activations": {exempt: "changes no bit, which TestSameBytes holds it to"}, "steps": {exempt: "the base has it", idle: []string{on(data) + " --steps 2 --epochs 1"}},
			"columns":          {other: []string{"image,score", "image,critique,score=mood"}},
			"image-folder":     {exempt: "TestImageFolderOption"},
			"full":             {with: on(data) + steps, other: []string{"true"}},
			"head-only":        {exempt: "TestHeadOnly"},
			"lora-rank":        {with: on(data) + steps, same: "16", other: []string{"3"}, idle: []string{on(data) + " --full --lora-rank 2"}},
			"lora-alpha":       {same: "4", other: []string{"1", "1e-3"}, idle: []string{on(data) + " --lora-alpha 0", on(data) + " --full --lora-alpha 2"}},
			"lora-dropout":     {same: "0", other: []string{"0.5"}, idle: []string{on(data) + " --full --lora-dropout 0.1", on(data) + " --lora-dropout 1"}},
			"rslora":           {other: []string{"true"}, idle: []string{on(data) + " --full --rslora"}},
			"dora":             {other: []string{"true"}, idle: []string{on(data) + " --full --dora"}},
			"lora-target":      {other: []string{"*.qkv"}, idle: []string{on(data) + " --full --lora-target *.qkv", on(data) + " --lora-target nothing"}},
			"train-modules":    {other: []string{"model.norm"}, idle: []string{on(data) + " --full --train-modules model.norm", on(data) + " --train-modules nothing"}},
			"freeze":           {other: []string{"visual.*"}, idle: []string{on(data) + " --freeze visual", on(data) + " --freeze model.embed_tokens*"}},
			"epochs":           {exempt: "TestEpochs", idle: []string{on(data) + " --head-only --epochs 2"}},
			"batch":            {same: "2", other: []string{"1", "3"}, idle: []string{on(data) + " --batch 0"}},
			"accumulate":       {same: "1", other: []string{"2"}, idle: []string{on(data) + " --accumulate 0"}},
			"shuffle":          {same: "true", other: []string{"false"}},
			"seed":             {same: "0", other: []string{"4"}, idle: []string{"--data " + scored + " --eval-split 0 --head-only --seed 3"}},
			"lr":               {exempt: "the base has it", idle: []string{on(data) + " --lr 0", on(scored) + " --lr 1e-2 --head-lr 1e-3 --vision-lr 1e-3"}},
			"vision-lr":        {same: "1e-2", other: []string{"0", "1e-3"}, idle: []string{on(data) + " --vision-lr 1e-3 --freeze visual.*"}},
			"merger-lr":        {with: on(data) + " --full" + steps, same: "1e-2", other: []string{"0", "1e-3"}, idle: []string{on(data) + " --merger-lr 1e-3"}},
			"decoder-lr":       {same: "1e-2", other: []string{"0", "1e-3"}, idle: []string{on(scored) + " --decoder-lr 1e-3"}},
			"head-lr":          {same: "1e-2", other: []string{"0", "1e-3"}, idle: []string{on(worded) + " --head-lr 1e-3", on(worded) + " --head-lr 1e-3 " + taught}},
			"warmup":           {same: "0", other: []string{"1", "2"}, idle: []string{on(data) + " --warmup -1"}},
			"schedule":         {same: "cosine", other: []string{"constant", "linear"}},
			"weight-decay":     {with: on(data) + " --full" + steps, same: "0.01", other: []string{"0", "0.5"}, idle: []string{on(data) + " --head-only --weight-decay 0"}},
			"clip":             {same: "1", other: []string{"0", "1e-3"}},
			"score-weight":     {same: "1", other: []string{"0", "3"}, idle: []string{on(worded) + " --score-weight 2", on(worded) + " --score-weight 2 " + taught, on(scored) + " --score-weight 0"}},
			"raters":           {same: "mean", other: []string{"each"}, idle: []string{on(scored) + " --raters each", on(worded) + " --raters each"}},
			"score-loss":       {same: "squared", other: []string{"huber", "rank"}, idle: []string{on(worded) + " --score-loss huber", on(worded) + " --score-loss huber " + taught, on(data) + " --head-only --score-loss rank", on(data) + " --score-weight 0 --score-loss huber"}},
			"head-hidden":      {other: []string{"3"}, idle: []string{on(data) + " --head-hidden 3 " + taught, on(worded) + " --head-hidden 3"}},
			"head-init":        {same: "zero", other: []string{"ridge"}, idle: []string{on(data) + " --head-init ridge " + taught, on(worded) + " --head-init ridge", on(data) + " --head-only --head-init ridge"}},
			"score-range":      {same: "1,100", other: []string{"0,200"}, idle: []string{on(worded) + " --score-range 0,10", on(worded) + " --score-range 0,10 " + taught, on(data) + " --score-range 5,5"}},
			"eval-split":       {with: "--data " + data + " --lora-rank 2" + steps, same: "0.2", other: []string{"0", "0.7"}, idle: []string{"--data " + data + " --eval-split 0.001"}},
			"eval-every":       {with: "--data " + data + " --lora-rank 2 --eval-split 0.4" + steps, same: "0", other: []string{"1"}, idle: []string{on(data) + " --eval-every 1"}},
			"best-by":          {with: "--data " + data + " --lora-rank 2 --eval-split 0.4 --eval-every 1" + steps, same: "loss", exempt: "TestBestBy", idle: []string{on(data) + " --best-by mae", "--data " + worded + " --eval-split 0.5 --eval-every 1 --best-by score_loss", "--data " + scored + " --eval-split 0.5 --eval-every 1 --best-by lm_loss", "--data " + worded + " --eval-split 0.5 --eval-every 1 --best-by mae"}},
			"patience":         {exempt: "TestBest", idle: []string{on(data) + " --patience 1"}},
			"checkpoint-every": {same: "0", other: []string{"1"}, idle: []string{on(data) + " --head-only --checkpoint-every 1"}},
			"min-pixels":       {other: []string{"3136"}, same: "", exempt: reads}, "max-pixels": {exempt: "the base has it"}, "precision": {exempt: "TestLearnsInEachPrecision", idle: []string{on(data) + " --full --precision int8"}},
		}},
		{evalCommand(), []string{"eval", "--model", model, "--json", "--max-pixels", "3136", "--head", insideHead}, "--data " + data, map[string]works{
			"device-layers": {exempt: "tried by TestNoFlagIsWithoutEffect"},
			"data":          {exempt: "every test of evaluation gives it"}, "image-folder": {exempt: "TestImageFolderOption"}, "out": {exempt: "TestEvalRecords"}, "sbert": {exempt: "TestEvalTexts"},
			"columns":    {other: []string{"image,score=line"}},
			"split":      {exempt: "TestEvalRefuses", idle: []string{"--data " + data + " --split dev"}},
			"critique":   {exempt: "TestEvalRecords", idle: []string{"--data " + data + " --critique"}},
			"max-tokens": {exempt: "TestEvalRecords", idle: []string{"--data " + data + " --max-tokens 3"}},
			"plots":      {exempt: "TestEvalTable"}, "intervene": {exempt: "tried by the tests of changes made inside", idle: []string{"--data " + data + " --out OUT --critique --intervene x"}},
			"raters":     {same: "mean", other: []string{"each"}, idle: []string{"--data " + scored + " --raters each"}},
			"score-step": {same: "1", other: []string{"20"}, idle: []string{"--data " + data + " --score-step 0"}},
			"seed":       {same: "0", other: []string{"3"}},
			"min-pixels": {other: []string{"6272"}, exempt: reads}, "max-pixels": {exempt: "the base has it"}, "precision": {same: "exact", other: []string{"int8"}},
		}},
		{mergeCommand(), []string{"merge", "--model", model, "--out", "OUT"}, "", map[string]works{
			"device-layers": {idle: []string{"--dtype f32 --device-layers 1"}},
			"dtype":         {exempt: "TestMerge", idle: []string{"--dtype f16"}}, "min-pixels": {idle: []string{"--dtype f32 --min-pixels 3136"}}, "max-pixels": {idle: []string{"--dtype f32 --max-pixels 3136"}}, "precision": {idle: []string{"--dtype f32 --precision int8"}}, "device": {idle: []string{"--dtype f32 --device cpu"}},
		}},
		{quantizeCommand(), []string{"quantize", "--model", model, "--out", "OUT"}, "--precision int4", map[string]works{
			"group": {same: "32", other: []string{"64", "0"}, idle: []string{"--precision int4 --group 7"}}, "zero-points": {other: []string{"true"}, idle: []string{"--precision int8 --zero-points"}},
			"precision": {exempt: "TestQuantize", idle: []string{"--precision exact"}}, "min-pixels": {idle: []string{"--precision int8 --min-pixels 3136"}}, "max-pixels": {idle: []string{"--precision int8 --max-pixels 3136"}}, "device": {idle: []string{"--precision int8 --device cuda"}},
		}},
		{generateCommand(), []string{"generate", "--model", model, "--json", "Paint."}, "--max-tokens 6", map[string]works{
			"max-tokens": {with: "--temperature 0", same: "256", other: []string{"2"}, idle: []string{"--max-tokens 0"}}, "temperature": {same: "0", other: []string{"5"}, idle: []string{"--temperature -1"}},
			"top-k": {with: "--max-tokens 6 --temperature 9", same: "0", other: []string{"2"}, idle: []string{"--top-k 2"}}, "top-p": {with: "--max-tokens 6 --temperature 9", same: "1", other: []string{"0.1", "0"}, idle: []string{"--top-p 0.5"}},
			"min-p": {with: "--max-tokens 6 --temperature 9", same: "0", other: []string{"0.9"}, idle: []string{"--min-p 0.5"}}, "seed": {with: "--max-tokens 6 --temperature 9", same: "0", other: []string{"4"}, idle: []string{"--seed 4"}},
			"repetition-penalty": {same: "1", other: []string{"1e6"}, idle: []string{"--repetition-penalty 0"}}, "stop": {exempt: "TestDecodingFlags", idle: []string{"--stop="}},
			"system": {other: []string{"You paint."}}, "image": {exempt: reads}, "video": {exempt: reads}, "messages": {exempt: reads},
			"fps": {idle: []string{"--max-tokens 1 --fps 2", "--max-tokens 1 --fps 2 --image " + wave, "--fps 0"}}, "min-pixels": {idle: []string{"--max-tokens 1 --min-pixels 3136"}}, "max-pixels": {with: "--max-tokens 1 --image " + wave, other: []string{"3136"}, idle: []string{"--max-tokens 1 --max-pixels 3136"}},
			"precision": {same: "exact", other: []string{"int8"}}, "audit": {exempt: "tried by the tests of the audit"},
			"audit-name": {idle: []string{"--audit-name x"}}, "audit-key": {idle: []string{"--audit-key x"}}, "audit-explain": {idle: []string{"--audit-explain raw"}}, "witness": {idle: []string{"--witness http://x"}}, "witness-key": {idle: []string{"--witness-key x"}},
		}},
		{scoreCommand(), []string{"score", "--model", model, "--json", "--head", filepath.Join("..", "..", "runtime", "testdata", "gradients", "head"), wave}, "", map[string]works{
			"max-tokens": {with: "--critique", other: []string{"2"}, idle: []string{"--max-tokens 3"}}, "temperature": {with: "--critique --max-tokens 4", same: "0", other: []string{"5"}, idle: []string{"--temperature 2"}},
			"top-k": {with: "--critique --max-tokens 4 --temperature 9", same: "0", other: []string{"2"}, idle: []string{"--critique --top-k 2"}}, "top-p": {with: "--critique --max-tokens 4 --temperature 9", same: "1", other: []string{"0"}, idle: []string{"--critique --top-p 0.5"}},
			"min-p": {with: "--critique --max-tokens 4 --temperature 9", same: "0", other: []string{"0.9"}, idle: []string{"--critique --min-p 0.5"}}, "seed": {with: "--critique --max-tokens 4 --temperature 9", same: "0", other: []string{"4"}, idle: []string{"--critique --seed 4", "--seed 4"}},
			"repetition-penalty": {with: "--critique --max-tokens 4", same: "1", other: []string{"1e6"}, idle: []string{"--repetition-penalty 2"}}, "stop": {exempt: "TestDecodingFlags", idle: []string{"--stop x"}},
			"critique": {with: "--max-pixels 3136", other: []string{"true"}}, "system": {with: "--critique --max-tokens 12 --temperature 5", other: []string{"You paint."}}, "prompt": {with: "--critique --max-tokens 4", other: []string{"What?"}},
			"min-pixels": {exempt: reads}, "max-pixels": {other: []string{"3136"}}, "precision": {same: "exact", other: []string{"int8"}}, "audit": {exempt: "tried by the tests of the audit"},
			"audit-name": {idle: []string{"--audit-name x"}}, "audit-key": {idle: []string{"--audit-key x"}}, "audit-explain": {idle: []string{"--audit-explain raw"}}, "witness": {idle: []string{"--witness http://x"}}, "witness-key": {idle: []string{"--witness-key x"}},
		}},
		{benchCommand(), []string{"bench", "--json"}, "", map[string]works{
			"shape": {exempt: "TestBench"}, "what": {exempt: "TestBench", idle: []string{"--what x"}}, "seconds": {exempt: "times vary", idle: []string{"--seconds 0"}},
			"tokens": {exempt: "times vary", idle: []string{"--what decode --tokens 8", "--tokens 0"}}, "batch": {exempt: "times vary", idle: []string{"--what decode --batch 8", "--what batch --batch 0", "--what batch --batch 9999"}}, "answer": {exempt: "times vary", idle: []string{"--what decode --answer 8", "--what train --answer 0"}}, "image": {exempt: "times vary", idle: []string{"--what decode --image " + wave}}, "require-signature": {idle: []string{"--shape demo --require-signature x"}},
			"min-pixels": {idle: []string{"--what decode --min-pixels 3136"}}, "max-pixels": {idle: []string{"--what prefill,decode --max-pixels 3136"}}, "precision": {exempt: "TestBench"},
		}},
		{inspectCommand(), []string{"inspect", "--json", model}, "--quick", map[string]works{
			"quick": {with: "--threads 1", other: []string{"true"}}, "sign": {exempt: "tried by the tests of signatures", idle: []string{}}, "verify": {exempt: "tried by the tests of signatures", idle: []string{"--verify x --threads 1"}},
			"precision": {same: "exact", other: []string{"int8"}}, "kernels": {exempt: "it is shown"}, "adapter": {idle: []string{"--adapter x"}}, "head": {idle: []string{"--head " + insideHead}},
			"min-pixels": {idle: []string{"--min-pixels 3136"}}, "max-pixels": {idle: []string{"--max-pixels 3136"}},
		}},
		{tokenizeCommand(), []string{"tokenize", "--model", model}, "", map[string]works{"decode": {other: []string{"true"}}, "json": {other: []string{"true"}}}},
	} {
		t.Run(of.command.Name(), func(t *testing.T) {
			t.Parallel()
			plain := map[string]string{}
			run := func(words string, more ...string) (string, result) {
				return outcome(t, "12 34", slices.Concat(of.base, strings.Fields(words), more))
			}
			of.command.LocalFlags().VisitAll(func(f *pflag.Flag) {
				law, known := of.laws[f.Name]
				if !known {
					law, known = common[f.Name]
				}
				if !known && f.Name != "help" {
					t.Errorf("--%s is in no law: say what it changes, and where it is refused", f.Name)
				}
				for _, words := range law.idle {
					_, r := run(words)
					silent := !strings.Contains(r.stderr, "--"+f.Name+" ") && !strings.Contains(r.stderr, "--"+f.Name+":") && !strings.Contains(r.stderr, "--"+f.Name+`=`)
					if silent || r.status == 0 && !strings.Contains(r.stderr, "--"+f.Name+" changes nothing") && !strings.Contains(r.stderr, "--"+f.Name+" 0.001 of") {
						t.Errorf("%s: exit %d and %q; want --%s refused, or told of", words, r.status, r.stderr, f.Name)
					}
				}
				if law.exempt != "" || known && len(law.other) == 0 {
					return
				}
				if of.command.Name() == "train" && os.Getenv("LOUPE_LONG") == "" {
					return // a minute of short runs; what is refused is tried above
				}
				with := law.with
				if with == "" {
					with = of.plain
				}
				if _, ran := plain[with]; !ran {
					left, r := run(with)
					if r.status != 0 {
						t.Fatalf("%s: %s", with, r.stderr)
					}
					plain[with] = left
				}
				if law.same != "" {
					if left, r := run(with, "--"+f.Name+"="+law.same); r.status != 0 || left != plain[with] {
						t.Errorf("%s --%s=%s, its default, changes what comes out: exit %d %s", with, f.Name, law.same, r.status, r.stderr)
					}
				}
				for _, other := range law.other {
					if left, r := run(with, "--"+f.Name+"="+other); r.status != 0 || left == plain[with] {
						t.Errorf("%s --%s=%s changes nothing: exit %d %s", with, f.Name, other, r.status, r.stderr)
					}
				}
			})
		})
	}
}
