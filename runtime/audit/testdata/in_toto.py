"""Reads a record of loupe with securesystemslib and in-toto's attestation library, as anybody's tools would.

    python in_toto.py RECORD PUBLIC-KEY      pip install securesystemslib[crypto] in-toto-attestation
"""
import base64, json, sys
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

name, number, text = sys.argv[2].split("+", 2)
public = base64.b64decode(text)[1:]
key = SSlibKey(f"{name}+{number}", "ed25519", "ed25519", {"public": public.hex()})
raw = json.load(open(sys.argv[1]))
envelope = Envelope.from_dict(raw)
accepted = envelope.verify([key], 1)
assert list(accepted) == [key.keyid], accepted
s = Statement.copy_from_pb(json_format.Parse(envelope.payload, statement_pb2.Statement()))
s.validate()
print(s.pb.predicate_type, s.pb.subject[0].name)
