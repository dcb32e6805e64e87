import numpy as np
import pytest

import graphattn.tasks.molecule.featurize_many as module
from graphattn.chem import AtomFeaturizer, BondFeaturizer, descriptor_names
from graphattn.chem.features import ArrayFeaturizer
from graphattn.chem.worker import NoWorkerError, StoppedError
from graphattn.tasks.molecule.featurize_many import featurize_many

SMILES = ["CCO", "C(", None, "c1ccccc1", "C", "", float("nan"), "[Na+].[Cl-]", "C" * 200]


@pytest.fixture
def featurizer():
    return ArrayFeaturizer(AtomFeaturizer.chemprop(), BondFeaturizer.chemprop(), tuple(descriptor_names()))


def same(one, other):
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return all(
        np.array_equal(*pair, equal_nan=True)
        for pair in (
            (one[0].graph.edge_index, other[0].graph.edge_index),
            (one[0].x, other[0].x),
            (one[0].edge_attr, other[0].edge_attr),
            (one[1], other[1]),
        )
    )


def test_another_process_gives_what_this_one_gives(featurizer):
    here = [module._here(featurizer, text) for text in SMILES]
    assert [isinstance(answer, str) for answer in here] == [False, True, True, False, False, True, True, False, False]
    there = list(featurize_many(featurizer, SMILES))  # one of them is long
    many = list(featurize_many(featurizer, iter(SMILES * 20)))  # more than one chunk
    assert all(map(same, there, here))
    assert all(map(same, many, here * 20))
    assert len(many) == 20 * len(SMILES)


class NoWorker:
    def __init__(self, *_):
        raise AssertionError("no process is worth its start for a few small molecules")


def test_a_few_small_molecules_take_no_process(featurizer, monkeypatch):
    monkeypatch.setattr(module, "Worker", NoWorker)
    assert list(featurize_many(featurizer, [])) == []
    assert len(list(featurize_many(featurizer, SMILES[:-1]))) == len(SMILES) - 1


class Pretending(module.Worker):
    """Answers in this process, and as it is told."""

    def __call__(self, texts):
        for text in texts:
            if text == "CC":
                raise NoWorkerError
            yield StoppedError("it takes more than 1 s to compute") if text == "slow" else self.function(text)


def test_a_molecule_that_takes_too_long_has_its_reason(featurizer, monkeypatch):
    monkeypatch.setattr(module, "Worker", Pretending)
    answers = list(featurize_many(featurizer, ["C", "slow", "O"] * 40))
    assert [isinstance(answer, str) for answer in answers] == [False, True, False] * 40
    assert answers[1] == "it takes more than 1 s to compute"


@pytest.mark.parametrize("place", [0, 1, 70, 139])
def test_without_processes_the_rest_is_computed_here(featurizer, monkeypatch, place):
    monkeypatch.setattr(module, "Worker", Pretending)
    texts = ["C"] * 140
    texts[place] = "CC"
    answers = list(featurize_many(featurizer, texts))
    assert [answer[0].x.shape[0] for answer in answers] == [len(text) for text in texts]


def test_an_error_that_is_no_fault_of_the_molecule_passes(monkeypatch):
    class Broken(ArrayFeaturizer):
        def __call__(self, smiles):
            raise KeyError(smiles)

    broken = Broken(AtomFeaturizer.chemprop(), BondFeaturizer.chemprop())
    with pytest.raises(KeyError):
        list(featurize_many(broken, ["C"]))
