"""Small models of the transformers library, unmodified, against the CPU."""

import pytest
import torch

transformers = pytest.importorskip("transformers")


def test_qwen3_generates_the_same_tokens() -> None:
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=512, hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=256,
    )  # fmt: skip
    model = transformers.Qwen3ForCausalLM(config).eval()
    prompt = torch.randint(0, 512, (1, 12))
    with torch.no_grad():
        logits = model(prompt).logits
        tokens = model.generate(prompt, max_new_tokens=8, do_sample=False)
        model.cuda()
        torch.testing.assert_close(model(prompt.cuda()).logits.cpu(), logits)
        assert model.generate(prompt.cuda(), max_new_tokens=8, do_sample=False).cpu().equal(tokens)
