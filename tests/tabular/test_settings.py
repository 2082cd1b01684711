"""What tabular.train is told: strengths, and what is kept of it."""

from minigrad.tabular.settings import Settings


def test_strengths():
    assert Settings().strengths is None and Settings(model="mlp").strengths == (0.0, 0.0)
    assert Settings(lam=2.0, l1_ratio=0.25).strengths == (0.5, 1.5) and Settings(l2=3.0).strengths == (0.0, 3.0)
    assert Settings(model="mlp", lam="cv").strengths is None


def test_what_is_kept_is_what_the_model_has():
    linear, network = Settings().plain("linear"), Settings.of([8, 4], model="mlp").plain("mlp")
    assert "hidden" not in linear and linear["count"] == 50 and "standardize" in linear
    assert network["hidden"] == [8, 4] and "count" not in network and "standardize" not in network
    assert Settings.of(16).hidden == (16,)
