"""Records that kernels read: a few numbers of eight bytes each, passed as one `bytes` object.

Numba passes a NamedTuple as all its fields one by one, through every function: with some sixty of them that was a third
of the time of compiling, and much of that of a call on a small graph. A record is passed by its address, and a field is
read where it is used. Records are not written to while a kernel runs; the loads are marked as invariant, so that LLVM
may move them out of loops.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)
from numba.core.typing.templates import AttributeTemplate

_FORMATS = {int: "Q", float: "d"}


class Kind(types.Type):
    """The type of a record: a class with annotations, `int` for unsigned 64-bit numbers and `float` for real ones.

    What a kernel is compiled for anew goes by name in `choices`. A Numba type stands for the dtype of something: in a
    kernel, the attribute of that name is a zero of it. `number` is the one in which a kernel sees `float` fields.
    Anything else is for overloads that choose by it.
    """

    def __init__(self, layout: type, **choices: Any) -> None:
        self.layout, self.choices = layout, choices
        self.fields = list(layout.__annotations__)
        chosen = ", ".join(f"{name}={value}" for name, value in choices.items())
        super().__init__(f"{layout.__name__}({chosen})")


@register_model(Kind)
class _Model(models.OpaqueModel):
    """A pointer to bytes."""


def packer(layout: type) -> Callable[..., bytes]:
    """The function that makes a record of the fields in their order."""
    return struct.Struct("=" + "".join(_FORMATS[kind] for kind in layout.__annotations__.values())).pack


@unbox(Kind)
def _unbox(kind: Kind, record: Any, context: Any) -> NativeValue:
    address = context.pyapi.bytes_as_string(record)
    return NativeValue(address, is_error=cgutils.is_null(context.builder, address))


@infer_getattr
class _Fields(AttributeTemplate):
    key = Kind

    def generic_resolve(self, kind: Kind, name: str) -> Any:
        if name in kind.choices:
            return kind.choices[name]
        if name not in kind.fields:
            return None
        return types.uint64 if kind.layout.__annotations__[name] is int else kind.choices["number"]


@lower_getattr_generic(Kind)
def _read(context: Any, builder: Any, kind: Kind, record: Any, name: str) -> Any:
    if name in kind.choices:
        return context.get_constant(kind.choices[name], 0)
    real = kind.layout.__annotations__[name] is float
    stored = ir.DoubleType() if real else ir.IntType(64)
    place = builder.gep(record, [ir.Constant(ir.IntType(64), 8 * kind.fields.index(name))])
    value = builder.load(builder.bitcast(place, stored.as_pointer()), align=8)
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    wanted = context.get_value_type(kind.choices["number"]) if real else stored
    return value if wanted == stored else builder.fptrunc(value, wanted)
