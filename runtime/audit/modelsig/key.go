package modelsig

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/weights/disk"
)

// makeKey is how people make a key.
const makeKey = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem, and openssl ec -in key.pem -pubout -out key.pub.pem"

// PrivateKey signs models.
type PrivateKey struct{ key *ecdsa.PrivateKey }

// PublicKey checks signatures of models.
type PublicKey struct{ key *ecdsa.PublicKey }

// ReadPrivateKey reads an ECDSA key from a PEM file.
func ReadPrivateKey(path string) (*PrivateKey, error) {
	block, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		ec, ok := any.(*ecdsa.PrivateKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("read key %s: it is no private ECDSA key without a password (%q); make one by %s", path, block.Type, makeKey)
		}
		key = ec
	}
	return &PrivateKey{key}, supported(path, &key.PublicKey)
}

// ReadPublicKey reads an ECDSA public key from a PEM file.
func ReadPublicKey(path string) (*PublicKey, error) {
	block, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := any.(*ecdsa.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("read key %s: it is no public ECDSA key (%q); make one by %s", path, block.Type, makeKey)
	}
	return &PublicKey{key}, supported(path, key)
}

// Public is the key's public half.
func (k *PrivateKey) Public() *PublicKey { return &PublicKey{&k.key.PublicKey} }

func readPEM(path string) (*pem.Block, error) {
	data, err := disk.Read(path, 1<<16)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("read key %s: it is no PEM file with a key; make one by %s", path, makeKey)
		}
		if block.Type != "EC PARAMETERS" { // openssl writes these before a key
			return block, nil
		}
		data = rest
	}
}

func supported(path string, k *ecdsa.PublicKey) error {
	switch k.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
		return nil
	}
	return fmt.Errorf("read key %s: its curve is %s; model signatures take P-256, P-384 and P-521", path, k.Curve.Params().Name)
}

// sum is the hash that goes with a key's curve.
func (p *PublicKey) sum(data []byte) []byte {
	switch p.key.Curve {
	case elliptic.P384():
		s := sha512.Sum384(data)
		return s[:]
	case elliptic.P521():
		s := sha512.Sum512(data)
		return s[:]
	}
	s := sha256.Sum256(data)
	return s[:]
}

// hint names the key in a bundle: the SHA-256 of its PEM text.
func (p *PublicKey) hint() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return hex.EncodeToString(sum[:]), nil
}

// Sign implements dsse.Signer.
func (k *PrivateKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.key, k.Public().sum(data))
}

// KeyID implements dsse.Signer: the bundle names the key, and the envelope does not.
func (k *PrivateKey) KeyID() (string, error) { return "", nil }

// Verify implements dsse.Verifier.
func (p *PublicKey) Verify(_ context.Context, data, sig []byte) error {
	if !ecdsa.VerifyASN1(p.key, p.sum(data), sig) {
		return errors.New("the signature is not one of this key")
	}
	return nil
}

// KeyID implements dsse.Verifier.
func (p *PublicKey) KeyID() (string, error) { return "", nil }

// Public implements dsse.Verifier.
func (p *PublicKey) Public() crypto.PublicKey { return p.key }
