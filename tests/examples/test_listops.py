"""ListOps: the values are right, and all kinds of attention run."""

import random
import statistics


def value(words):
    """By a stack, and not by recursion as the example does it."""
    stack = []
    for word in words:
        if word == "]":
            arguments = []
            while isinstance(stack[-1], int):
                arguments.append(stack.pop())
            stack.append({"[MIN": min, "[MAX": max, "[MED": statistics.median, "[SM": sum}[stack.pop()](arguments))
            stack[-1] = int(stack[-1]) % 10
        else:
            stack.append(int(word) if word.isdigit() else word)
    (found,) = stack
    return found


def test_expressions_have_their_values(example):
    module = example("listops")
    random.seed(0)
    found = module.expressions(300, 10, 80)
    assert len({" ".join(words) for words, _ in found}) == 300
    for words, answer in found:
        assert 10 <= len(words) <= 80
        assert value(words) == answer
    assert {word for words, _ in found for word in words} == set(module.TOKENS) - {"[CLASS]"}


def test_guesses_by_hand(example):
    module = example("listops")
    data = [(["[MAX"], 9), (["[MAX"], 9), (["[MAX"], 3), (["[MIN"], 0)]
    found = module.guesses(data, [(["[MAX"], 9), (["[MIN"], 0), (["[MIN"], 9), (["[MAX"], 3)])
    assert found["commonest value"].tolist() == [True, False, True, False]
    assert found["first operator"].tolist() == [True, True, False, False]


def test_accuracy_by_length(example):
    module = example("listops")
    test = [(["1"] * length, 1) for length in (10, 20, 21, 80, 41)]
    found = module.torch.tensor([[True, False, False, True, True], [True, True, True, False, True]])
    assert module.by_length(found, test) == [75, 50, 75]
    assert module.percent(found) == [60, 80]
    assert sum(most - fewest + 1 for fewest, most in module.BINS) == module.LENGTHS[1] - module.LENGTHS[0] + 1


def test_a_batch_puts_a_class_token_before_each(example):
    module = example("listops")
    batch = module.pack([(["[MAX", "2", "7", "]"], 7), (["[SM", "9", "4", "]"], 3)])
    assert list(batch.graph.sizes) == [5, 5]
    assert [module.TOKENS[token] for token in batch.tokens.tolist()][4:7] == ["]", "[CLASS]", "[SM"]
    assert batch.values.tolist() == [7, 3]


def test_a_network_learns_a_few_by_heart(example):
    module = example("listops")
    module.torch.manual_seed(0)
    data = [(["[MIN", str(digit), "9", "]"], digit) for digit in range(10)]
    net = module.Network(module.attentions(5)["full"](), 5)
    module.train(net, data, steps=40, size=10)
    assert module.right(net, data).all()


def test_all_kinds_of_attention(example, tmp_path):
    module = example("listops")
    table = module.main(tmp_path / "listops.png", quick=True)
    assert list(table) == list(module.PUBLISHED)
    assert (tmp_path / "listops.png").read_bytes().startswith(b"\x89PNG")
