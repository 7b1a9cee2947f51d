package main

import (
	"strconv"
	"strings"
)

// Words of the corpus: what is spoken of in a painting, and how. They are our own.
var (
	nouns = strings.Fields(`painting drawing canvas sketch watercolour landscape portrait still-life interior seascape
		composition brushwork palette figure horizon shadow light contrast rhythm texture glaze surface edge contour
		foreground background distance perspective balance focus gesture silhouette pattern pigment impasto outline
		harmony tension movement depth atmosphere reflection highlight ornament subject story idea mood`)
	things = strings.Fields(`sun moon sky cloud river mountain tree field house bridge boat window table bowl apple
		flower face hand dancer child crowd street harbour tower garden wave storm snow fire mirror lamp bird horse`)
	adjectives = strings.Fields(`warm cool muted vivid delicate heavy uneven original careful textured layered luminous
		restrained crowded quiet bold loose confident hesitant familiar surprising flat rich thin coarse smooth golden
		crimson violet ochre turquoise emerald pale dark bright distant balanced broken clear honest playful solemn`)
	verbs = strings.Fields(`shows holds balances contrasts suggests leads repeats softens divides frames anchors lifts
		carries hides reveals follows crosses surrounds answers weakens strengthens unites separates fills warms cools`)
	adverbs    = strings.Fields(`gently clearly barely slowly sharply quietly boldly almost rather very nearly always often hardly`)
	dimensions = strings.Fields(`originality color texture composition content`)
	verdicts   = strings.Fields(`excellent strong good fair modest weak poor unfinished convincing remarkable promising disappointing`)
)

// patterns are sentences with places for words: N a noun, T a thing, A an adjective, V a verb, D an adverb, R a dimension of
// the rubric, G a verdict, S a score.
var patterns = []string{
	"The <A> <N> <V> a <A> <T>, and its <N> <V> the eye.",
	"A <A> <T> <V> the <N>; the <N> is <D> <A>.",
	"Its <R> is <G>: the <N> <D> <V> the <T>, but the <N> stays <A>.",
	"There is <A> <N> in the <T>, where the <A> <N> <V> the <A> <N>.",
	"I would give it <S> of 100 for <R>, because the <N> is <A> and the <N> <D> <A>.",
	"Score: <S>. The <R> is <D> <G>, and the <R> could be more <A>.",
	"What makes this <N> <A> is how the <T> and the <T> share one <A> <N>.",
	"From the <A> <T> to the <A> <T>, the painter's <N> doesn't lose its <N>.",
}

// prompts are said once to every few sentences: what the model is asked, and characters of other kinds.
var prompts = []string{
	"You are a helpful assistant.",
	"You are an art critic. Score this painting from 1 to 100 for originality, color, texture, composition and content, then write a short critique.",
	"Describe this picture. What is the light doing? Where does the eye go first? Which colours are used?",
	"Score this painting.\n\nOriginality: 70\nColor: 65\nTexture: 58\nComposition: 81\nContent: 44\n",
	"It's late; I'm sure they've seen it, we'll look again, you're right, don't wait, he'd agree.",
	"Une façade dorée, ein schönes Gemälde, una pintura pequeña, картина, 绘画, 絵画 🎨",
}

// sentences is how many the corpus has, beside the prompts.
const sentences = 720

// corpus is the text that the tokenizer is trained on, a piece at a time.
func corpus() []string {
	words := map[string][]string{
		"N": nouns, "T": things, "A": adjectives, "V": verbs, "D": adverbs, "R": dimensions, "G": verdicts,
	}
	r := newSource("corpus")
	var out []string
	for i := range sentences {
		var b strings.Builder
		rest := patterns[i%len(patterns)]
		for {
			before, after, more := strings.Cut(rest, "<")
			b.WriteString(before)
			if !more {
				break
			}
			if kind, list := after[:1], words[after[:1]]; kind == "S" {
				b.WriteString(strconv.Itoa(1 + below(r, 100)))
			} else {
				b.WriteString(list[below(r, len(list))])
			}
			rest = after[2:]
		}
		out = append(out, b.String()+"\n")
		if i%40 == 0 {
			out = append(out, prompts...)
		}
	}
	return out
}
