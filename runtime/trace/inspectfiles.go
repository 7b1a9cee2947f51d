package trace

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// InspectFiles lists the tensors of any safetensors checkpoint, a directory or one file, even if loupe cannot run it. Names
// are as stored. why is the error of loading the model.
func InspectFiles(ctx context.Context, path string, why error, full bool) (out *Inspection, err error) {
	files, err := weights.OpenAll(path)
	if err != nil {
		return nil, err
	}
	defer weights.CloseAll(files)
	defer weights.CatchFaults(&err)()
	r := &Inspection{Model: path, CannotRun: why.Error()}
	if data, err := disk.Read(filepath.Join(path, "config.json"), disk.JSONLimit); err == nil {
		if config, err := weights.ReadObject("config.json", data); err == nil {
			r.Config = config
		}
	} else if !errors.Is(err, fs.ErrNotExist) && disk.IsDir(path) {
		return nil, err
	}
	var digests []weights.TensorDigest
	for _, f := range files {
		for _, t := range f.Tensors() {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			info, digest, err := look(t, full)
			if err != nil {
				return nil, err
			}
			r.Tensors = append(r.Tensors, info)
			digests = append(digests, digest)
			r.count(partOf(weights.CanonicalName(t.Stored)), t.Len(), len(t.Data))
		}
	}
	if full {
		r.Digest = weights.Digest(digests)
	}
	return r, nil
}

// look describes one tensor. Dtypes smaller than a byte have no statistics.
func look(t weights.Tensor, full bool) (info TensorInfo, digest weights.TensorDigest, err error) {
	info = TensorInfo{Name: t.Name, DType: t.DType, Shape: t.Shape, File: t.File}
	if !full {
		return info, digest, nil
	}
	info.SHA256 = t.SHA256()
	if t.DType.HasStatistics() {
		stats, err := weights.Statistics(t)
		if err != nil {
			return info, digest, err
		}
		info.Stats = &stats
	}
	return info, weights.TensorDigest{Name: t.Name, DType: t.DType, Shape: t.Shape, SHA256: info.SHA256}, nil
}
