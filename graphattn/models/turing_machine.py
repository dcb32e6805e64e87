"""The Neural Turing Machine: a controller with an external memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.nn.recurrent.turing import TuringMemory, TuringState


class NeuralTuringMachine(nn.Module):
    """A recurrent controller that reads from and writes to a memory at every step.

        h_t = LSTM([x_t, r_{t−1}], h_{t−1}),   (M_t, w_t, r_t) = memory(h_t),   y_t = W_y [h_t, r_t] + b

    Args:
        in_dim: width of the inputs x.
        out_dim: width of the outputs y (logits).
        hidden_dim: width of the controller.
        width: width of a memory row.
        rows: R, the default number of memory rows.
        read_heads, write_heads, shift_radius: see `graphattn.nn.TuringMemory`.

    Example:
        >>> import torch, graphattn as ga
        >>> machine = ga.models.NeuralTuringMachine(9, 8, hidden_dim=32, width=10, rows=16)
        >>> outputs, addresses = machine(torch.rand(5, 2, 9))  # 5 steps of 2 machines
        >>> outputs.shape, addresses.shape
        (torch.Size([5, 2, 8]), torch.Size([5, 2, 16, 2]))

    Graves et al. 2014, arXiv:1410.5401, figure 1, with an LSTM as controller. The paper does not specify the output
    layer; the final sigmoid of its tasks is left to the loss.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        hidden_dim: int = 100,
        width: int = 20,
        rows: int = 128,
        read_heads: int = 1,
        write_heads: int = 1,
        shift_radius: int = 1,
    ) -> None:
        super().__init__()
        self.rows = rows
        self.memory = TuringMemory(
            hidden_dim, width, read_heads=read_heads, write_heads=write_heads, shift_radius=shift_radius
        )
        self.controller = nn.LSTMCell(in_dim + read_heads * width, hidden_dim)
        self.output = nn.Linear(hidden_dim + read_heads * width, out_dim)

    def forward(self, x: Tensor, *, rows: int | None = None) -> tuple[Tensor, Tensor]:
        """Run the machines on sequences.

        Args:
            x: `[T, B, in_dim]`: T steps of B machines.
            rows: the number of memory rows, instead of the default.

        Returns:
            The outputs, `[T, B, out_dim]`, and the attention weights of the heads, `[T, B, R, H]`.
        """
        state: TuringState = self.memory.begin(x.shape[1], self.rows if rows is None else rows)
        cell: tuple[Tensor, Tensor] | None = None
        seen, places = [], []
        for step in x:
            cell = self.controller(torch.cat([step, state.read.flatten(1)], dim=1), cell)
            state = self.memory(cell[0], state)
            seen.append(torch.cat([cell[0], state.read.flatten(1)], dim=1))
            places.append(state.weights)
        return self.output(torch.stack(seen)), torch.stack(places)
