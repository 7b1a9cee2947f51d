package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/serve/tour"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/weights/option"
)

// Handler is the page and its API. host is a name that the studio is reached under, beside addresses and localhost.
func (s *Studio) Handler(host string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(s))
	mux.Handle("GET /web/", static())
	mux.HandleFunc("GET /api/model", s.getModel)
	mux.HandleFunc("GET /api/sample", getSample)
	mux.HandleFunc("GET /api/colors", getColors)
	mux.HandleFunc("GET /api/jobs/{job}", s.jobs.get)
	mux.HandleFunc("GET /api/runs", s.listRuns)
	mux.HandleFunc("POST /api/runs", s.postRun)
	mux.HandleFunc("POST /api/runs/{run}/pin", s.pinRun)
	mux.HandleFunc("POST /api/directions", s.postDirection)
	for name, f := range map[string]func(http.ResponseWriter, *http.Request, *run){
		"original.png": s.getOriginal, "seen.png": s.getSeen, "attention": s.getAttention, "heads": s.getHeads, "map": s.getMap,
		"interventions.json": s.getInterventions, "values.safetensors": s.getValues, "tour": s.getTour,
	} {
		mux.HandleFunc("GET /api/runs/{run}/"+name, func(w http.ResponseWriter, r *http.Request) {
			id := runID(r.PathValue("run"))
			// What is asked of a run that is still under way has no answer yet, but for its pictures.
			if kept := s.runs.get(id); kept != nil && (kept.finished() || name == "original.png" || name == "seen.png") {
				f(w, r, kept)
			} else {
				fail(w, http.StatusNotFound, s.errGone(id).Error())
			}
		})
	}
	return patient(guard(host, s.ownPage(s.jobs.follow(mux))), s.o.Patience)
}

// ownPage puts the studio's nonce on every answer, and refuses requests of a page that was opened before the studio was
// restarted.
func (s *Studio) ownPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(nonceHeader, s.nonce)
		if of := r.Header.Get(nonceHeader); of != "" && of != s.nonce {
			fail(w, http.StatusGone, "the studio was started anew since this page was opened; load the page anew")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fail answers with an error of one sentence.
func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// failed answers with err and status 400.
func failed(w http.ResponseWriter, err error) { fail(w, http.StatusBadRequest, sentence(err)) }

func sendJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}

func sendPNG(w http.ResponseWriter, data []byte, err error) {
	if err != nil {
		fail(w, http.StatusInternalServerError, sentence(err))
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(data)
}

// sides is a tower for the page.
type sides struct {
	Layers int `json:"layers"`
	Heads  int `json:"heads"`
}

func (s *Studio) getModel(w http.ResponseWriter, _ *http.Request) {
	m := s.o.Model
	type method struct {
		Name string `json:"name"`
		Help string `json:"help"`
		// Explains is set where the method takes a target: a score or a logit.
		Explains bool `json:"explains"`
		// Signed is set where values below 0 mean something: colors then part at 0.
		Signed bool `json:"signed"`
	}
	var methods []method
	for _, name := range attribution.Methods() {
		methods = append(methods, method{string(name), option.Rename(attribution.Help(name), pageName), attribution.Explains(name), attribution.Signed(name)})
	}
	models := []string{"model"}
	if s.o.Base != nil {
		models = append(models, "base")
	}
	said := map[string]any{
		"name": m.Name(), "models": models, "precision": m.Settings().Precision, "kernels": m.Settings().Kernels,
		"vision":  sides{vision.layers(m), vision.heads(m)},
		"decoder": sides{decoder.layers(m), decoder.heads(m)},
		"patch":   m.Config.Vision.PatchSize, "merge": m.Config.Vision.SpatialMergeSize,
		"head": headInput(m), "targets": append([]string{}, m.Targets()...), "methods": methods,
		"system": systemText(m), "question": m.Wording().Question, "most_tokens": mostTokens, "recorded": s.o.Book != nil,
	}
	if i := m.GPU(); i != nil {
		said["device"] = i
	}
	sendJSON(w, said)
}

// systemText is the default system text: a model that scores has a rubric.
func systemText(m *loupe.Model) string {
	if m.Head == nil && (m.Taught == nil || m.Taught.System == nil) {
		return ""
	}
	return m.Wording().System
}

// headInput is the tap that the score head reads; "" without a head.
func headInput(m *loupe.Model) string {
	if m.Head == nil {
		return ""
	}
	return m.Head.Config.Input.Tap()
}

func getSample(w http.ResponseWriter, _ *http.Request) { sendPNG(w, demo.Picture(), nil) }

func getColors(w http.ResponseWriter, _ *http.Request) {
	out := map[string][][3]uint8{}
	for name, c := range map[string]*figure.Colors{"viridis": figure.Viridis, "magma": figure.Magma, "diverging": figure.Diverging} {
		for _, x := range c {
			out[name] = append(out[name], [3]uint8{x.R, x.G, x.B})
		}
	}
	sendJSON(w, out)
}

func (s *Studio) listRuns(w http.ResponseWriter, _ *http.Request) {
	out := []*prepared{}
	_, pinned := s.runs.names()
	for _, r := range s.runs.list() {
		if r.finished() {
			p := r.prepared()
			p.Pinned = slices.Contains(pinned, r.id)
			out = append(out, p)
		}
	}
	sendJSON(w, out)
}

// pinRun pins or unpins a run.
func (s *Studio) pinRun(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		On bool `json:"on"`
	}
	if err := strict(http.MaxBytesReader(w, r.Body, 1<<10), &ask); err != nil {
		failed(w, fmt.Errorf("pin a run: %w", err))
		return
	}
	id := runID(r.PathValue("run"))
	if ask.On && s.runs.get(id) == nil {
		fail(w, http.StatusNotFound, s.errGone(id).Error())
		return
	}
	if err := s.runs.pin(id, ask.On); err != nil {
		failed(w, err)
		return
	}
	_, pinned := s.runs.names()
	sendJSON(w, map[string]any{"pinned": append([]runID{}, pinned...)})
}

