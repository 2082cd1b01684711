"""Parameters that are computed from others: what a Module does when such a one is read or set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

HELD_IN = "parametrizations"  # the submodule that holds them, by the names of what they compute


class Parametrized:
    """What Module has for nn.spectral_norm: `layer.weight` is computed where it is read.

    The layer has no entry of that name, so that Python asks `__getattr__`; what computes it is a submodule.
    """

    _modules: dict[str, Any]

    if not TYPE_CHECKING:  # where types are checked, it would answer for every name that is missing

        def __getattr__(self, name: str) -> Any:
            held = self.__dict__.get("_modules", {}).get(HELD_IN)
            if held is not None and name in held._modules:
                return held._modules[name].made()
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _refuse_computed(self, name: str) -> None:
        """Raise where a value is set in the place of one that is computed: it would hide it, and train alone."""
        if name in self._modules[HELD_IN]._modules:
            raise TypeError(
                f"{type(self).__name__}.{name} is computed from {HELD_IN}.{name}.original; write that one, by "
                f"copy_(...) under no_grad(), or call nn.remove_parametrizations(layer, {name!r}) first"
            )
