"""What tells one setting of a sweep from another: functions by code, objects by state, arrays by bytes.

A log is resumed only where all of it is the same. A name alone would not do: a function that was edited keeps its name,
and two lambdas share one. An address (`<function f at 0x7f...>`) would not do either: it changes with every process.
"""

from __future__ import annotations

import functools
import os
import pickle
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..engine import Tensor

Seen = dict[int, tuple[int, Any]]  # by id: the number of a value that was met, and the value
OWN = __name__.partition(".")[0]  # code of this package is told by its name alone


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of arrays: dtype, shape and bytes."""
    from hashlib import sha256  # it loads OpenSSL: not for every import of minigrad

    total = sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def identity(value: Any) -> str:
    """One line for a value: its name, and a hash of what it is; equal in every process for what does the same.

    functions           code, constants, defaults, the values they enclose, and the functions and numbers that they name
    functools.partial   the function and its arguments
    classes             their name; those outside of minigrad and of the standard library by their methods, too
    objects             their class and their attributes; of a Tensor or an array, the bytes

    ValueError for what can't be told from another, such as an open file.

    >>> identity(len), identity(functools.partial(round, ndigits=1)) == identity(functools.partial(round, ndigits=2))
    ('builtins.len', False)
    """
    from hashlib import sha256

    name, parts = _name(value), b"\n".join(_parts(value, {}))
    return name if parts == name.encode() else f"{name} #{sha256(parts).hexdigest()[:16]}"


def _name(value: Any) -> str:
    if isinstance(value, functools.partial):
        return f"partial of {_name(value.func)}"
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def _parts(value: Any, seen: Seen) -> Iterator[bytes]:
    """Everything that makes the value what it is, as pieces of bytes. What was met before is told by its number."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        yield repr(value).encode()
    elif id(value) in seen:
        yield f"seen {seen[id(value)][0]}".encode()
    else:
        seen[id(value)] = len(seen), value  # kept, so that its id stays its own
        yield from _parts_of_object(value, seen)


def _parts_of_object(value: Any, seen: Seen) -> Iterator[bytes]:
    name = _name(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        yield digest(np.asarray(value)).encode()
    elif isinstance(value, Tensor):
        yield digest(value.data).encode()
    elif isinstance(value, (list, tuple, np.ndarray)):
        yield from _all([name, *value], seen)
    elif isinstance(value, (dict, types.MappingProxyType)):
        yield from _all([name, *(part for item in value.items() for part in item)], seen)
    elif isinstance(value, (set, frozenset)):
        yield from sorted(b"\n".join(_parts(item, dict(seen))) for item in value)
    else:
        yield from _parts_of_code_or_instance(value, name, seen)


def _parts_of_code_or_instance(value: Any, name: str, seen: Seen) -> Iterator[bytes]:
    if isinstance(value, functools.partial):
        yield from _all([name, value.func, value.args, value.keywords], seen)
    elif isinstance(value, types.MethodType):
        yield from _all([name, value.__func__, value.__self__], seen)
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value, name, seen)
    elif isinstance(value, types.CodeType):
        yield from _parts_of_code(value, seen)
    elif isinstance(value, types.CellType):
        yield from _all([value.cell_contents] if _filled(value) else [], seen)
    elif isinstance(value, os.PathLike):  # its slots are caches
        yield from _all([name, os.fspath(value)], seen)
    elif isinstance(value, types.ModuleType):
        yield value.__name__.encode()
    elif isinstance(value, type):
        yield from _parts_of_class(value, name, seen)
    elif isinstance(value, (property, staticmethod, classmethod)):
        yield from _all([getattr(value, "fget", None) or getattr(value, "__func__", None)], seen)
    elif isinstance(value, (types.BuiltinFunctionType, types.WrapperDescriptorType, types.MemberDescriptorType)):
        yield name.encode()
    else:
        yield from _parts_of_instance(value, seen)


def _parts_of_class(value: type, name: str, seen: Seen) -> Iterator[bytes]:
    yield name.encode()
    if not _known(value.__module__):
        bases = [base for base in value.__mro__[1:] if not _known(base.__module__)]
        yield from _all([*bases, *(v for k, v in sorted(vars(value).items()) if k not in IGNORED)], seen)


IGNORED = {
    "__module__",
    "__dict__",
    "__weakref__",
    "__doc__",
    "__qualname__",
    "__firstlineno__",
    "__annotations__",
    "__static_attributes__",
    "__annotate_func__",
    "__annotations_cache__",
    "__abstractmethods__",
    "_abc_impl",
    "__parameters__",
    "__orig_bases__",
    "__dataclass_fields__",
    "__dataclass_params__",
}


def _all(values: Iterable[Any], seen: Seen) -> Iterator[bytes]:
    for value in values:
        yield from _parts(value, seen)
    yield b"end"


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a name that has no value yet
        return False


def _known(module: str | None) -> bool:
    """Whether a module's code is fixed by the installation: minigrad, NumPy, the standard library."""
    top = (module or "builtins").partition(".")[0]
    return top in (OWN, "numpy") or (top in sys.stdlib_module_names and top != "__main__")


def _parts_of_function(f: types.FunctionType, name: str, seen: Seen) -> Iterator[bytes]:
    if _known(f.__module__):
        yield name.encode()
        return
    yield from _parts_of_code(f.__code__, seen)
    named = {n: f.__globals__[n] for n in sorted(_names(f.__code__)) if n in f.__globals__}
    yield from _all([f.__defaults__, f.__kwdefaults__, *(f.__closure__ or ()), named], seen)


def _names(code: types.CodeType) -> set[str]:
    """Names that the code, or code inside of it, may look up outside."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return set(code.co_names).union(*(_names(part) for part in inner))


def _parts_of_code(code: types.CodeType, seen: Seen) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)).encode()
    for const in code.co_consts:  # by value, since equal constants may be one object here and two there
        if isinstance(const, types.CodeType):
            yield from _parts_of_code(const, seen)
        else:
            yield (repr(sorted(const, key=repr)) if isinstance(const, frozenset) else repr(const)).encode()


def _parts_of_instance(value: Any, seen: Seen) -> Iterator[bytes]:
    """The class and the attributes; what has none is written by pickle, which runs no code of a file."""
    slots = {name for kind in type(value).__mro__ for name in _slots_of(kind)} - {"__weakref__", "__dict__"}
    state = {name: getattr(value, name) for name in sorted(slots) if hasattr(value, name)}
    state |= dict(sorted(getattr(value, "__dict__", {}).items()))
    yield from _parts(type(value), seen)
    if state or hasattr(value, "__dict__"):
        yield from _all([state], seen)
        return
    try:
        yield pickle.dumps(value, protocol=4)
    except Exception:
        raise ValueError(
            f"log: {value!r:.80} can't be told from another of its kind after a restart, so no log can be resumed with "
            "it; pass a function, an object with attributes, or no log"
        ) from None


def _slots_of(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
