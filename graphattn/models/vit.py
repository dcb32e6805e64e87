"""The vision Transformer."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphattn.graph import complete
from graphattn.models.encoders import transformer
from graphattn.nn.heads.graph import GraphHead
from graphattn.nn.positions import LearnedPositions, sinusoidal


class ViT(nn.Module):
    """Classify images by an encoder over embedded patches.

        x_p = W patch_p + position_p,   scores = GraphHead(encoder([class token, x_1, ..., x_P]))

    Args:
        image_size: height and width, or one integer for both.
        patch_size: height and width of a patch, which divide those of the image.
        num_classes: the number of classes.
        channels: number of image channels.
        embed_dim: width.
        depth: number of layers of the default encoder.
        num_heads: number of heads of the default encoder and of `pooling="attention"`.
        encoder: a module called as `encoder(x, ga.complete([P] * B))`, such as those of `graphattn.models.encoders`; a
            Transformer encoder when None. Encoders on the grid (`neighborhood`, `axial`) cannot have a class token: use
            `pooling="mean"`.
        pooling: "first" reads the class token, "mean" and "attention" pool over all tokens (see `GraphHead`).
        class_token: whether to add a class token, which "mean" averages along with the patches; when None, only for
            "first", which needs it.
        positions: "learned", or "sine" for sinusoidal positions of row and column.
        dropout: dropout probability on the embedding and in the default encoder.

    Shapes:
        images `[B, channels, height, width]` → `[B, num_classes]`.

    Raises:
        ValueError: patches do not tile the image, or images have a wrong size.

    Example:
        >>> net = ViT(224, 32, num_classes=2, embed_dim=128, depth=2)  # 49 patches and a class token
        >>> net(torch.zeros(3, 3, 224, 224)).shape
        torch.Size([3, 2])

    Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 1-4; the class token has no position embedding, which would be
    redundant, and the head is linear. Mean pooling and 2D sinusoidal positions: Beyer et al. 2022, arXiv:2205.01580.
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        patch_size: int | tuple[int, int],
        num_classes: int,
        *,
        channels: int = 3,
        embed_dim: int = 128,
        depth: int = 6,
        num_heads: int = 4,
        encoder: nn.Module | None = None,
        pooling: Literal["first", "mean", "attention"] = "first",
        class_token: bool | None = None,
        positions: Literal["learned", "sine"] = "learned",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        image, patch = _pair(image_size), _pair(patch_size)
        if any(size < 1 for size in (*image, *patch)) or image[0] % patch[0] or image[1] % patch[1]:
            raise ValueError(f"patches of {patch} do not tile an image of {image}")
        if pooling == "first" and class_token is False:
            raise ValueError('pooling="first" reads the class token, got class_token=False')
        if positions not in ("learned", "sine"):
            raise ValueError(f'positions is "learned" or "sine", got {positions!r}')
        self.image_size, self.grid_shape = image, (image[0] // patch[0], image[1] // patch[1])
        num_patches = self.grid_shape[0] * self.grid_shape[1]
        self.patches = nn.Conv2d(channels, embed_dim, patch, stride=patch)
        class_token = pooling == "first" if class_token is None else class_token
        self.class_token = nn.Parameter(torch.randn(1, 1, embed_dim) * 0.02) if class_token else None
        self.positions = LearnedPositions(num_patches, embed_dim) if positions == "learned" else None
        if positions == "sine":
            cells = torch.cartesian_prod(*(torch.arange(size) for size in self.grid_shape))
            self.register_buffer("sines", sinusoidal(cells, embed_dim), persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.encoder = transformer(embed_dim, num_heads, depth, dropout=dropout) if encoder is None else encoder
        self.head = GraphHead(embed_dim, num_classes, pooling=pooling, num_heads=num_heads)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the scores."""
        if tuple(images.shape[2:]) != self.image_size:
            raise ValueError(f"images are [B, channels, {self.image_size}], got {list(images.shape)}")
        x = self.patches(images).flatten(2).transpose(1, 2)  # [B, P, C]
        x = x + (self.sines if self.positions is None else self.positions.table)
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1)
        graph = complete([x.shape[1]] * x.shape[0], device=x.device)
        return self.head(self.encoder(self.dropout(x.flatten(0, 1)), graph), graph)


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
