// Package serve is the studio: a page in the browser that scores a picture, shows where every head of both towers looked,
// changes the model while it runs and compares what comes out. Everything that it needs is part of the program.
//
// It is for one person at their own machine. It answers only to its own page: a request from another site, or under another
// host name, is refused. One computation runs at a time, and ends when its browser goes away. The last few runs are kept,
// and with an edited run its original. Attention is not kept with a run: it is computed again on request and cached in
// bounded memory.
//
// With a book of records every run is recorded by package audit, and its decision is sent only once it is recorded.
//
// # The API
//
// Errors are {"error": "one sentence"} with a status of 400 or above. Tensors are safetensors, whose metadata hold the
// smallest and the largest value in full precision. TOWER is vision or decoder. N is the ID of a run, NONCE-NUMBER: the nonce is of
// this start of the program, so that no run of another one is taken for it. Every answer has the nonce in its header Loupe-Studio; a
// request that sends another one there is refused with 410. A request with a header Loupe-Job can be asked how far it is.
//
//	GET  /api/model                 the model: its layers and heads, the targets of its score head, limits and defaults
//	GET  /api/sample                the picture that is part of the program, as PNG
//	GET  /api/colors                {"viridis": [[r, g, b], ...], ...}: 256 colors of each map; of "diverging" the middle is 0
//	GET  /api/jobs/NAME             how far the request is whose header Loupe-Job has this name: running, waiting, done, of, seconds
//	POST /api/runs                  runs the model; multipart/form-data with `ask` (JSON, see Ask) and `picture` (a file).
//	                                Answers with a line of JSON for each Event as it happens
//	GET  /api/runs                  the runs that are kept, as they began
//	POST /api/runs/N/pin            {"on": true} keeps a run, whatever else is run, until {"on": false}
//	GET  /api/runs/N/original.png   the picture as it was given
//	GET  /api/runs/N/seen.png       the picture as the model saw it: resized, read back from the patches
//	GET  /api/runs/N/attention      ?tower=TOWER&layer=L and query=I (where row I looked) or key=I (which rows looked at I):
//	                                `attention` F16 (heads, rows). With cached=1 the answer is 204 if that needs a run of the model
//	GET  /api/runs/N/heads          the same for an overview, of the picture's rows alone: `attention` U8 (heads, rows), each head
//	                                between its own `least` and `largest` F32 (heads), and `share` F32 (heads), the part of a
//	                                query's attention that goes to the picture. query=mean is the mean over all rows
//	GET  /api/runs/N/map            ?method=METHOD&target=TARGET&layer=L&head=H&query=I: a map of package attribution
//	GET  /api/runs/N/tour           the steps of package tour
//	GET  /api/runs/N/interventions.json, /api/runs/N/values.safetensors
//	                                what was changed, as `loupe trace --intervene` takes it
//	POST /api/directions            {"tap", "from": N, "to": N, "rows": "picture"|"text"|"last"|"all"}: the difference of the means of a
//	                                tap in two runs, under a name that an intervention's value may give
//
// Rows of the vision tower are patches in raster order, as the picture is seen; rows of the decoder are tokens.
//
// May import: runtime, runtime/audit, runtime/demo, runtime/trace, what lies below that and below this package, vit, vit/picture,
// tokenizer, weights, kernels/tensor.
package serve
