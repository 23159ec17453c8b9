"""Tokenizers: a model's own, and the stand-in."""

import json

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from warpfive.errors import InputError  # noqa: E402
from warpfive.serving import load_text  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    """A model's folder with a tokenizer of three words."""
    tokenizers = pytest.importorskip("tokenizers")
    kinds = tokenizers.models
    transformers = pytest.importorskip("transformers")
    kind = kinds.WordLevel({"<unk>": 0, "hello": 1, "world": 2}, unk_token="<unk>")
    own = tokenizers.Tokenizer(kind)
    own.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=own, unk_token="<unk>")
    fast.save_pretrained(tmp_path)
    return tmp_path


def test_a_folder_is_counted_with_its_own_tokenizer(folder):
    text = load_text(str(folder))
    assert text.encode("hello world hello") == [1, 2, 1] and text.vocabulary == 3
    assert text.decode([2, 1]) == "world hello"
    assert text.chat([{"role": "user", "content": "hello"}])[-1] == 1


def test_a_template_shapes_a_chat(folder):
    template = "{% for m in messages %}world {{ m.content }}{% endfor %} world"
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))
    assert load_text(str(folder)).chat([{"role": "user", "content": "hello"}]) == [2, 1, 2]


def test_a_name_has_a_stand_in():
    text = load_text("Qwen3-32B")
    assert len(text.encode("twelve bytes")) == 3
    assert text.encode("the same start")[:3] == text.encode("the same stars")[:3]
    assert len(text.decode(text.encode("twelve bytes")).split()) == 3


def test_a_broken_tokenizer_is_named(folder):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(InputError) as caught:
        load_text(str(folder))
    assert str(caught.value).startswith(f"{folder}: its tokenizer cannot be read: ")
