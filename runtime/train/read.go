package train

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// ReadOptions say how training data are read. With the zero value every column is read as what its name says.
type ReadOptions struct {
	Columns     Columns // which columns are read, and as what
	ImageFolder string  // directory that the paths of pictures are relative to; "": that of the file
}

// Data are records as a file or a directory holds them.
type Data struct {
	Records []Record
	// Notes are sentences about what was found and is not used for training, such as a column of text.
	Notes []string

	bad []fault
}

// ReadData reads training data: JSON Lines, a JSON array, or a table (CSV, TSV) with a header; or a directory that holds
// one such file, or the metadata of an ImageFolder. Pictures are relative to the file. All bad lines are reported in one
// error. Reading stops when ctx is done.
func ReadData(ctx context.Context, path string, o ReadOptions) (*Data, error) {
	d, err := readData(ctx, path, o)
	if err != nil {
		return nil, err
	}
	if len(d.bad) > 0 {
		return nil, fmt.Errorf("read training data %s: %w", path, byLine(d.bad))
	}
	return d, nil
}

// readData reads the records that are good, and what is wrong with the others.
func readData(ctx context.Context, path string, o ReadOptions) (*Data, error) {
	return disk.Await(ctx, func() (*Data, error) { return parseData(ctx, path, o) })
}

func parseData(ctx context.Context, path string, o ReadOptions) (*Data, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read training data: %w", err)
	}
	if o.ImageFolder != "" {
		if info, err := os.Stat(o.ImageFolder); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("read training data: train.ReadOptions.ImageFolder %s is no directory", o.ImageFolder)
		}
	}
	d := &Data{}
	if !info.IsDir() {
		return d, d.read(ctx, dataFile{path: path}, "", o)
	}
	files, err := dataFiles(path)
	if err != nil {
		return nil, fmt.Errorf("read training data %s: %w", path, err)
	}
	for _, f := range files {
		name := ""
		if len(files) > 1 {
			name, _ = filepath.Rel(path, f.path) // it lies below
		}
		if err := d.read(ctx, f, name, o); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// read adds the records of one file, which errors call by name; records without a split of their own get the file's.
func (d *Data) read(ctx context.Context, f dataFile, name string, o ReadOptions) error {
	path := f.path
	text, err := disk.ReadContext(ctx, path, disk.DataLimit)
	if err != nil {
		return fmt.Errorf("read training data: %w", err)
	}
	if text, err = plainText(text); err != nil {
		return fmt.Errorf("read training data %s: %w", path, err)
	}
	r := &reader{unit: "line", path: path, split: f.split, file: name, options: o, found: map[string]bool{}, files: newFinder(filepath.Dir(path), o.ImageFolder)}
	if isTable(path, text) {
		err = r.table(text)
	} else {
		err = r.json(text)
	}
	if err != nil {
		return fmt.Errorf("read training data %s: %w", path, err)
	}
	if len(r.records)+len(r.bad) == 0 {
		return fmt.Errorf("read training data %s: it holds no records", path)
	}
	d.Records, d.bad, d.Notes = append(d.Records, r.records...), append(d.bad, r.bad...), append(d.Notes, r.notes()...)
	for _, c := range o.Columns {
		if !r.found[c.From] && !d.reads(c.Name) {
			return fmt.Errorf("read training data %s: train.ReadOptions.Columns names %q, which is not there; it has %s", path, c.From, quoted(r.names))
		}
	}
	return nil
}

// reads reports whether some record has a value of that name, from inside "targets" or from an earlier file of a directory.
func (d *Data) reads(name string) bool {
	return slices.ContainsFunc(d.Records, func(r Record) bool { _, ok := r.value(name); return ok })
}

// fault is an error in a line of training data, or in the picture that the line names.
type fault struct {
	file string // "" where there is one
	unit string // what line counts: see reader.unit
	line int
	err  error
}

// fault is something wrong with the record's line.
func (r *Record) fault(err error) fault { return fault{r.file, cmp.Or(r.unit, "line"), r.number, err} }

// reader reads one file.
type reader struct {
	path, split string
	file        string // for errors, where several are read
	unit        string // what records are told apart by: "line", or "record" where all stand in one line
	elements    int    // records of one line so far
	options     ReadOptions
	files       *finder
	records     []Record
	bad         []fault
	extras      []*extra
	names       []string        // of columns or keys, in the order in which they appear
	found       map[string]bool // columns of train.ReadOptions.Columns that are there
	answers     counter         // records of several answers
	pictureless counter         // records of text alone
}

// add adds the record of a line.
func (r *reader) add(line int, record Record, err error) {
	if err == nil {
		err = record.settle()
	}
	if err == nil {
		err = record.check()
	}
	if err != nil {
		r.bad = append(r.bad, fault{r.file, r.unit, line, err})
		return
	}
	record.Where = fmt.Sprintf("%s, %s %d", r.path, r.unit, line)
	record.file, record.unit, record.number = r.file, r.unit, line
	if record.Split == "" {
		record.Split = r.split
	}
	if record.Image == "" {
		r.pictureless.add(line)
	} else {
		record.Image = r.files.find(record.Image)
	}
	for i := range record.Others {
		record.Others[i] = r.files.find(record.Others[i])
	}
	r.records = append(r.records, record)
}

// mostBad is the number of bad lines after which reading stops: the rest is most likely bad too.
const mostBad = 10 * mostListed

// mostListed is how many errors are listed one by one.
const mostListed = 1000

// listed joins errors into one.
func listed(errs []error) error {
	var text []string
	for i, err := range errs {
		if i == mostListed {
			text = append(text, fmt.Sprintf("and %d more", len(errs)-i))
			break
		}
		text = append(text, err.Error())
	}
	return errors.New(strings.Join(text, "; "))
}

// byLine joins faults into one error, in the order of the file.
func byLine(bad []fault) error {
	slices.SortStableFunc(bad, func(a, b fault) int { return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line) })
	var errs []error
	for _, f := range bad {
		at := fmt.Sprintf("%s %d", f.unit, f.line)
		if f.file != "" {
			at = f.file + ", " + at
		}
		errs = append(errs, fmt.Errorf("%s: %w", at, f.err))
	}
	return listed(errs)
}

