"""Which way a monitored column gets better: its name says it, or the user does."""

from __future__ import annotations

import re
from collections.abc import Iterable

MORE = set(
    """accuracy acc r2 auc auroc auprc f1 fbeta precision recall sensitivity specificity iou jaccard dice kappa mcc
    correlation corrcoef bleu psnr ssim ndcg""".split()  # noqa: SIM905
)
LESS = set(
    """loss error err mse mae rmse mape smape msle rmsle nll bce crossentropy deviance perplexity total
    penalty""".split()  # noqa: SIM905
)
TURNED = {"neg", "negative", "minus", "not", "inverse", "inverted"}  # neg_log_loss: is more better?
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


def direction(name: str, penalties: Iterable[str] = ()) -> str | None:
    """ "max" where more of a column is better, "min" where less is, None where its name does not say.

    >>> direction("val_accuracy"), direction("val_mean_absolute_error"), direction("L1Loss"), direction("r2")
    ('max', 'min', 'min', 'max')
    >>> direction("val_score"), direction("neg_log_loss"), direction("inaccuracy")
    (None, None, None)
    """
    if name.removeprefix("val_") in penalties:
        return "min"
    words = {word.lower() for word in WORD.findall(name)}
    more, less = bool(words & MORE), bool(words & LESS) or words >= {"cross", "entropy"}
    return None if words & TURNED or more == less else "max" if more else "min"


def known_direction(who: str, monitor: str, mode: str | None, penalties: Iterable[str] = ()) -> str:
    """The mode, or else what the name of the monitor says; ValueError where neither does."""
    found = mode or direction(monitor, penalties)
    if found is None:
        raise ValueError(
            f"{who}: the name {monitor!r} does not say whether more or less of it is better; pass mode='max' or "
            "mode='min'"
        )
    return found
