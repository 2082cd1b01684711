"""P8. Which rule picks λ well? Real data sets, split again and again; the rules beside the best λ of the test rows.

Source: no printed number; a study of 25 data sets of the packages faraway (Faraway 2014, Linear Models with R) and ISLP
(James et al. 2023). Of each at most 150 rows are drawn, two thirds train, one third tests; inputs are standardized.

    python examples/papers/P8_which_rule.py [--quick]
"""

import math

from minigrad.lab.gallery.packaged import SETS, load
from minigrad.lab.gallery.paper import Paper
from minigrad.lab.gallery.rules import RULES, WORDS, between, excess, interval
from minigrad.lab.pages.rule_figures import excess_by_rule

paper = Paper(__file__, __doc__)
SPLITS = paper.size["splits"]
names = list(SETS)[:: -(-len(SETS) // paper.size["data sets"])]
OVERLAP = 0.5  # test rows over training rows


def told(found, digits=1):
    """A mean and the half width of its interval as text; a dash for what is not defined."""
    middle, half = found
    if math.isnan(middle):
        return "-"
    return f"{middle:.{digits}f}" + ("" if math.isnan(half) else f" ± {half:.{digits}f}")


try:
    sets = {name: load(name)[:2] for name in names}
except ImportError as error:
    paper.lacks(error)
else:
    means = {}
    for family, l1_ratio in (("lasso", 1.0), ("ridge", 0.0)):
        defined, rows = set(), []
        for name, (x, y) in sets.items():
            splits = [excess(x, y, l1_ratio, seed) for seed in range(SPLITS)]
            columns = {rule: [one[rule] for one in splits if not math.isnan(one[rule])] for rule in RULES}
            found = {rule: interval(c, OVERLAP) if c else (math.nan, math.nan) for rule, c in columns.items()}
            means[family, name] = {rule: found[rule][0] for rule in RULES}
            rows.append((name, str(len(x)), str(x.shape[1]), found))
            defined |= {rule for rule in RULES if columns[rule]}
        shown = [rule for rule in RULES if rule in defined]
        paper.section(f"The {family}: 100 log(error of the rule's λ / error of the best λ), mean of {SPLITS} splits")
        paper.table(
            ("data", "rows", "inputs", *shown),
            [[name, n, p, *(told(found[rule]) for rule in shown)] for name, n, p, found in rows],
        )

    for family in ("lasso", "ridge"):
        paper.section(
            f"The {family}, over {len(names)} data sets: mean, median, and the difference to cross-validation"
        )
        rows, summary = [], {}
        for rule in RULES:
            values = {name: means[family, name][rule] for name in names}
            values = {name: value for name, value in values.items() if not math.isnan(value)}
            if not values:
                continue
            ordered = sorted(values.values())
            median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
            difference = between([value - means[family, name]["cv"] for name, value in values.items()])
            summary[rule] = between(list(values.values())), difference
            mark = "" if rule == "cv" else told(difference)
            rows.append([WORDS[rule], str(len(values)), told(summary[rule][0]), f"{median:.1f}", mark])
        paper.table(("rule", "data sets", "mean excess", "median", "minus cross-validation"), rows)
        paper.figure(
            lambda summary=summary: excess_by_rule({WORDS[rule]: found[0] for rule, found in summary.items()}),
            f"Mean excess of each rule over data sets, the {family}, with 95% intervals",
        )
        for rule in ("cv_1se", "bic", "none"):
            middle, half = summary[rule][1]
            undecided = math.isnan(half) or abs(middle) <= half
            paper.finds(
                f"{family}: {WORDS[rule]} loses {middle:.1f} ± {half:.1f} to {WORDS['cv']}",
                None if undecided else middle > 0,
            )
    paper.look_at("the last column: an interval that covers 0 says that the rule picks as well as cross-validation")
