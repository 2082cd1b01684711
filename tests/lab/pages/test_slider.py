"""The slider for λ: its numbers are the models', its script moves all views together and takes any name as text."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from lab.reading import read

from minigrad.lab.pages import slider
from minigrad.lab.pages.report import Report
from minigrad.lab.pages.slider import Course, Steps

ODD = "</script><b>@@DATA@@"


def steps(classes=None, panels=1):
    """Four λ, three inputs, two rows: the first input has weight from the second λ on, the last never."""
    table = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 0.0, -1.0, -2.0], [0.0, 0.0, 0.0, 0.0]])
    return Steps(
        lambdas=[10.0, 1.0, 0.1, 0.0],
        names=[ODD, "b", "never"],
        panels={f"y = {k}" if panels > 1 else "": table * (k + 1) for k in range(panels)},
        what="coefficient",
        zeros=["0 of 3 inputs, 3 exactly 0", "1 of 3 inputs, 2 exactly 0", "2 of 3 inputs, 1 exactly 0", "2 of 3"],
        courses=[
            Course("mse of the folds", [5.0, 2.0, 1.0, np.nan], [0.5, 0.2, 0.1, np.nan]),
            Course("R²", [0, 0.5, 0.8, 0.9]),
        ],
        target=np.array([1.0, 2.0]) if classes is None else np.array([0, 1]),
        answers=np.array([[0.0, 0.0], [0.5, 0.6], [0.9, 0.8], [1.0, 1.0]]),
        classes=classes,
        picks={"best λ": 2, "one-SE pick": 1},
    )


def page(tmp_path, made):
    report = Report("Sliding")
    report.embed(slider.element(made))
    return report.write(tmp_path / "page.html")


def test_numbers_are_those_of_the_models():
    found = slider.data(steps())
    assert found["lambdas"] == [10.0, 1.0, 0.1, 0.0]
    assert found["names"] == [slider.shorter(ODD, 16), "b"] and found["left"] == 1  # what is never used is not drawn
    assert found["panels"][0]["w"] == [[0.0, 1.0, 2.0, 3.0], [0.0, 0.0, -1.0, -2.0]]
    assert found["courses"][0]["values"][-1] is None and found["courses"][1]["error"] is None
    assert found["answers"][3] == [1.0, 1.0] and found["picks"] == {"best λ": 2, "one-SE pick": 1}


def test_large_data_are_thinned():
    many = np.random.default_rng(0).standard_normal((500, 50))
    made = steps()._replace(
        lambdas=list(range(50, 0, -1)), names=[f"x{i}" for i in range(500)], panels={"": many}, zeros=[""] * 50,
        courses=[], target=np.zeros(10_000), answers=np.zeros((50, 10_000)), picks={},
    )  # fmt: skip
    found = slider.data(made)
    assert len(found["names"]) == slider.INPUTS and found["left"] == 500 - slider.INPUTS
    assert len(found["target"]) == slider.ROWS and found["rows"] == "240 of 10000 rows"
    assert len(slider.element(made)) < 150_000


def test_any_name_stays_text(tmp_path):
    html = page(tmp_path, steps(classes=[ODD, "<i>"])).read_text(encoding="utf-8")
    (inside,) = re.findall(r'<script type="application/json" id="slider-data">(.*?)</script>', html, re.DOTALL)
    assert json.loads(inside)["classes"][1] == "<i>"
    assert "<b>@@" not in html and "<i>" not in html
    assert read(html).loads == []
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_the_probability_of_the_right_class():
    logits = np.log(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]]))
    np.testing.assert_allclose(slider.right_probabilities(logits, np.array([2, 0])), [0.5, 0.6])
    np.testing.assert_allclose(slider.right_probabilities(np.array([[0.0], [0.0]]), np.array([0, 1])), [0.5, 0.5])


# What a reader does, by events, since a page that is dumped cannot be typed into; it writes what then stands.
ACT = """<script>
const range = document.getElementById("slider-lambda"), said = [];
const note = what => said.push([what, document.getElementById("slider-says").textContent, range.value,
  range.getAttribute("aria-valuetext") === document.getElementById("slider-says").textContent,
  document.querySelectorAll(".zero").length, document.querySelectorAll(".bar").length,
  document.querySelectorAll(".row")[0].getAttribute("cy"), document.querySelector(".at").getAttribute("cy")]);
note("start");
range.value = 0; range.dispatchEvent(new Event("input")); note("keys");
[...document.querySelectorAll(".slider button")].find(b => b.textContent === "one-SE pick").click(); note("button");
const picture = document.querySelector("svg.drag"), box = picture.getBoundingClientRect();
const touch = { clientX: box.right - 1, clientY: box.top + 20, pointerId: 1, buttons: 1, bubbles: true };
picture.setPointerCapture = () => {};
picture.dispatchEvent(new PointerEvent("pointerdown", touch)); note("touch");
document.body.dataset.said = JSON.stringify(said);
</script>"""


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium")
@pytest.mark.parametrize("classes", [None, ["a", "b"]], ids=["numbers", "classes"])
def test_the_slider_moves_all_views(tmp_path, classes):
    path = page(tmp_path, steps(classes, panels=1 if classes is None else 2))
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", ACT + "</body>"), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", f"file://{path}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    (said,) = re.findall(r'data-said="(.*?)"', done.stdout)
    start, keys, button, touch = json.loads(said.replace("&quot;", '"'))
    assert start[1] == "λ = 0.1: 2 of 3 inputs, 1 exactly 0; mse of the folds 1 ± 0.1; R² 0.8."
    assert keys[1] == "λ = 10: 0 of 3 inputs, 3 exactly 0; mse of the folds 5 ± 0.5; R² 0."
    assert button[1].startswith("λ = 1: 1 of 3 inputs") and button[2] == "1"
    assert touch[1].startswith("λ = 0: 2 of 3") and touch[2] == "3" and "mse of the folds –" in touch[1]
    assert all(each[3] for each in (start, keys, button, touch))
    assert [each[4:6] for each in (start, keys, button, touch)] == [[0, 2], [2, 0], [1, 1], [0, 2]]
    assert len({each[6] for each in (start, keys, button, touch)}) == 4  # the fit moves
    assert (done.stdout.count("<option") == 2) == (classes is not None)
