"""Autoregressive generation with any model that has a step function: beam search and sampling."""

from graphattn.nn.generation.beam import Hypothesis, beam_search
from graphattn.nn.generation.sampling import sample
from graphattn.nn.generation.step import Step, select_rows

__all__ = ["Hypothesis", "Step", "beam_search", "sample", "select_rows"]
