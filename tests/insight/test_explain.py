"""The page of a backward pass: its data is the trace's, its drawings have no overlaps, its script takes any text."""

import json
import re
import shutil
import subprocess

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.insight.folding import runs_of
from minigrad.insight.graph import Value


@pytest.fixture
def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), nn.Linear(4, 2))


def page_of(model):
    with mg.debug.trace(model) as seen:
        mg.cross_entropy(model(mg.tensor([[1.0, 2.0, 3.0]])), [1]).backward()
    return mg.debug.Explanation(seen)


def test_a_loss_is_explained_without_a_change(network):
    loss = mg.cross_entropy(network(mg.tensor([[1.0, 2.0, 3.0]])), [1])
    page = mg.explain(loss, model=network)
    assert all(p.grad is None for p in network.parameters())
    loss.backward()  # the graph is still there
    data = page.data()
    arrived = {step["to"]: step.get("total", step["gradient"]) for step in data["steps"] if step["kind"] == "backward"}
    shown = {node["name"]: node["gradient"] for node in data["nodes"] if node["n"] in arrived}
    assert shown["1.bias"] == str(Value.of(network[1].bias.grad, 16))
    assert {"0.0.weight", "0.0.bias", "1.weight", "1.bias"} <= set(shown)


def test_steps_go_forward_and_then_back(network):
    data = page_of(network).data()
    kinds = [step["kind"] for step in data["steps"]]
    assert kinds == sorted(kinds, reverse=True)
    made = [step["node"] for step in data["steps"] if step["kind"] == "forward"]
    visited = [step["node"] for step in data["steps"] if step["kind"] == "backward"]
    assert made == sorted(made)
    assert visited == sorted(visited, reverse=True)
    assert set(visited) == set(made)


def test_drawings_fold_modules_and_boxes_do_not_overlap(network):
    levels = page_of(network).data()["levels"]
    assert [level["name"] for level in levels] == ["modules", "modules, 2 deep", "every op"]
    assert [box["title"] for box in levels[0]["boxes"] if box["kind"] == "module"] == ["0", "1"]
    assert [box["title"] for box in levels[1]["boxes"] if box["kind"] == "module"] == ["0.0", "0.1", "1"]
    for level in levels:
        held = sorted(n for box in level["boxes"] for n in box["nodes"])
        assert held == list(range(1, len(held) + 1))
        place = {box["id"]: box for box in level["boxes"]}
        for source, box, _ in level["edges"]:
            assert place[source]["y"] < place[box]["y"]
        for a in level["boxes"]:
            for b in level["boxes"]:
                if a is not b and a["y"] == b["y"]:
                    assert abs(a["x"] - b["x"]) >= (a["w"] + b["w"]) / 2


def test_a_module_that_is_used_twice_makes_no_circle():
    shared = nn.Linear(2, 2)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.other = nn.Sequential(shared, nn.Tanh()), nn.Sequential(nn.Linear(2, 2), nn.Tanh())

        def forward(self, x):
            return self.shared(self.other(self.shared(x)))

    model = Twice()
    with mg.debug.trace(model) as seen:
        mg.sum(model(mg.tensor([[1.0, 2.0]]))).backward()
    level = mg.debug.Explanation(seen).data()["levels"][0]
    assert [box["title"] for box in level["boxes"] if box["kind"] == "module"] == ["shared", "other", "shared"]
    assert runs_of({1: "a", 2: "a", 3: None, 4: None, 5: "a"}) == [[1, 2], [3], [4], [5]]


