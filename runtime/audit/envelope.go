package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// payloadType is what an envelope holds, as in-toto names it.
const payloadType = "application/vnd.in-toto+json"

// statementType is the kind of in-toto statement.
const statementType = "https://in-toto.io/Statement/v1"

// Statement is an in-toto Statement v1: a claim about the things with these digests.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is what a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// canonical is v in the form of RFC 8785.
func canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(plain)
}

// seal signs a statement and returns the bytes of its envelope, which are the log's entry.
func seal(s Statement, k *Key) ([]byte, error) {
	payload, err := canonical(s)
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	signer, err := dsse.NewEnvelopeSigner(k)
	if err != nil {
		return nil, err
	}
	e, err := signer.SignPayload(context.Background(), payloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign the record: %w", err)
	}
	return canonical(e)
}

// unseal checks an envelope's signature by one of the keys and returns its statement and that key. All of it must be in
// canonical form, so that a record has exactly one spelling.
func unseal(entry []byte, keys []PublicKey) (s Statement, by PublicKey, err error) {
	var e dsse.Envelope
	if err := strictJSON(entry, &e); err != nil {
		return s, by, fmt.Errorf("it is no DSSE envelope: %w", err)
	}
	if e.PayloadType != payloadType {
		return s, by, fmt.Errorf("its envelope holds %q, and a record is %q", e.PayloadType, payloadType)
	}
	if again, err := canonical(e); err != nil || !bytes.Equal(again, entry) {
		return s, by, errors.New("its envelope is not in canonical form: it was changed")
	}
	payload, err := e.DecodeB64Payload()
	if err != nil {
		return s, by, fmt.Errorf("its payload is not base64: %w", err)
	}
	if by, err = signedBy(e, keys); err != nil {
		return s, by, err
	}
	if err := strictJSON(payload, &s); err != nil {
		return s, by, fmt.Errorf("its payload is no statement: %w", err)
	}
	if again, err := jcs.Transform(payload); err != nil || !bytes.Equal(again, payload) {
		return s, by, errors.New("its statement is not in canonical form")
	}
	if s.Type != statementType {
		return s, by, fmt.Errorf("its statement is of type %q, and a record is %q", s.Type, statementType)
	}
	return s, by, nil
}

// signedBy is the key among keys that signed the envelope. Each of its signatures must hold.
func signedBy(e dsse.Envelope, keys []PublicKey) (PublicKey, error) {
	if len(e.Signatures) != 1 {
		return PublicKey{}, fmt.Errorf("its envelope has %d signatures, and a record has one", len(e.Signatures))
	}
	sig := e.Signatures[0]
	for _, k := range keys {
		if k.ID() != sig.KeyID {
			continue
		}
		v, err := dsse.NewEnvelopeVerifier(k)
		if err != nil {
			return PublicKey{}, err
		}
		if _, err := v.Verify(context.Background(), &e); err != nil {
			return PublicKey{}, fmt.Errorf("its signature is not one of key %s: the record was changed", k.ID())
		}
		return k, nil
	}
	return PublicKey{}, fmt.Errorf("it is signed by key %s, which is none that was valid for it", sig.KeyID)
}

// strictJSON reads JSON and refuses unknown keys and anything after it.
func strictJSON(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows its end")
	}
	return nil
}