// splits maps the names that people give to splits to ours.
var splits = map[string]string{
	"": "", "train": "train", "training": "train", "eval": "eval", "evaluation": "eval", "val": "eval", "valid": "eval", "validation": "eval", "dev": "eval",
	"test": "test", "testing": "test",
}

// settle normalizes the texts of a record. White space alone, or a word that stands for no value, becomes "".
func (r *Record) settle() error {
	for _, text := range []*string{&r.Critique, &r.System, &r.Prompt} {
		if absent(*text) {
			*text = ""
		}
	}
	split, known := splits[strings.ToLower(strings.TrimSpace(r.Split))]
	if !known && !absent(r.Split) {
		return fmt.Errorf("split is %q; give train, eval (validation) or test", r.Split)
	}
	r.Split = split
	return nil
}

func (r *Record) check() error {
	values := len(r.Targets)
	if r.Score != nil {
		values++
	}
	switch {
	case r.Image == "" && r.Messages == nil:
		return errors.New("it names no image; train.ReadOptions.Columns image=NAME reads it from another column")
	case r.Image == "" && values > 0:
		return errors.New("it has a score or targets and no picture that they could be of")
	case values == 0 && r.Critique == "":
		return errors.New("it has neither score nor critique nor targets: there is nothing to learn from it")
	}
	if _, ok := r.Targets[scoreName]; ok {
		return errors.New("targets hold a \"score\"; it stands beside them")
	}
	return nil
}

// isTable tells a table from JSON, by the name of the file or else by its first character.
func isTable(path string, text []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".tab":
		return true
	case ".json", ".jsonl", ".ndjson":
		return false
	}
	head := bytes.TrimSpace(text)
	return len(head) > 0 && head[0] != '{' && head[0] != '['
}
