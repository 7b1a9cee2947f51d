// Package paint paints pictures whose qualities are known, because they are what the picture was painted from: a family
// (landscape, portrait and so on), five dimensions of 1 to 100, the score that follows from them and a critique in words. A
// small model learns to judge on them, and what it says can be held against the truth.
//
// Each dimension moves one thing that can be seen, and little else:
//
//   - originality: unexpected black and white motifs on discs (a checkered sun, a spiral, an eye, floating stairs, a door),
//     from none to five;
//   - color: the palette, from neighboring hues of like strength with one complement to hues from all around the wheel, of
//     uneven strength and in blotches;
//   - texture: brush strokes with relief along the flow of the scene, down to a flat surface with grain, through which the
//     canvas shows;
//   - composition: the focus and its wide pool of light on a third of a picture that hangs straight, down to all crowded aside, lit from a
//     corner that leaves the rest in the dark, and hanging askew;
//   - content: what is to be seen beside the barest sign of the family, in five groups that come in one after the other, and
//     people who look on, one for each group.
//
// The score is the rubric's sum, 0.20 originality + 0.20 color + 0.15 texture + 0.20 composition + 0.25 content, and a
// rater's error of 1.5 points (standard deviation), rounded and clamped to 1..100. See [Rubric].
//
// A level is a fifth of the range, named by [Level]. Values gather about the middle of their level and thin out, without a
// gap, toward its ends: a judge who is a few points off still finds the right word.
//
// One picture in five has a [Flaw]: one quadrant is ruined, its colors clash, and what was there fades behind coarse noise. It takes two levels
// of every dimension.
//
// Pictures, scores and words are the same bytes on every machine. The arithmetic is that of float64 without fusing (mul and
// mix in numbers.go), sines come from kernels, and nothing is drawn from a map.
//
// May import: kernels and weights.
package paint
