package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/kernels/cuda"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print which loupe this is, and how it computes here",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			m, err := loupe.Embedded(loupe.Options{})
			if err != nil {
				return err
			}
			defer m.Close()
			if asJSON {
				return json.NewEncoder(stdout).Encode(struct {
					loupe.BuildInfo
					Arithmetic int    `json:"arithmetic"`
					Kernels    string `json:"kernels"`
					CUDA       bool   `json:"cuda,omitempty"` // whether --device cuda is built in
				}{loupe.Build(), loupe.ArithmeticVersion, m.Settings().Kernels, cuda.Built})
			}
			built := ""
			if cuda.Built {
				built = ", CUDA built in"
			}
			_, err = fmt.Fprintf(screen, "loupe %s\narithmetic %d, kernels %s%s\n", versionText(), loupe.ArithmeticVersion, m.Settings().Kernels, built)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// versionText is the version in a line.
func versionText() string {
	b := loupe.Build()
	parts := []string{b.Version}
	if b.Revision != "" && !strings.Contains(b.Version, b.Revision[:min(12, len(b.Revision))]) {
		parts = append(parts, "revision "+b.Revision[:min(12, len(b.Revision))])
	}
	if b.Modified && !strings.Contains(b.Version, "+dirty") {
		parts = append(parts, "with changes")
	}
	return strings.Join(append(parts, b.Go, b.OS+"/"+b.Arch), ", ")
}
