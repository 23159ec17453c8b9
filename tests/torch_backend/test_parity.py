"""warpfive parity: a checkpoint on the chip against float32 on the host."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.torch_backend import torch_models as models  # noqa: E402
from warpfive.cli import main  # noqa: E402
from warpfive.torch_backend import quantized  # noqa: E402

TEXT = "the quick brown fox jumps over the lazy dog and the dog sleeps on " * 4


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A folder as Hugging Face has them: config.json, safetensors, a tokenizer."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("small-qwen3")
    torch.manual_seed(3)
    models.qwen3().save_pretrained(folder)
    words = dict.fromkeys(["<unk>", "</s>", *TEXT.split()])
    kind = kinds.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = Tokenizer(kind)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("dtype", "most"),
    [("fp32", 1e-5), ("bf16", 0.03), ("fp8", 0.15), ("int8", 0.05), ("int4", 0.6)],
)
def test_differences_are_those_of_the_type(checkpoint, tmp_path, dtype, most):
    text, found = tmp_path / "text.txt", tmp_path / "parity.json"
    text.write_text(TEXT)
    words = ["parity", str(checkpoint), "--dtype", dtype, "--text", str(text), "--window", "24"]
    assert main([*words, "--tokens", "40", "--json", str(found)]) == 0
    record = json.loads(found.read_text())
    assert record["tokens"] == 40
    assert [layer["name"] for layer in record["layers"]] == ["layer 0", "layer 1"]
    for row in (*record["layers"], record["logits"]):
        assert row["relative"] <= most
        assert row["cosine"] > 0.8
    if dtype == "fp32":
        assert record["top1"] == 1.0
    else:
        assert record["logits"]["relative"] > 1e-4  # the chip's weights are narrower indeed
    chip, reference = record["perplexity_chip"], record["perplexity_reference"]
    assert chip == pytest.approx(reference, rel=max(most, 1e-4))


def test_the_table_and_the_picture(checkpoint, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "parity.png"
    assert main(["parity", str(checkpoint), "--tokens", "30", "-o", str(picture)]) == 0
    said = capsys.readouterr().out
    for words in ("bf16 on the chip against float32", "layer 1", "logits", "same first choice"):
        assert words in said
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("form", ["fp8", "int8", "int4"])
def test_a_quantised_product_is_the_product_of_what_is_stored(form):
    linear = torch.nn.Linear(256, 40)
    layer = quantized.QuantizedLinear(linear, form)
    stored, scale = layer.weight, layer.scale
    if form == "int4":
        low, high = stored & 0xF, stored >> 4
        stored = torch.stack([low, high], -1).reshape(40, 256).to(torch.int8)
        stored = torch.where(stored > 7, stored - 16, stored)
    parts = stored.float().reshape(40, scale.shape[1], -1) * scale.unsqueeze(-1)
    x = torch.randn(3, 5, 256)
    expected = torch.nn.functional.linear(x, parts.reshape(40, 256), linear.bias)
    with torch.no_grad():
        got = layer.to("cuda")(x.cuda())
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: no config.json there; give the folder of a checkpoint "
         "(config.json, *.safetensors and the tokenizer's files)"),
        (["nowhere", "--dtype", "fp6"],
         "--dtype fp6: it is one of fp32, bf16, fp16, fp8, int8, int4"),
        (["nowhere", "--text", "no.txt"],
         "--text no.txt: cannot be read (No such file or directory)"),
        (["nowhere", "-o", "chart.gif"], "chart.gif: a chart's name must end in .png or .html"),
    ],
)  # fmt: skip
def test_mistakes_are_named(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["parity", *words]) != 0
    assert said in capsys.readouterr().err
