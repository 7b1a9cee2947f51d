package serve

import (
	"encoding/json"
	"net/http"

	"github.com/loupe-vl/loupe/weights"
)

// views are what a request asks of the attention of some layers. If they are nil the answer has been written: an error, or that the
// model would have to run.
func (s *Studio) views(w http.ResponseWriter, req *http.Request, r *run, layers func(place) []int) (place, [][]float32) {
	p, err := r.readPlace(req.URL.Query())
	if err != nil {
		failed(w, err)
		return p, nil
	}
	views, err := s.attention(req.Context(), r, p.tower, layers(p), p.view, p.cached)
	if err != nil {
		failed(w, err)
		return p, nil
	}
	if views == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return p, views
}

// getAttention is one view of one layer.
func (s *Studio) getAttention(w http.ResponseWriter, req *http.Request, r *run) {
	p, views := s.views(w, req, r, func(p place) []int { return []int{p.layer} })
	if views == nil {
		return
	}
	x := views[0]
	least, largest := span(x)
	sendTensors(w, []weights.Named{weights.FromF16("attention", []int{p.tower.heads(r.model), r.rows(p.tower)}, x)},
		map[string]string{"least": number(least), "largest": number(largest)})
}

// getHeads is a view of one layer for small pictures of each head. The first request for a view computes all layers.
func (s *Studio) getHeads(w http.ResponseWriter, req *http.Request, r *run) {
	p, views := s.views(w, req, r, func(p place) []int { return upTo(p.tower.layers(r.model)) })
	if views == nil {
		return
	}
	heads, n := p.tower.heads(r.model), r.rows(p.tower)
	from, count := r.pictureRows(p.tower)
	bytes := make([]byte, heads*count)
	least, largest, share := make([]float32, heads), make([]float32, heads), make([]float32, heads)
	for h := range heads {
		x := views[p.layer][h*n+from:][:count]
		least[h], largest[h] = span(x)
		inBytes(bytes[h*count:], x, least[h], largest[h])
		if p.view.kind == "key" { // who looked at a key is no share of anything
			continue
		}
		for _, v := range x {
			share[h] += v
		}
	}
	sendTensors(w, []weights.Named{
		weights.FromBytes("attention", weights.U8, []int{heads, count}, bytes),
		weights.FromF32("least", []int{heads}, least), weights.FromF32("largest", []int{heads}, largest), weights.FromF32("share", []int{heads}, share),
	}, nil)
}

// pictureRows are the rows of the picture in a tower: the first, and their number.
func (r *run) pictureRows(t tower) (from, count int) {
	if t == vision {
		return 0, r.rows(t)
	}
	return r.prompt.Images.At[0], len(r.prompt.Images.At)
}

// getInterventions is a run's edits as a file. Their values are in the file of getValues, beside it.
func (s *Studio) getInterventions(w http.ResponseWriter, _ *http.Request, r *run) {
	list := []map[string]any{}
	if r.edits != nil {
		if err := json.Unmarshal(r.ask.Interventions, &list); err != nil {
			fail(w, http.StatusInternalServerError, sentence(err))
			return
		}
	}
	for _, e := range list {
		if name, is := e["value"].(string); is {
			e["value"] = valuesName + "#" + name
		}
	}
	download(w, "interventions.json", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(list)
}

// valuesName is the file that an exported intervention's value lies in.
const valuesName = "values.safetensors"

// getValues is the directions of a run's edits.
func (s *Studio) getValues(w http.ResponseWriter, _ *http.Request, r *run) {
	var tensors []weights.Named
	seen := map[string]bool{}
	for _, e := range r.edits {
		if d := e.direction; d.vector != nil && !seen[d.Name] {
			seen[d.Name] = true
			tensors = append(tensors, weights.FromF32(d.Name, []int{len(d.vector)}, d.vector))
		}
	}
	if tensors == nil {
		fail(w, http.StatusNotFound, "no edit of run "+r.id.String()+" has a value; its interventions are a file of their own")
		return
	}
	download(w, valuesName, "application/octet-stream")
	sendTensors(w, tensors, nil)
}

func download(w http.ResponseWriter, name, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}
