"""The head of masked language modeling by its formula."""

import torch
import torch.nn.functional as F

from graphattn.nn import MaskedLanguageHead


def test_head():
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(9, 6)
    head, x = MaskedLanguageHead(embedding), torch.randn(4, 6)
    torch.nn.init.normal_(head.out.bias)
    linear, _, norm = head.transform
    hidden = F.layer_norm(F.gelu(x @ linear.weight.T + linear.bias), (6,), norm.weight, norm.bias)
    torch.testing.assert_close(head(x), hidden @ embedding.weight.T + head.out.bias)
    assert head.out.weight is embedding.weight
