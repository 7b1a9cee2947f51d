package serve

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed web
var web embed.FS

var pageTemplate = template.Must(template.ParseFS(web, "web/index.html"))

// page is the one page of the studio.
func page(s *Studio) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m := s.o.Model
		data := struct {
			Name, Notice, System, Question string
			Sides                          []string
			MostTokens                     int
			Base                           bool
		}{Name: m.Name(), System: systemText(m), Question: m.Wording().Question, Sides: []string{"Left", "Right"}, MostTokens: mostTokens, Base: s.o.Base != nil}
		data.Notice = m.Notice()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = pageTemplate.Execute(w, data) // a browser that has gone away is not an error
	})
}

// static is the page's style and scripts.
func static() http.Handler {
	files := http.FileServerFS(web)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}
