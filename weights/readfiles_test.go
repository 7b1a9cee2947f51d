package weights

import (
	"fmt"

	"github.com/loupe-vl/loupe/weights/disk"
)

// generationFile reads and checks a generation_config.json. The error of a file
// that does not exist is fs.ErrNotExist.
func generationFile(path string) (*Generation, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read generation config: %w", err)
	}
	return ParseGeneration(path, data)
}

// preprocessorFile reads and checks a preprocessor_config.json.
func preprocessorFile(path string) (*Preprocessor, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read preprocessor config: %w", err)
	}
	return Qwen2VL.ParsePreprocessor(path, data)
}
