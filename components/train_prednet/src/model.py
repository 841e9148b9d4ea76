"""PredNet: a recurrent network that foretells the next frame and passes only its errors upwards.

Layer 0 is the picture. In every layer recurrent units R make a prediction Ahat of the target A; what is left over,
the error E = [A - Ahat]+ and [Ahat - A]+, goes back into R and, pooled to half the size, is the target above:

    layer 1   A1 - Ahat1 -> E1      R1 -> Ahat1
               ^                    |
               pool(conv(E0))       v upsampled
    layer 0   A0 - Ahat0 -> E0      R0 -> Ahat0 + the last frame

The prediction of the picture starts from the last frame. Without this shortcut a small network spends its whole
training on redrawing the still background through three channels, and stays behind simply copying the last frame.

This module needs torch alone, because a registered model carries a copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

PICTURE_CHANNELS = 3


@dataclass(frozen=True)
class Architecture:
    """What decides the shapes of the weights."""

    stack_sizes: tuple[int, ...]
    """Channels of each layer, beginning with the picture's 3."""
    filter_sizes: tuple[int, int, int]
    """Kernel sizes of the convolutions that make A, Ahat and R."""

    @property
    def depth(self) -> int:
        """How many layers there are, the picture's included."""
        return len(self.stack_sizes)


class LayerState(NamedTuple):
    """What a layer remembers from one frame to the next; R, C (b, c, h, w) and E (b, 2c, h, w)."""

    hidden: Tensor
    cell: Tensor
    error: Tensor


class Layer(nn.Module):
    """One level: its recurrent units, its prediction and, but for the top, the target of the layer above."""

    def __init__(self, channels: int, above: int | None, filter_sizes: tuple[int, int, int]) -> None:
        """`above` is the number of channels of the layer above; None makes a top layer."""
        super().__init__()
        target_size, prediction_size, recurrent_size = filter_sizes
        self.channels = channels
        inputs = 3 * channels + (above or 0)
        self.gates = nn.Conv2d(inputs, 4 * channels, recurrent_size, padding="same")
        self.prediction = nn.Conv2d(channels, channels, prediction_size, padding="same")
        self.target_above = nn.Conv2d(2 * channels, above, target_size, padding="same") if above else None

    def start(self, batch: int, height: int, width: int, like: Tensor) -> LayerState:
        """The state before the first frame: nothing seen, nothing wrong."""
        hidden = like.new_zeros(batch, self.channels, height, width)
        return LayerState(hidden, hidden, torch.cat([hidden, hidden], dim=1))

    def recur(self, state: LayerState, hidden_above: Tensor | None) -> tuple[Tensor, Tensor]:
        """R and C for the coming frame, a convolutional LSTM over E, the old R and the R above (b, c', h/2, w/2)."""
        inputs = [state.error, state.hidden]
        if hidden_above is not None:
            inputs.append(functional.interpolate(hidden_above, scale_factor=2.0, mode="nearest"))
        into, forget, out, candidate = self.gates(torch.cat(inputs, dim=1)).chunk(4, dim=1)
        cell = torch.sigmoid(forget) * state.cell + torch.sigmoid(into) * torch.tanh(candidate)
        return torch.sigmoid(out) * torch.tanh(cell), cell

    def rise(self, error: Tensor) -> Tensor:
        """The target of the layer above, (b, above, h/2, w/2), from this layer's error (b, 2c, h, w)."""
        assert self.target_above is not None, "the top layer has nothing above it"
        return functional.max_pool2d(functional.relu(self.target_above(error)), kernel_size=2)


class PredNet(nn.Module):
    """The whole stack. Call it with frames (b, t, 3, h, w) in 0..1 for predictions of the same shape."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        sizes = architecture.stack_sizes
        above: list[int | None] = [*sizes[1:], None]
        self.layers = nn.ModuleList(Layer(c, up, architecture.filter_sizes) for c, up in zip(sizes, above, strict=True))
        # An untrained network copies the last frame; training can only learn to do better.
        bottom = self.layer(0).prediction
        nn.init.zeros_(bottom.weight)
        if bottom.bias is not None:
            nn.init.zeros_(bottom.bias)

    def layer(self, index: int) -> Layer:
        """One layer, typed."""
        layer = self.layers[index]
        assert isinstance(layer, Layer)
        return layer

    def forward(self, frames: Tensor) -> Tensor:
        """Predict each frame from those before it; the first one, from nothing, is meaningless."""
        batch, _, _, height, width = frames.shape
        states = [
            self.layer(index).start(batch, height >> index, width >> index, like=frames)
            for index in range(self.architecture.depth)
        ]
        last = torch.zeros_like(frames[:, 0])
        predictions = []
        for frame in frames.unbind(dim=1):
            states, prediction = self._step(frame, last, states)
            predictions.append(prediction)
            last = frame
        return torch.stack(predictions, dim=1)

    def _step(self, frame: Tensor, last: Tensor, states: list[LayerState]) -> tuple[list[LayerState], Tensor]:
        """One frame (b, 3, h, w): expectations flow down, then errors flow up."""
        recurrent = self._expect(states)
        picture = torch.clamp(last + self.layer(0).prediction(recurrent[0][0]), 0.0, 1.0)
        prediction = picture
        target = frame
        following = []
        for index, (hidden, cell) in enumerate(recurrent):
            layer = self.layer(index)
            if index:
                prediction = functional.relu(layer.prediction(hidden))
            error = torch.cat([functional.relu(target - prediction), functional.relu(prediction - target)], dim=1)
            following.append(LayerState(hidden, cell, error))
            if layer.target_above is not None:
                target = layer.rise(error)
        return following, picture

    def _expect(self, states: list[LayerState]) -> list[tuple[Tensor, Tensor]]:
        """R and C of every layer for the coming frame, worked out from the top down, listed from the bottom up."""
        found: list[tuple[Tensor, Tensor]] = []
        hidden_above: Tensor | None = None
        for index in reversed(range(self.architecture.depth)):
            hidden, cell = self.layer(index).recur(states[index], hidden_above)
            found.append((hidden, cell))
            hidden_above = hidden
        return found[::-1]