def test_any_text_stays_text():
    p = nn.Parameter(mg.tensor([1.0]))

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            setattr(self, "</script><b>@@DATA@@", p)

    with mg.debug.trace(Odd()) as seen:
        mg.sum(p * 2.0).backward()
    html = mg.debug.Explanation(seen, title="<i>&").html()
    (inside,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert json.loads(inside)["nodes"][0]["name"] == "</script><b>@@DATA@@"
    assert "<i>" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_numbers_that_are_not_finite_can_be_shown():
    x = mg.tensor([0.0, float("nan")], requires_grad=True)
    page = mg.explain(mg.sum(mg.log(x)))
    assert "NaN" not in json.dumps(page.data(), allow_nan=True).replace('"', "")
    page.html()


def test_text_for_other_tools(network):
    page = page_of(network)
    assert page.dot().startswith("digraph {\n  n1 [label=")
    assert page.dot().count("->") == page.mermaid().count("-->") == len(page.edges())
    assert page.mermaid().startswith("flowchart TD\n")


def test_the_name_of_the_whole_model_folds_nothing(network):
    """In a script the paths begin with the name of the model: each of its layers is a box, not all of them one."""
    with mg.debug.trace() as seen:
        mg.cross_entropy(network(mg.tensor([[1.0, 2.0, 3.0]])), [1]).backward()
    seen.name(network, "model")
    page = mg.debug.Explanation(seen)
    levels = page.data()["levels"]
    modules = [(box["title"], box["below"]) for box in levels[0]["boxes"] if box["kind"] == "module"]
    assert modules == [("model.0", "2 ops"), ("model.1", "affine 1x2")]
    boxes = {box["title"]: box["below"] for box in levels[-1]["boxes"]}
    assert boxes["#5 tanh"] == "1x4 in model.0.1" and boxes["#10 cross_entropy"] == ""
    assert '"#5 tanh 1x4 in model.0.1"' in page.dot()


def test_the_step_behind_a_walk_is_on_the_page():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=0.5)
    with mg.debug.trace() as seen:
        for _ in range(2):
            optimizer.zero_grad()
            mg.sum(w * w).backward()
            optimizer.step()
    for walk, before in ((0, "[1. 2.]"), (1, "[0. 0.]")):
        (update,) = [s for s in mg.debug.Explanation(seen, walk).data()["steps"] if s["kind"] == "update"]
        assert dict(update["rows"])["before"] == before and update["by"] == "SGD"


def test_two_thousand_nodes(tmp_path):
    deep = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), nn.Tanh()) for _ in range(500)])
    page = page_of_deep(deep)
    page.save(tmp_path / "page.html")
    assert len(page.nodes) > 2000
    assert len(page.data()["levels"][0]["boxes"]) < 600
    assert (tmp_path / "page.html").stat().st_size < 3_000_000


def page_of_deep(deep):
    with mg.debug.trace(deep) as seen:
        mg.sum(deep(mg.tensor([[1.0, 2.0]]))).backward()
    return mg.debug.Explanation(seen)


def test_what_cannot_be_explained(network):
    with pytest.raises(mg.GraphError, match="does not depend on a tensor with requires_grad"):
        mg.explain(mg.tensor(1.0))
    loss = mg.sum(network(mg.tensor([[1.0, 2.0, 3.0]])))
    loss.backward()
    with pytest.raises(mg.GraphError, match="explain the loss before backward"):
        mg.explain(loss)
    with mg.debug.trace() as seen:
        pass
    with pytest.raises(mg.GraphError, match="nothing was traced"):
        mg.debug.Explanation(seen)
    with pytest.raises(mg.GraphError, match=r"there were 1 backward passes; walk 1"):
        mg.debug.Explanation(page_of(network).seen, walk=1)


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium")
def test_the_page_runs_in_a_browser(network, tmp_path):
    page_of(network).save(tmp_path / "page.html")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", f"file://{tmp_path / 'page.html'}#5"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "step 5 of 11, backward" in done.stdout
    assert 'class="box op done now"' in done.stdout
    assert 'class="edge flow"' in done.stdout
    assert "It comes now because it is the newest node left" in done.stdout or "The walk begins here" in done.stdout
    assert '<marker id="arrow"' in done.stdout
