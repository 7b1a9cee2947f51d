package paint

import (
	"fmt"
	"slices"
	"strings"
)

// layouts are the ways to say the levels. %f is the family, with its article %a; the dimensions stand for their levels. In
// each clause one level and one dimension stand side by side, which is how ParseCritique reads them.
var layouts = []string{
	"This %f shows {originality} originality, {color} color, {texture} texture, {composition} composition and {content} content.",
	"%a %f. Its color is {color}, its texture {texture}; the composition is {composition}, the content {content} and the originality {originality}.",
	"In this %f the content is {content} and the composition {composition}, with {color} color, {texture} texture and {originality} originality.",
	"%a %f with {composition} composition and {content} content. The color is {color}, the texture {texture}, the originality {originality}.",
	"This %f has {content} content and {originality} originality. Its composition is {composition}, and it has {color} color and {texture} texture.",
}

// Remarks on the best and the worst of a picture, in the order of DimensionNames. They name no dimension and no level.
var (
	praise = [5][]string{
		{"unexpected things delight", "it surprises"},
		{"the hues agree", "the palette is in harmony"},
		{"the strokes are alive", "the brush dances"},
		{"all rests in balance", "the light leads the eye"},
		{"there is much to see", "the scene is complete"},
	}
	blame = [5][]string{
		{"nothing surprises", "it is familiar"},
		{"the hues clash", "the palette jars"},
		{"the surface is noise", "the brush is missing"},
		{"all is crowded aside", "the balance tilts"},
		{"there is little to see", "the scene is empty"},
	}
)

// critique says in one to three sentences what ParseCritique reads from it: the family and each dimension's level.
func critique(family string, d Dimensions, r stream) string {
	values := d.Values()
	article := "A"
	if strings.ContainsAny(family[:1], "aeiou") {
		article = "An"
	}
	pairs := []string{"%f", family, "%a", article}
	best, worst := 0, 0
	for i, v := range values {
		pairs = append(pairs, "{"+DimensionNames[i]+"}", Level(v))
		if v > values[best] {
			best = i
		}
		if v < values[worst] {
			worst = i
		}
	}
	text := strings.NewReplacer(pairs...).Replace(layouts[r.pick(len(layouts))])
	good, bad := praise[best][r.pick(2)], blame[worst][r.pick(2)]
	isGood, isBad := levelOf(values[best]) >= 3, levelOf(values[worst]) <= 1
	switch {
	case isGood && isBad:
		return text + " " + sentence(good+", but "+bad)
	case isGood:
		return text + " " + sentence(good)
	case isBad:
		return text + " " + sentence(bad)
	}
	return text
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// ParseCritique reads a critique back: the family, and for each dimension the word for its level. An error says what is
// missing, named twice or out of place.
func ParseCritique(text string) (family string, level map[string]string, err error) {
	lower := strings.ToLower(text)
	at := len(lower)
	for _, f := range families {
		if i := strings.Index(lower, f.name); i >= 0 && i < at {
			family, at = f.name, i
		}
	}
	if family == "" {
		return "", nil, fmt.Errorf("critique %q names no family of pictures", text)
	}
	rest := lower[:at] + lower[at+len(family):] // "color field" is no dimension
	level = map[string]string{}
	dimension, word := "", ""
	for _, w := range strings.FieldsFunc(rest, func(c rune) bool { return c < 'a' || c > 'z' }) {
		switch {
		case slices.Contains(DimensionNames[:], w):
			if dimension != "" {
				return "", nil, fmt.Errorf("critique %q gives no level for %s", text, dimension)
			}
			dimension = w
		case slices.Contains(levels[:], w):
			if word != "" {
				return "", nil, fmt.Errorf("critique %q says %s of nothing", text, word)
			}
			word = w
		}
		if dimension != "" && word != "" {
			if had, twice := level[dimension]; twice {
				return "", nil, fmt.Errorf("critique %q calls the %s %s and %s", text, dimension, had, word)
			}
			level[dimension] = word
			dimension, word = "", ""
		}
	}
	for _, name := range DimensionNames {
		if level[name] == "" {
			return "", nil, fmt.Errorf("critique %q gives no level for %s", text, name)
		}
	}
	if word != "" || dimension != "" {
		return "", nil, fmt.Errorf("critique %q has %s left over", text, word+dimension)
	}
	return family, level, nil
}
