package train

import (
	"context"
	"os"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// Full returns every weight of the model as a parameter, without those whose name matches a pattern in freeze.
func Full(m *loupe.Model, freeze []string) ([]*Param, error) {
	return newParamBuilder(m, freeze).full(m)
}

// ReadRecords is ReadData without options, and without its notes.
func ReadRecords(path string) ([]Record, error) {
	d, err := ReadData(context.Background(), path, ReadOptions{})
	if err != nil {
		return nil, err
	}
	return d.Records, nil
}

// ReadScoreHead reads a score_head.json.
func ReadScoreHead(path string) (*weights.ScoreHeadConfig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return weights.ParseScoreHead(path, data)
}
