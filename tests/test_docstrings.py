"""Public docstrings: what they raise is named, and the modules that people call have examples that run.

The lists hold the names that fall short. A name that no longer does must go from its list; none may be added.
"""

import ast
import inspect
import re

import pytest

names = pytest.importorskip("docs.site.names", reason="needs the checkout, not an installed package")

FOLDERS = ("nn", "train", "selection", "optim", "data", "replay", "insight")
WITH_EXAMPLES = tuple(f"minigrad.{folder}." for folder in FOLDERS)
ERROR = re.compile(r"\b[A-Z]\w*(Error|Interrupt|Warning)\b")
NO_ERRORS_YET = {
    "minigrad.Tensor",
    "minigrad.adaptive_avg_pool2d",
    "minigrad.addmm",
    "minigrad.affine",
    "minigrad.allclose",
    "minigrad.arange",
    "minigrad.binary_cross_entropy",
    "minigrad.bmm",
    "minigrad.broadcast_to",
    "minigrad.cat",
    "minigrad.celu",
    "minigrad.chunk",
    "minigrad.clamp",
    "minigrad.conv1d",
    "minigrad.conv_transpose1d",
    "minigrad.conv_transpose2d",
    "minigrad.cosine_similarity",
    "minigrad.cross_entropy",
    "minigrad.data.Draws",
    "minigrad.data.MeanImputer",
    "minigrad.data.Mixup",
    "minigrad.data.RandomFlip",
    "minigrad.data.RandomShift",
    "minigrad.data.Table",
    "minigrad.data.smooth_labels",
    "minigrad.data.weighted_targets",
    "minigrad.debug.Explanation",
    "minigrad.diag",
    "minigrad.flatten",
    "minigrad.from_numpy",
    "minigrad.grad",
    "minigrad.group_norm",
    "minigrad.hardtanh",
    "minigrad.hessian",
    "minigrad.huber_loss",
    "minigrad.index_select",
    "minigrad.interop.Loaded",
    "minigrad.kl_div",
    "minigrad.linear",
    "minigrad.linear_model.GroupLasso",
    "minigrad.masked_select",
    "minigrad.movedim",
    "minigrad.multi_margin_loss",
    "minigrad.narrow",
    "minigrad.nn.AdaptiveAvgPool2d",
    "minigrad.nn.Dense",
    "minigrad.nn.Dropout",
    "minigrad.nn.Dropout1d",
    "minigrad.nn.Flatten",
    "minigrad.nn.GELU",
    "minigrad.nn.GaussianDropout",
    "minigrad.nn.GroupNorm",
    "minigrad.nn.Hardtanh",
    "minigrad.nn.Lambda",
    "minigrad.nn.Module",
    "minigrad.nn.RandomLayer",
    "minigrad.nn.Sequential",
    "minigrad.nn.StochasticDepth",
    "minigrad.nn.TransformerEncoderLayer",
    "minigrad.nn.Upsample",
    "minigrad.nn.VariationalDropout",
    "minigrad.nn.Zoneout",
    "minigrad.nn.init.fans",
    "minigrad.nn.init.find",
    "minigrad.nn.init.orthogonal",
    "minigrad.nn.mc_predict",
    "minigrad.nn.summary",
    "minigrad.nn.utils.norm_of",
    "minigrad.norm",
    "minigrad.one_hot",
    "minigrad.optim.ISTA",
    "minigrad.optim.LambdaLR",
    "minigrad.optim.MultiStepLR",
    "minigrad.optim.ReduceLROnPlateau",
    "minigrad.optim.SGD",
    "minigrad.optim.Schedule",
    "minigrad.optim.SequentialLR",
    "minigrad.pad",
    "minigrad.permute",
    "minigrad.profile",
    "minigrad.reg.Box",
    "minigrad.reg.ConfidencePenalty",
    "minigrad.reg.InputGradient",
    "minigrad.reg.NamedGroupLasso",
    "minigrad.reg.Orthogonal",
    "minigrad.reg.Penalty",
    "minigrad.reg.SpectralNorm",
    "minigrad.reg.on",
    "minigrad.reg.sparsity",
    "minigrad.replay.Step",
    "minigrad.reshape",
    "minigrad.rng.Streams",
    "minigrad.rng.stream",
    "minigrad.roll",
    "minigrad.scaled_dot_product_attention",
    "minigrad.scatter_add",
    "minigrad.select",
    "minigrad.selection.CrossValidation",
    "minigrad.selection.HyperGradient",
    "minigrad.selection.Imputed",
    "minigrad.selection.KFold",
    "minigrad.selection.Network",
    "minigrad.selection.Search",
    "minigrad.selection.Unrolled",
    "minigrad.selection.lambda_grid",
    "minigrad.selection.log_spaced",
    "minigrad.selection.nested_cross_validate",
    "minigrad.selection.nested_tune",
    "minigrad.selection.stability",
    "minigrad.set_num_threads",
    "minigrad.sklearn.MLPClassifier",
    "minigrad.split",
    "minigrad.stack",
    "minigrad.t",
    "minigrad.tabular.Predictor",
    "minigrad.take_along_dim",
    "minigrad.topk",
    "minigrad.train.AverageWeights",
    "minigrad.train.History",
    "minigrad.train.JSONLogger",
    "minigrad.train.OpenRun",
    "minigrad.train.TimeLimit",
    "minigrad.train.Watch",
    "minigrad.train.find_lr",
    "minigrad.train.predict",
    "minigrad.train.r2",
    "minigrad.train.top_k_accuracy",
    "minigrad.upsample",
    "minigrad.where",
}
NO_EXAMPLE_YET = {
    "minigrad.data.Dataset",
    "minigrad.data.Regression",
    "minigrad.data.Split",
    "minigrad.data.Table",
    "minigrad.data.Weighted",
    "minigrad.data.Words",
    "minigrad.debug.Explanation",
    "minigrad.nn.BCELoss",
    "minigrad.nn.BCEWithLogitsLoss",
    "minigrad.nn.CELU",
    "minigrad.nn.Dropout2d",
    "minigrad.nn.ELU",
    "minigrad.nn.Flatten",
    "minigrad.nn.GELU",
    "minigrad.nn.Hardtanh",
    "minigrad.nn.HingeEmbeddingLoss",
    "minigrad.nn.HingeLoss",
    "minigrad.nn.HuberLoss",
    "minigrad.nn.KLDivLoss",
    "minigrad.nn.LogSigmoid",
    "minigrad.nn.MultiMarginLoss",
    "minigrad.nn.NLLLoss",
    "minigrad.nn.RandomLayer",
    "minigrad.nn.ReLU",
    "minigrad.nn.SiLU",
    "minigrad.nn.Sigmoid",
    "minigrad.nn.SigmoidFocalLoss",
    "minigrad.nn.SmoothL1Loss",
    "minigrad.nn.SoftMarginLoss",
    "minigrad.nn.Softmax",
    "minigrad.nn.SoftmaxFocalLoss",
    "minigrad.nn.Softplus",
    "minigrad.nn.Softsign",
    "minigrad.nn.Summary",
    "minigrad.nn.Tanh",
    "minigrad.nn.init.constant",
    "minigrad.nn.init.fan_in_uniform",
    "minigrad.nn.init.fans",
    "minigrad.nn.init.glorot_normal",
    "minigrad.nn.init.glorot_uniform",
    "minigrad.nn.init.he_normal",
    "minigrad.nn.init.he_uniform",
    "minigrad.nn.init.normal",
    "minigrad.nn.init.orthogonal",
    "minigrad.nn.init.uniform",
    "minigrad.nn.init.zeros",
    "minigrad.nn.utils.norm_of",
    "minigrad.nn.utils.scale_to_norm",
    "minigrad.nn.utils.total_norm",
    "minigrad.optim.AdamW",
    "minigrad.optim.ConstantLR",
    "minigrad.optim.FISTA",
    "minigrad.optim.LinearLR",
    "minigrad.optim.StepLR",
    "minigrad.replay.Step",
    "minigrad.selection.Criteria",
    "minigrad.selection.CrossValidation",
    "minigrad.selection.HyperGradient",
    "minigrad.selection.Imputed",
    "minigrad.selection.LogUniform",
    "minigrad.selection.Nested",
    "minigrad.selection.NestedTuning",
    "minigrad.selection.Network",
    "minigrad.selection.NetworkGradient",
    "minigrad.selection.Score",
    "minigrad.selection.Search",
    "minigrad.selection.Stability",
    "minigrad.selection.Tuning",
    "minigrad.selection.Uniform",
    "minigrad.selection.fit_path",
    "minigrad.selection.lambda_grid",
    "minigrad.selection.nested_cross_validate",
    "minigrad.selection.prepare",
    "minigrad.train.AverageWeights",
    "minigrad.train.ClipGradients",
    "minigrad.train.EarlyStopping",
    "minigrad.train.LearningRate",
    "minigrad.train.OpenRun",
    "minigrad.train.Progress",
    "minigrad.train.RateSearch",
    "minigrad.train.Run",
    "minigrad.train.SkipNonFinite",
    "minigrad.train.TensorBoard",
    "minigrad.train.open_run",
    "minigrad.train.predict",
}