// postRun answers with lines of JSON as they come. Once the first is out the status cannot change: an error is a line too.
func (s *Studio) postRun(w http.ResponseWriter, r *http.Request) {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		fail(w, http.StatusServiceUnavailable, "other runs are waiting already; wait until they have ended, or stop them")
		return
	}
	ask, file, err := s.readAsk(w, r)
	if err != nil {
		failed(w, err)
		return
	}
	back, err := s.take(r.Context())
	if err != nil {
		failed(w, err)
		return
	}
	defer back()
	x, err := s.prepare(r.Context(), ask, file)
	if err != nil {
		failed(w, err)
		return
	}
	s.runs.add(x)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	lines, out := json.NewEncoder(w), http.NewResponseController(w)
	send := func(e Event) error {
		if err := lines.Encode(e); err != nil {
			return err
		}
		return out.Flush()
	}
	begun := x.prepared()
	begun.Kept, _ = s.runs.names()
	if err = send(Event{Name: "prepared", Prepared: begun}); err == nil {
		err = s.answer(r.Context(), x, send)
	}
	if err != nil {
		s.runs.remove(x.id)
		_ = send(Event{Name: "error", Error: sentence(err)}) // nobody may be there to read it
	}
}

func (s *Studio) postDirection(w http.ResponseWriter, r *http.Request) {
	var d direction
	if err := strict(http.MaxBytesReader(w, r.Body, 1<<16), &d); err != nil {
		failed(w, fmt.Errorf("direction: %w", err))
		return
	}
	d, err := s.makeDirection(r.Context(), d)
	if err != nil {
		failed(w, err)
		return
	}
	sendJSON(w, d)
}

func (s *Studio) getOriginal(w http.ResponseWriter, q *http.Request, r *run) {
	in, err := r.input(q.Context())
	if err != nil {
		sendPNG(w, nil, err)
		return
	}
	data, err := encodePNG(rgba(shrink(in.Images[0], largestShown)))
	sendPNG(w, data, err)
}

func (s *Studio) getSeen(w http.ResponseWriter, _ *http.Request, r *run) {
	data, err := encodePNG(figure.Seen(r.prompt, r.model.Processor)[0])
	sendPNG(w, data, err)
}

// getMap is a map by a method of package attribution.
func (s *Studio) getMap(w http.ResponseWriter, req *http.Request, r *run) {
	if len(r.edits) > 0 {
		failed(w, errors.New("maps are made of the model as it is; take the run without edits, or look at attention and contributions of this one"))
		return
	}
	q := req.URL.Query()
	var o attribution.Options
	if text := q.Get("target"); text != "" {
		target, err := loupe.ParseGradTarget(text, r.model.Tokenizer)
		if err != nil {
			failed(w, err)
			return
		}
		o.Target = &target
	}
	err := eachNumber(q, func(name string, n int) {
		switch name {
		case "query":
			o.Query = &n
		case "layer":
			o.Layers = []int{n}
		case "head":
			o.Heads = []int{n}
		}
	}, "query", "layer", "head")
	if err != nil {
		failed(w, err)
		return
	}
	out, err := s.compute(req.Context(), r, attribution.Method(q.Get("method")), o)
	if err != nil {
		failed(w, err)
		return
	}
	sendJSON(w, out)
}

func (s *Studio) getTour(w http.ResponseWriter, req *http.Request, r *run) {
	back, err := s.take(req.Context())
	if err != nil {
		failed(w, err)
		return
	}
	defer back()
	steps, err := tour.Walk(req.Context(), tour.Run{Model: r.model, Prompt: r.prompt, Width: r.original[0], Height: r.original[1], Interventions: interventions(r.edits)})
	if err != nil {
		failed(w, err)
		return
	}
	sendJSON(w, steps)
}

func (s *Studio) compute(ctx context.Context, r *run, method attribution.Method, o attribution.Options) (*attribution.Map, error) {
	back, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer back()
	if method == attribution.Relative {
		in, err := r.input(ctx)
		if err != nil {
			return nil, err
		}
		if o.Generic, err = r.model.Prepare(ctx, attribution.WithQuestion(in, attribution.GenericQuestion)); err != nil {
			return nil, err
		}
	}
	o.Progress = jobOf(ctx).progressed
	return attribution.Compute(ctx, r.model, r.prompt, method, o)
}
