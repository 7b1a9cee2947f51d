package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagLaw is how a flag of a command that looks inside is tried: beside these arguments, its documented default in words that the
// flag takes changes nothing, and another value changes what is printed. Where the flag means nothing, it is refused.
type flagLaw struct {
	with   string // arguments beside which it means something
	same   string // a value that is the default; "" for the flag's own
	other  string // another value; for a switch "true"
	idle   string // arguments beside which it means nothing; "" where there are none
	exempt string // why it is not tried: what tries it
}

// ownFlags are those of a command but the ones of models and inputs, which other tests try.
func ownFlags(cmd *cobra.Command) map[string]*pflag.Flag {
	shared := &cobra.Command{}
	new(modelFlags).register(shared)
	new(inputFlags).register(shared)
	out := map[string]*pflag.Flag{}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if shared.Flags().Lookup(f.Name) == nil && f.Name != "help" {
			out[f.Name] = f
		}
	})
	return out
}

// TestFlagLaws: every flag of attend, lens and trace that is given its documented default changes nothing, given another value it
// changes what is printed, and where it would change nothing it is refused. A flag that is not in the table fails.
func TestFlagLaws(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(`[{"role": "user", "content": "The canvas holds a muted palette."}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	input := []string{"--model", filepath.Join(golden, "model"), "--head", insideHead, "--max-pixels", "4704"}
	picture := append(slices.Clone(input), "--image", wave, "Score this painting.")
	text := append(slices.Clone(input), "The canvas holds a vivid palette.")
	written := "tried by the tests of what it writes"
	for _, of := range []struct {
		command *cobra.Command
		base    []string
		laws    map[string]flagLaw
	}{
		{attendCommand(), append([]string{"attend", "--json"}, picture...), map[string]flagLaw{
			"method":        {other: "rollout"},
			"out":           {exempt: written},
			"each":          {exempt: written},
			"answer":        {exempt: written, idle: "--answer 3"},
			"json":          {exempt: "it is how this test sees anything"},
			"colors":        {exempt: written, idle: "--colors magma"},
			"alpha":         {exempt: written, idle: "--alpha 0"},
			"smooth":        {exempt: written, idle: "--smooth"},
			"target":        {with: "--method gradcam", same: "score", other: "logit:7", idle: "--target score"},
			"query":         {same: "-1", other: "0", idle: "--method relevance --query 0"},
			"layers":        {same: "0,1,2", other: "0", idle: "--method relevance --layers 0"},
			"heads":         {same: "0,1,2,3", other: "0", idle: "--method rollout --heads 0"},
			"tower":         {other: "true", idle: "--method relevance --tower"},
			"patches":       {with: "--tower", other: "0", idle: "--patches 0"},
			"generic":       {with: "--method relative", other: "Who?", idle: "--generic Who?"},
			"steps":         {with: "--method integrated", other: "2", idle: "--steps 2"},
			"baseline":      {with: "--method integrated --steps 2", other: "black", idle: "--baseline black"},
			"window":        {with: "--method occlusion", other: "2", idle: "--window 2"},
			"stride":        {with: "--method occlusion --window 2", other: "2", idle: "--method raw --stride 2"},
			"faithfulness":  {with: "--curve-steps 2", other: "true", exempt: written},
			"curve-steps":   {exempt: written, idle: "--curve-steps 3"},
			"random-orders": {with: "--faithfulness --curve-steps 2", other: "2", idle: "--random-orders 2"},
			"seed":          {with: "--faithfulness --curve-steps 2 --random-orders 1", other: "2", idle: "--seed 2"},
		}},
		{lensCommand(), append([]string{"lens", "--json"}, picture...), map[string]flagLaw{
			"what":      {other: "direct"},
			"out":       {exempt: written},
			"json":      {exempt: "it is how this test sees anything"},
			"colors":    {exempt: written, idle: "--colors magma"},
			"alpha":     {exempt: written, idle: "--alpha 0"},
			"smooth":    {exempt: written, idle: "--smooth"},
			"positions": {with: "--what direct", same: "-1", other: "0", idle: "--what cka --positions 0"},
			"pictures":  {other: "true", idle: "--what direct --pictures"},
			"layers":    {same: "-1,0,1,2", other: "0", idle: "--what cka --layers 0"},
			"top":       {other: "2", idle: "--what direct --top 2"},
			"token":     {other: "0", idle: "--what cka --token 0"},
			"against":   {with: "--what direct", other: "0", idle: "--against 0"},
			"tap":       {with: "--what pca", same: "visual.blocks.2.out", other: "visual.blocks.0.out", idle: "--tap model.norm"},
			"tower":     {with: "--what cka", other: "true", idle: "--tower"},
			"base":      {exempt: written, idle: "--base x"},
			"data":      {exempt: written, idle: "--data x"},
			"columns":   {exempt: "tried by the tests of records", idle: "--columns score"}, "image-folder": {exempt: "tried by the tests of records", idle: "--image-folder x"},
		}},
		{traceCommand(), append([]string{"trace", "--against", other, "--answers", "5,9"}, text...), map[string]flagLaw{
			"tap": {exempt: written, idle: "--tap lm_head"}, "out": {exempt: written}, "list": {exempt: written, idle: "--list"},
			"steps": {exempt: written, idle: "--steps 1"}, "intervene": {exempt: written, idle: "--intervene x"},
			"grad": {exempt: written, idle: "--grad logit"}, "against": {exempt: written},
			"against-image": {exempt: written}, "against-video": {exempt: written},
			"json":      {other: "true"},
			"sweep":     {other: "heads"},
			"site":      {same: "out", other: "mlp.out", idle: "--sweep heads --site out"},
			"layers":    {same: "0,1,2", other: "0"},
			"positions": {other: "-1", idle: "--sweep heads --positions -1"},
			"answers":   {exempt: "the base of this test names them"},
			"top":       {other: "0", idle: "--json --top 3"},
			"colors":    {exempt: written, idle: "--colors magma"},
			"alpha":     {exempt: written, idle: "--alpha 0"},
			"smooth":    {exempt: written, idle: "--smooth"},
		}},
	} {
		flags := ownFlags(of.command)
		for name := range of.laws {
			if flags[name] == nil {
				t.Errorf("%s has no --%s", of.command.Name(), name)
			}
		}
		printed := map[string]string{}
		run := func(args ...string) result { return start(t, "", slices.Concat(of.base[:1], args, of.base[1:])...) }
		for name, f := range flags {
			law, known := of.laws[name]
			if !known {
				t.Errorf("%s --%s is in no law: say what its default is, what changes, and where it is refused", of.command.Name(), name)
				continue
			}
			with := strings.Fields(law.with)
			if law.idle != "" {
				if r := run(strings.Fields(law.idle)...); r.status != exitUsage || !strings.Contains(r.stderr, "--"+name) {
					t.Errorf("%s %s: exit %d, %q; want it refused", of.command.Name(), law.idle, r.status, r.stderr)
				}
			}
			if law.exempt != "" {
				continue
			}
			plain, ran := printed[law.with]
			if !ran {
				r := run(with...)
				if r.status != 0 {
					t.Fatalf("%s %s: %s", of.command.Name(), law.with, r.stderr)
				}
				plain, printed[law.with] = r.stdout, r.stdout
			}
			same := law.same
			if same == "" {
				same = f.DefValue
			}
			if same != "" && same != "[]" {
				if r := run(append(slices.Clone(with), "--"+name+"="+same)...); r.stdout != plain {
					t.Errorf("%s %s --%s %s, its default, changes what is printed: %s", of.command.Name(), law.with, name, same, r.stderr)
				}
			}
			if r := run(append(slices.Clone(with), "--"+name+"="+law.other)...); r.status != 0 || r.stdout == plain {
				t.Errorf("%s %s --%s %s changes nothing: exit %d %s", of.command.Name(), law.with, name, law.other, r.status, r.stderr)
			}
		}
	}
}
