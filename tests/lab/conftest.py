"""The table that tests of `minigrad cv` and `minigrad path` share."""

from commands.conftest import houses

__all__ = ["houses"]
