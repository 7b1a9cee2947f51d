package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
)

// Bounds of a request. They are checked before anything is done with it.
const (
	mostAsk   = 512 << 10 // bytes of the form's part "ask"
	mostText  = 64 << 10  // bytes of the question, and of the system text
	mostEdits = 256       // interventions of a run
	mostRows  = 1 << 16   // rows that one of them names
)

// readAsk reads the form of POST /api/runs: the picture is in it, or that of an earlier run.
func (s *Studio) readAsk(w http.ResponseWriter, r *http.Request) (a Ask, file []byte, err error) {
	slow, done := newBody(w, r, s.o.Patience)
	defer func() {
		if err == nil { // else what is left of the form is waited for no longer either
			done()
		}
	}()
	r.Body = http.MaxBytesReader(w, slow, s.o.MaxBody)
	form, err := r.MultipartReader()
	if err != nil {
		return a, nil, fmt.Errorf("the request is no multipart form: %w", err)
	}
	asked := false
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return a, nil, s.tooLarge(err)
		}
		switch part.FormName() {
		case "ask":
			asked = true
			err = readPart(part, &a)
		case "picture":
			file, err = io.ReadAll(part)
		default:
			err = fmt.Errorf("the form has a part %q; ask and picture are known", part.FormName())
		}
		if err != nil {
			return a, nil, s.tooLarge(err)
		}
	}
	if !asked {
		return a, nil, errors.New("the form has no part `ask`, which says what to run")
	}
	if err := a.check(); err != nil {
		return a, nil, err
	}
	switch earlier := s.runs.get(a.Picture); {
	case file != nil:
	case a.Picture == "":
		err = errors.New("there is no picture; choose one, or drop one on the page")
	case earlier == nil:
		err = s.errGone(a.Picture)
	default:
		file = earlier.file
	}
	return a, file, err
}

// readPart reads what is asked.
func readPart(part io.Reader, a *Ask) error {
	data, err := io.ReadAll(io.LimitReader(part, mostAsk+1))
	if err != nil {
		return err
	}
	if len(data) > mostAsk {
		return fmt.Errorf("the question, the system text and the edits are more than %d kB; make them shorter", mostAsk>>10)
	}
	return strict(bytes.NewReader(data), a)
}

// checkSize refuses what is too much to be looked at.
func (a Ask) checkSize() error {
	for _, text := range []struct{ name, of string }{{"question", a.Question}, {"system text", a.System}} {
		if len(text.of) > mostText {
			return fmt.Errorf("the %s has %d bytes; at most %d are taken: make it shorter", text.name, len(text.of), mostText)
		}
	}
	var edits []struct{ Rows []json.RawMessage }
	if json.Unmarshal(a.Interventions, &edits) != nil {
		return nil // what is wrong with them is told where they are read
	}
	if len(edits) > mostEdits {
		return fmt.Errorf("there are %d edits; a run takes at most %d: take some away", len(edits), mostEdits)
	}
	for i, e := range edits {
		if len(e.Rows) > mostRows {
			return fmt.Errorf("edit %d names %d rows; at most %d can be named: leave the rows away to change all", i+1, len(e.Rows), mostRows)
		}
	}
	return nil
}

// tooLarge puts the limit of an upload in words.
func (s *Studio) tooLarge(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fmt.Errorf("the picture's file is larger than %d MB; make it smaller first", s.o.MaxBody>>20)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the picture came too slowly, and others wait; send it again, or make it smaller first")
	}
	return err
}

// eachNumber calls f with every parameter that is given among names.
func eachNumber(q url.Values, f func(name string, n int), names ...string) error {
	for _, name := range names {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			return fmt.Errorf("%s is %q; give a number", name, q.Get(name))
		}
		f(name, n)
	}
	return nil
}

// place is what an attention request asks for.
type place struct {
	tower  tower
	layer  int
	view   view
	cached bool
}

// readPlace reads tower, layer and one of query and key.
func (r *run) readPlace(q url.Values) (p place, err error) {
	p = place{tower: tower(q.Get("tower")), layer: -1, cached: q.Get("cached") == "1"}
	if p.tower != vision && p.tower != decoder {
		return p, fmt.Errorf("tower is %q; give vision or decoder", q.Get("tower"))
	}
	if q.Get("query") == "mean" {
		p.view.kind = "mean"
		q = url.Values{"layer": q["layer"]}
	}
	err = eachNumber(q, func(name string, n int) {
		if name == "layer" {
			p.layer = n
		} else {
			p.view = view{name, n}
		}
	}, "layer", "query", "key")
	switch n := r.rows(p.tower); {
	case err != nil:
		return p, err
	case !slices.Contains(upTo(p.tower.layers(r.model)), p.layer):
		return p, fmt.Errorf("layer is %q; the tower has layers 0 to %d", q.Get("layer"), p.tower.layers(r.model)-1)
	case p.view.kind == "" || q.Has("query") && q.Has("key"):
		return p, errors.New("give query or key: the row that looked, or the one that was looked at")
	case p.view.at < 0 || p.view.at >= n:
		return p, fmt.Errorf("%s is %d; the tower has rows 0 to %d", p.view.kind, p.view.at, n-1)
	}
	return p, nil
}
