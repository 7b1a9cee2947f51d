package report

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/weights/disk"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	page = template.Must(template.New("page").Parse(pageHTML))
)

// maxPage is the size that a page stays below, in bytes.
const maxPage = 30 << 20

// section is a part of the page's block of numbers.
type section struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"` // "u8" or "f32"
	Offset int    `json:"offset"`
	Length int    `json:"length"` // in elements
}

// SaveHTML writes an analysis as one page that needs no network and no other file.
func SaveHTML(path string, a *Analysis) error {
	text, err := HTML(a)
	if err != nil {
		return err
	}
	return disk.WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
}

// HTML is the page of an analysis. Attention is embedded as bytes, gzipped, in base64, which a browser can unpack.
func HTML(a *Analysis) ([]byte, error) {
	block, sections, err := pack(a)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(struct {
		*Analysis
		Sections []section           `json:"sections"`
		Colors   map[string][]string `json:"colors"`
	}{a, sections, map[string][]string{"viridis": cssColors(figure.Viridis), "magma": cssColors(figure.Magma), "diverging": cssColors(figure.Diverging)}})
	if err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		Title string
		CSS   template.CSS
		JS    template.JS
		Data  template.JS
		Block template.JSStr
	}{"loupe: " + a.Model, template.CSS(pageCSS), template.JS(pageJS), template.JS(data), template.JSStr(block)}) // Marshal escapes < and >
	if err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	if out.Len() > maxPage {
		return nil, fmt.Errorf("the page would be %d bytes, more than %d; lower Options.MaxPixels, or show fewer pictures", out.Len(), maxPage)
	}
	return out.Bytes(), nil
}

// pack joins the binary numbers into one block.
func pack(a *Analysis) (block string, sections []section, err error) {
	var raw []byte
	bytesOf := func(name string, data []byte) {
		sections = append(sections, section{name, "u8", len(raw), len(data)})
		raw = append(raw, data...)
	}
	floats := func(name string, data []float32) {
		for len(raw)%4 != 0 {
			raw = append(raw, 0)
		}
		sections = append(sections, section{name, "f32", len(raw), len(data)})
		raw, err = binary.Append(raw, binary.LittleEndian, data)
	}
	l, t := a.Attention, a.Tower
	bytesOf("looks", l.Values)
	floats("looks.least", l.Least)
	floats("looks.largest", l.Largest)
	floats("looks.share", l.Share)
	bytesOf("tower", t.Values)
	floats("tower.least", t.Least)
	floats("tower.largest", t.Largest)
	if err != nil {
		return "", nil, fmt.Errorf("write page: %w", err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.DefaultCompression)
	if err == nil {
		_, err = z.Write(raw)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return "", nil, fmt.Errorf("write page: %w", err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), sections, nil
}

// cssColors are the colors of a map as a style sheet has them.
func cssColors(c *figure.Colors) []string {
	out := make([]string, len(c))
	for i, of := range c {
		out[i] = fmt.Sprintf("#%02x%02x%02x", of.R, of.G, of.B)
	}
	return out
}
