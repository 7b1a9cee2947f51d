"""Writes four small random sentence encoders in the layout of sentence-transformers, and expected.json: what that library says
of some texts with each.

    pip install torch transformers sentence-transformers
    python make.py

Made with torch 2.15.0, transformers 5.23.0, sentence-transformers 6.2.0, on the CPU, one text at a time.
"""

import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as sm
from transformers import BertConfig, BertModel, BertTokenizer

HERE = pathlib.Path(__file__).parent
VOCAB = """[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i l m n o p r s t u v w y Ö . , ; ! ? ##a ##c ##d ##e ##h ##i ##l ##n ##o ##r ##s ##t ##u ##y
the light colour is bold warm cold quiet paint ##ing ##ness ##ed composition rests on un ##even brush ##work texture dull vivid painting The Light 画 家 か ##な""".split()
TEXTS = ["", "The light is bold.", "the painting's colour is warm; the brushwork uneven", "Cold, dull texture!", "画家 かな Ö ö é", "[SEP] zzz [MASK]",
         "light " * 60]


def base(seed, lower=True):
    torch.manual_seed(seed)
    m = BertModel(BertConfig(vocab_size=len(VOCAB) + seed % 3, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                             max_position_embeddings=32, hidden_dropout_prob=0.1))
    with torch.no_grad():
        for name, p in m.named_parameters():
            p.mul_(8 if p.dim() > 1 else 1).add_(torch.randn_like(p) * (0.1 if p.dim() == 1 else 0))
    d = tempfile.mkdtemp()
    m.save_pretrained(d)
    BertTokenizer(vocab={w: i for i, w in enumerate(VOCAB)}, do_lower_case=lower, model_max_length=512).save_pretrained(d)
    return d


def edit(path, f):
    v = json.loads(path.read_text())
    f(v)
    path.write_text(json.dumps(v, indent=1))


def rename_tensors(d):
    """The names of a checkpoint that was saved with a head, with the buffer that older versions saved."""
    t = {"bert." + k: v for k, v in load_file(d / "model.safetensors").items()}
    t["bert.embeddings.position_ids"] = torch.arange(32)[None]
    t["cls.predictions.bias"] = torch.zeros(3)
    save_file(t, d / "model.safetensors")


def encoders():
    torch.manual_seed(0)
    yield "mean", [sm.Transformer(base(1)), sm.Pooling(24, "mean"), sm.Normalize()], {}, None
    # cls pooling in the older layout, with lower case before a cased tokenizer and a limit of its own
    yield "cls", [sm.Transformer(base(2, lower=False)), sm.Pooling(24, "cls")], {}, "old"
    yield "max-mean-dense", [sm.Transformer(base(3)), sm.Pooling(24, ("max", "mean")), sm.Dense(48, 10), sm.Normalize()], {}, "bert."
    yield "prompt", [sm.Transformer(base(4)), sm.Pooling(24, "mean", include_prompt=False), sm.Dense(24, 7, bias=False, activation_function=torch.nn.Sigmoid())], \
        {"prompts": {"critique": "the painting: "}, "default_prompt_name": "critique"}, None


def main():
    out = {}
    for name, modules, options, change in encoders():
        d = HERE / name
        shutil.rmtree(d, ignore_errors=True)
        SentenceTransformer(modules=modules, **options).save(str(d))
        (d / "README.md").unlink()
        if change == "old":
            edit(d / "modules.json", lambda v: [m.update(type="sentence_transformers.models." + m["type"].split(".")[-1]) for m in v])
            (d / "sentence_bert_config.json").write_text('{"max_seq_length": 12, "do_lower_case": true}')
            (d / "1_Pooling/config.json").write_text('{"word_embedding_dimension": 24, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false, '
                                                     '"pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false}')
        if change == "bert.":
            rename_tensors(d)
        e = SentenceTransformer(str(d), device="cpu")
        for f in d.rglob(".*"):
            f.unlink()
        out[name] = {"longest": e.max_seq_length, "width": e.get_sentence_embedding_dimension(),
                     "texts": [{"text": t, "tokens": len(e.tokenizer(t, truncation=True)["input_ids"]), "embedding": e.encode([t])[0].tolist()} for t in TEXTS]}
        print(name, out[name]["longest"], [t["tokens"] for t in out[name]["texts"]])
    (HERE / "expected.json").write_text(json.dumps(out, ensure_ascii=False) + "\n")


main()
