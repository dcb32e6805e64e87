"""The examples of the attention family, quickly: better than chance by far, and a picture."""

import pytest
import torch

import graphattn as ga


@pytest.fixture
def text_data(benchmark_data, monkeypatch):
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))


def is_picture(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_digits(example, tmp_path):
    assert example("digits_patches").main(tmp_path / "digits.png", quick=True) > 0.25
    assert is_picture(tmp_path / "digits.png")


def test_digits_to_validate_are_no_test_digits(example):
    load = example("digits_patches").load
    (known, _), (test, _) = load(seed=1)
    (train, _), (valid, digits) = load(seed=1, validate=True)
    assert [len(part) for part in (train, valid, test)] == [1077, 360, 360] and digits.bincount().min() > 30
    assert sorted([*train.flatten(1).tolist(), *valid.flatten(1).tolist()]) == sorted(known.flatten(1).tolist())


def test_parts_of_speech(example, tmp_path, text_data):
    table = example("pos_tagging").main(tmp_path / "pos.png", quick=True)
    assert list(table)[1:] == ["no context", "window of 5 words", "LSTM", "self-attention"]
    assert min(table.values()) > 0.5
    assert is_picture(tmp_path / "pos.png")


def test_question_types(example, tmp_path, text_data):
    assert example("question_type").main(tmp_path / "questions.png", quick=True) > 0.5
    assert is_picture(tmp_path / "questions.png")


def test_parts_of_the_questions_do_not_overlap(example, text_data):
    parts, published = example("question_type").load(), ga.datasets.load_text("trec")
    assert {name: len(part) for name, part in parts.items()} == {"train": 4952, "valid": 500, "test": 500}
    assert sorted(parts["train"] + parts["valid"]) == sorted(published["train"])
    assert parts["test"] == published["test"]


def test_sentiment(example, tmp_path, text_data):
    assert example("sentiment").main(tmp_path / "sentiment.png", quick=True) > 0.52
    assert is_picture(tmp_path / "sentiment.png")


def test_what_words_add_to_a_sentiment_adds_up(example):
    module = example("sentiment")
    net, words, graph = module.Classifier(20).eval(), [torch.tensor([1, 2]), torch.tensor([3])], ga.complete(2)
    torch.nn.init.normal_(net.head.attention.out_proj.bias)
    pooling, out = net.head.attention, net.head.out
    rest = out(pooling.out_proj(pooling.v_proj.bias))
    torch.testing.assert_close(module.shares(net, words, graph).sum() + rest[0], net(words, graph)[0])
