"""Options of minigrad cv and path: names between commas, numbers in their range."""

import pytest

from minigrad import cli
from minigrad.commands import choose_options


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ratio", "2"],
        ["--l1-ratio", "1.5"],
        ["--lr", "-1"],
        ["--jobs", "0"],
        ["--jobs", "1.5"],
        ["--ratio", "x"],
        ["--missing-target", "mean"],
    ],
)
def test_numbers_out_of_range_name_their_option(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cv", "moons", *arguments])
    assert stopped.value.code == 2 and f"argument {arguments[0]}: " in capsys.readouterr().err


def test_names_behind_an_option():
    told = {"a, b": ("a", "b"), '"a, b",c': ("a, b", "c"), "": ("",), "a,": ("a",), "-,.": ("-", ".")}
    assert {text: choose_options.names(text) for text in told} == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hidden", "8"], "--hidden: --model linear has no such option; add --model mlp"),
        (["--epochs", "8", "--lr", "0.1"], "--epochs, --lr: --model linear has no such option; add --model mlp"),
        (["--warm-start"], "--warm-start: --model linear has no such option; add --model mlp"),
        (["--model", "mlp", "--l1-ratio", "1"], "--l1-ratio: --model mlp has no such option"),
    ],
)
def test_options_that_the_model_does_not_have_are_refused(arguments, said, capsys):
    """They would change nothing; the values of their defaults too, where they are typed."""
    assert cli.main(["cv", "regression", *arguments]) == 2
    assert said in capsys.readouterr().err
    if "--warm-start" not in arguments:
        assert cli.main(["path", "regression", *arguments]) == 2
        assert said in capsys.readouterr().err