def public():
    """Every public function and class once, by the shortest name that users import it by."""
    found = {}
    for module, listed in names.packages().items():
        for name in names.names_of(module, listed):
            thing = name.thing
            if not (inspect.isclass(thing) or inspect.isroutine(thing)) or not (name.home or "").startswith("minigrad"):
                continue
            if inspect.isclass(thing) and issubclass(thing, BaseException):
                continue
            known = found.get(id(thing))
            if known is None or len(name.full) < len(known.full):
                found[id(thing)] = name
    return sorted(found.values(), key=lambda name: name.full)


PUBLIC = public()


def text(thing):
    """Its docstring, and those of its own __init__, __call__ and forward."""
    parts = [thing.__doc__ or ""]
    if inspect.isclass(thing):
        parts += [vars(thing)[m].__doc__ or "" for m in ("__init__", "__call__", "forward") if m in vars(thing)]
    return "\n".join(parts)


def raises(thing):
    """The errors that its own source raises: what stands after `raise` in it."""
    try:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(thing))))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return set()
    found = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None)
    called = (node.func if isinstance(node, ast.Call) else node for node in found)
    kinds = {ast.unparse(node).rpartition(".")[2] for node in called}
    return {kind for kind in kinds if ERROR.fullmatch(kind)} - {"NotImplementedError"}


@pytest.mark.parametrize("name", [n for n in PUBLIC if raises(n.thing)], ids=lambda name: name.full)
def test_what_is_raised_is_named(name):
    if name.full in NO_ERRORS_YET:
        assert not ERROR.search(text(name.thing)), f"{name.full} names its errors now: take it off NO_ERRORS_YET"
        pytest.skip("on the list")
    assert ERROR.search(text(name.thing)), f"raises {', '.join(sorted(raises(name.thing)))}; its docstring names none"


@pytest.mark.parametrize("name", [n for n in PUBLIC if n.home.startswith(WITH_EXAMPLES)], ids=lambda name: name.full)
def test_there_is_an_example(name):
    if name.full in NO_EXAMPLE_YET:
        assert ">>>" not in text(name.thing), f"{name.full} has an example now: take it off NO_EXAMPLE_YET"
        pytest.skip("on the list")
    assert ">>>" in text(name.thing), f"{name.full}: no example"
