// Command gen writes docs/anatomy.md and its pictures: the tour of package tour over the embedded picture, with the numbers of
// the embedded model. Its test holds the committed page to what it writes, so that the page stays true. Run it from the
// module's root:
//
//	go run ./runtime/serve/tour/gen
//
// May import: runtime/serve/tour, runtime/trace/attribution, runtime/trace/figure, runtime, vit, vit/picture, tokenizer,
// weights.
package main
