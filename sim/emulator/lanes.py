"""Operations of generated kernels: integers that keep their width, and memory by address.

numba widens every integer to 64 bits as soon as it computes with it, and LLVM does not always find its way back, which
costs generated kernels up to half their speed. These functions say what is meant: operands and result have one width,
16 or 32 bits, sums and products wrap in it, and :func:`saturating_add` limits in it, in one machine instruction.

Memory is addressed by number. Loads and stores name a *place*, and different places are promised not to overlap, which
a compiler would otherwise have to check for every row. Only this module knows of LLVM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LOAD_TYPES = {"half": types.int16, "word": types.int32, "long": types.int64, "real": types.float64}
PLACES = 5
"""w, d, t, scratch lines, everything else."""

Build = Callable[..., Any]


def _binary(build: Build) -> Any:
    """A function of two numbers of one type, which is also the result's."""

    def operation(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return build(builder, *values)

        return a(a, a), generate

    return intrinsic(operation)


def _call(name: str) -> Any:
    """A function of LLVM itself."""

    def build(builder: Any, a: Any, b: Any) -> Any:
        function = ir.FunctionType(a.type, [a.type, a.type])
        return builder.call(builder.module.declare_intrinsic(name, [a.type], function), [a, b])

    return _binary(build)


add = _binary(lambda builder, a, b: builder.add(a, b))
subtract = _binary(lambda builder, a, b: builder.sub(a, b))
multiply = _binary(lambda builder, a, b: builder.mul(a, b))
shift_left = _binary(lambda builder, a, b: builder.shl(a, b))
shift_right = _binary(lambda builder, a, b: builder.ashr(a, b))
bits_of_both = _binary(lambda builder, a, b: builder.and_(a, b))
bits_of_either = _binary(lambda builder, a, b: builder.or_(a, b))
least = _call("llvm.smin")
most = _call("llvm.smax")
saturating_add = _call("llvm.sadd.sat")


def _comparison(operator: str) -> Any:
    """A function of two numbers of one type to a truth value."""

    def operation(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.icmp_signed(operator, *values)

        return types.boolean(a, a), generate

    return intrinsic(operation)


same, differ, above = _comparison("=="), _comparison("!="), _comparison(">")


@intrinsic
def one_where(typing_context: Any, truth: Any) -> Any:
    """1 where something is true, in 16 bits."""
    return types.int16(types.boolean), lambda context, builder, signature, values: builder.zext(
        values[0], ir.IntType(16)
    )


@intrinsic
def whole_mask(typing_context: Any, truth: Any) -> Any:
    """-1, all 16 bits, where something is true."""
    return types.int16(types.boolean), lambda context, builder, signature, values: builder.sext(
        values[0], ir.IntType(16)
    )


@intrinsic
def negative(typing_context: Any, a: Any) -> Any:
    """1 where ``a`` is below 0, in its width."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        (value,) = values
        return builder.lshr(value, value.type(value.type.width - 1))

    return a(a), generate


def _scopes(module: Any, place: int) -> tuple[Any, Any]:
    """Metadata of an access: the place that it belongs to, and those that it does not touch."""
    domain = module.add_metadata(["neuroalign places"])
    every = [module.add_metadata([f"neuroalign place {n}", domain]) for n in range(PLACES)]
    return module.add_metadata([every[place]]), module.add_metadata([s for n, s in enumerate(every) if n != place])


def _mark(builder: Any, instruction: Any, place: int) -> None:
    own, others = _scopes(builder.module, place)
    instruction.set_metadata("alias.scope", own)
    instruction.set_metadata("noalias", others)


def _element(builder: Any, llvm_type: Any, address: Any, index: Any) -> Any:
    return builder.gep(builder.inttoptr(address, llvm_type.as_pointer()), [index])


def _literal(place: Any) -> int | None:
    return place.literal_value if isinstance(place, types.IntegerLiteral) else None


def _load(element: Any) -> Any:
    """A function (address, index, place) to the number there; ``place`` is a literal."""

    def operation(typing_context: Any, address: Any, index: Any, place: Any) -> Any:
        number = _literal(place)
        if number is None:
            return None

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            llvm_type = context.get_value_type(element)
            found = builder.load(_element(builder, llvm_type, values[0], values[1]), align=element.bitwidth // 8)
            _mark(builder, found, number)
            return found

        return element(types.int64, types.int64, place), generate

    return intrinsic(prefer_literal=True)(operation)


def _store(element: Any) -> Any:
    """A function (address, index, place, value)."""

    def operation(typing_context: Any, address: Any, index: Any, place: Any, value: Any) -> Any:
        number = _literal(place)
        if number is None:
            return None

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            llvm_type = context.get_value_type(element)
            at = _element(builder, llvm_type, values[0], values[1])
            _mark(builder, builder.store(values[3], at, align=element.bitwidth // 8), number)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, place, element), generate

    return intrinsic(prefer_literal=True)(operation)


load_half, load_word, load_long, load_real = (_load(LOAD_TYPES[n]) for n in ("half", "word", "long", "real"))
store_half, store_word, store_long, store_real = (_store(LOAD_TYPES[n]) for n in ("half", "word", "long", "real"))


@intrinsic
def call_routine(typing_context: Any, routine: Any, argument: Any) -> Any:
    """Call the function at address ``routine`` with one number, the address of its arguments."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(values[0], function.as_pointer()), [values[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


ROUTINE = numba.types.void(numba.types.int64)
"""What :func:`call_routine` calls."""
