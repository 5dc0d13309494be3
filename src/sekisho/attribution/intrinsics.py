"""Two things that numba does not offer: the processor's prefetch, and arrays whose references are not counted."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _KEEP, _DATA = 0, 3, 1
"""Arguments of LLVM's ``llvm.prefetch``: for reading, into all cache levels, the data cache."""


def _prefetch(_context: Any, array: Any, place: Any) -> Any:
    """Ask for the cache line of ``array[place]``: a hint without effect on any result."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        i32 = ir.IntType(32)
        function_type = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(function, [address, *(ir.Constant(i32, flag) for flag in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, place), generate


def _borrowed(_context: Any, array: Any) -> Any:
    """The same array without a reference of its own; the kernel's caller holds it for as long as the kernel runs.

    Numba counts references with an atomic operation wherever an array is passed on, and a lookup passes its memory
    through ten functions: counted, that takes as long as the lookup itself.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)(context, builder, arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)  # type: ignore[no-untyped-call]
        view.parent = cgutils.get_null_value(view.parent.type)  # type: ignore[no-untyped-call]
        return view._getvalue()  # noqa: SLF001 - how numba's own code takes a built structure

    return array(array), generate


prefetch: Any = intrinsic(_prefetch)
borrowed: Any = intrinsic(_borrowed)
