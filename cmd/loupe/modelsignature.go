package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/runtime/audit/modelsig"
	"github.com/spf13/cobra"
)

// signatureFlags are those of inspect that sign a model or check its signature.
type signatureFlags struct{ sign, verify string }

func (f *signatureFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.sign, "sign", "", "write DIR/model.sig, a signature of every file by the private ECDSA key in `KEY.pem`, as OpenSSF's model-signing does")
	fl.StringVar(&f.verify, "verify", "", "check DIR/model.sig by the public key in `KEY.pem`, and that no file was changed, added or removed")
	cmd.MarkFlagsMutuallyExclusive("sign", "verify")
}

// given reports whether one of them was.
func (f *signatureFlags) given() bool { return f.sign != "" || f.verify != "" }

func (f *signatureFlags) run(ctx context.Context, dir string) error {
	if dir == "" {
		return usageError{errors.New("inspect --sign and --verify take a model's directory; the embedded model is part of the program")}
	}
	if f.verify != "" {
		return verifySignature(ctx, dir, f.verify, stdout)
	}
	k, err := modelsig.ReadPrivateKey(f.sign)
	if err != nil {
		return err
	}
	if err := modelsig.Sign(ctx, dir, k); err != nil {
		return err
	}
	_, err = fmt.Fprintf(screen, "signed: %s holds the signature\n", modelsig.Name)
	return err
}

// verifySignature checks a model's signature, and says so to a file that is not nil.
func verifySignature(ctx context.Context, dir, key string, to io.Writer) error {
	k, err := modelsig.ReadPublicKey(key)
	if err != nil {
		return err
	}
	if err := modelsig.Verify(ctx, dir, k); err != nil || to == nil {
		return err
	}
	_, err = fmt.Fprintf(to, "signed by this key, and unchanged: %s\n", oneLine(dir))
	return err
}
