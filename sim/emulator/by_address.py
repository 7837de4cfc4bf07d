"""Calls of compiled functions by their address, which leaves each a piece of its own.

numba compiles what a function calls into it, and optimises it there once more: a function that a loop of a loop calls is
compiled three times. Reached by an address, it is compiled once, and kept on the disk once. Address and arguments must
fit each other; nothing checks that but :func:`address_of`, which is given the arguments' types.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic


@intrinsic
def call_at(typing_context: Any, address: Any, arguments: Any) -> Any:
    """``function(*arguments)``, which returns an int64; ``arguments`` is a tuple."""
    taken = tuple(arguments.types)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        where, held = values
        each = [builder.extract_value(held, k) for k in range(len(taken))]
        function = context.call_conv.get_function_type(types.int64, taken)
        pointer = builder.inttoptr(where, function.as_pointer())
        return context.call_conv.call_function(builder, pointer, types.int64, taken, each)[1]

    return types.int64(types.int64, arguments), generate


def address_of(function: Any, taken: tuple[Any, ...]) -> int:
    """Where a compiled function starts that takes arguments of these types; it is compiled, or loaded, if need be."""
    if taken not in function.overloads:
        function.compile(taken)
    compiled = function.overloads[taken]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
