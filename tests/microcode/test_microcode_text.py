"""The rule language: what is accepted and what it means, what is refused, where, and with which remedy."""

from __future__ import annotations

import numpy as np
import pytest
from carry_programs import TEXTS, carry_program
from random_rules import random_program

from neuroalign.errors import InputError, RuleError
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.microcode.text import parse, program_from_lines, program_from_text, program_to_text, to_text

W3 = Factor("w", 3)


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("x0*y1", [Product("x0", factors=(Factor("y1"),))]),
        ("y1*x0", [Product("x0", factors=(Factor("y1"),))]),
        ("- 2 ^ -7 * u3 * w", [Product("u", -1, -7, (Factor("w"),), 3)]),
        ("16*x0", [Product("x0", 4, 2)]),
        ("2*2^3*x0*3", [Product("x0", 6, 3)]),
        ("14*2^2*x0", [Product("x0", 7, 3)]),
        ("-8*x0", [Product("x0", -4, 1)]),
        ("-8*2^8*x0", [Product("x0", -8, 8)]),
        ("2*2^8*x0 + y0", [Product("x0", 2, 8), Product("y0")]),
        ("(1)*(-2)*x0 +(4) * 2 ^ -1*y0", [Product("x0", -2), Product("y0", 4, -1)]),
        ("(-3*2^-1)*x0", [Product("x0", -3, -1)]),
        ("x0*(w+3)", [Product("x0", factors=(W3,))]),
        ("x0*(3+w)", [Product("x0", factors=(W3,))]),
        ("x0*(-w-3)", [Product("x0", -1, factors=(W3,))]),
        ("-x0*(-3-w)", [Product("x0", 1, factors=(W3,))]),
        ("x0*(2-w)", [Product("x0", -1, factors=(Factor("w", -2),))]),
        ("x0*(t+3*2^2)*(x1)", [Product("x0", factors=(Factor("t", 12), Factor("x1")))]),
        ("x0*sgn(t-112)*sgn(d)", [Product("x0", factors=(Factor("t", -112, True), Factor("d", 0, True)))]),
        ("x0*(w+2^-1)", [Product("x0", factors=(Factor("w", 0.5),))]),
        ("u0*y0*x1", [Product("u", factors=(Factor("y0"), Factor("x1")), k=0)]),
        ("0*x0", [Product("x0", 0)]),
    ],
)
def test_accepted(text: str, products: list[Product]) -> None:
    assert parse(text, "dw") == tuple(products)


# text, the character it points at, what it says
REFUSED = [
    ("(-x1)*x0", 1, "put it before the product"),
    ("x0*(x1*2)", 7, "multiply outside the bracket"),
    ("x0*(2*x1)", 6, "multiply outside the bracket"),
    ("x0*(x1+2+3)", 9, "add the numbers up"),
    ("x0*((x1+2))", 5, "use one bracket"),
    ("(x0)*x1", 2, "write x0 outside"),
    ("x1*(y0+1)", 5, "write y0 outside"),
    ("(u1)*x1", 2, "write u1 outside"),
    ("u10*x1", 1, "k is one digit"),
    ("u*x1", 1, "u needs its digit"),
    ("2x0", 2, "missing \\*"),
    ("x0 y1", 4, "missing \\*"),
    ("x0*(x1+2)(y1)", 10, "missing \\*"),
    ("1 0*x0", 3, "missing \\*"),
    ("x0y1", 1, "is a \\* missing"),
    ("x0**2", 4, "not a power"),
    ("x0*", 4, "add one or remove the operator"),
    ("*x0", 1, "remove it"),
    ("x0*x0", 4, "once is enough"),
    ("x0*y0*y0", 7, "once is enough"),
    ("x0*u1", 4, "write u1 first"),
    ("u1*x1*u1", 7, "write u1 first, or remove one"),
    ("u1*x0 + y0 - u2*y0", 14, "one k"),
    ("--x0", 2, "sign before the whole product"),
    ("x0*-2*y1", 4, "sign before the whole product"),
    ("x0*\ty1", 4, "use a blank"),
    ("x0\n+y0", 3, "use a blank"),
    ("0.5*x0", 2, "5\\*2\\^-3 for 0.625"),
    ("x0/2", 3, "2\\^-3 for 1/8"),
    ("x1^2*x0", 3, "write y1\\*y1 for a square"),
    ("32^2*x0", 1, "powers exist of 2 only"),
    ("2^3^2*x0", 4, "\\^ follows the number 2 only"),
    ("2^99*x0", 3, "too large"),
    ("007*x0", 1, "write 7"),
    ("1234567890*x0", 1, "too large"),
    ("y0 + 9*x0", 6, "nearest is 1\\*2\\^3"),
    ("2^9*x0", 1, "nearest is 2\\*2\\^8"),
    ("2^-8*x0", 1, "nearest is 1\\*2\\^-7"),
    ("16*2^8*x0", 1, "nearest is 7\\*2\\^8"),
    ("", 1, "the rule is empty"),
    ("   ", 4, "the rule is empty"),
    ("x0 - x1", 6, "no dependency"),
    ("x0*sgn(x1)", 8, "sgn takes w, d or t only"),
    ("x0*sgn(-w)", 7, "put it before the product"),
    ("x0*sgn(2-w)", 7, "put it before the product"),
    ("x0*sgn(3)", 7, "one variable and one number"),
    ("x0*sgn w", 8, "sgn needs a bracket"),
    ("x0*(x1+y1)", 4, "one variable and one number"),
    ("x0*(2+3)", 4, "one variable and one number"),
    ("x0*(w+40000)", 4, "keep it below"),
    ("x0*()", 5, "as in \\(w\\+3\\)"),
    ("x0*(x1", 4, "add \\)"),
    ("x0)", 3, "remove it"),
    ("X0*x1", 1, "small letters: x0"),
    ("x0*z1", 4, "known are x0 y0"),
    ("x0*x3", 4, "unknown symbol 'x3'"),
    ("x0*é", 4, "not part of the rule language"),
]


@pytest.mark.parametrize(("text", "column", "remedy"), REFUSED, ids=[repr(r[0]) for r in REFUSED])
def test_refused_with_place_and_remedy(text: str, column: int, remedy: str) -> None:
    with pytest.raises(RuleError, match=remedy) as caught:
        parse(text, "dt")
    error = caught.value
    first, shown, caret = str(error).split("\n")
    assert error.column == column
    assert first == error.message
    assert first.startswith(f"dt, column {column}: ")
    assert len(caret) - caret.index("^") == 1
    assert caret.index("^") - 4 == column - 1
    assert shown == "    " + text.replace("\t", " ").replace("\n", " ")
    assert isinstance(error, InputError)


def test_unknown_target() -> None:
    with pytest.raises(RuleError, match="it is one of dw, dd, dt"):
        parse("x0", "dx")  # type: ignore[arg-type]


def test_text_of_random_programs_reads_back() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        program = random_program(rng)
        assert program_from_lines(program_to_text(program)) == program
        for products in (program.dw, program.dd, program.tag_update):
            if products:
                assert parse(to_text(products), "dw") == products


@pytest.mark.parametrize("name", TEXTS)
def test_carry_texts_are_their_own_canonical_text(name: str) -> None:
    _, tag_update, dw = TEXTS[name]
    program = carry_program(name)
    assert to_text(program.dw) == dw
    assert to_text(program.tag_update) == tag_update


def test_text_cannot_say_what_lava_would_read_otherwise() -> None:
    with pytest.raises(RuleError, match=r"-8\*2\^3 does not fit.*nearest is -1\*2\^6"):
        Product("x0", -8, 3)
    with pytest.raises(RuleError, match=r"0\.1 cannot be written"):
        to_text((Product("x0", factors=(Factor("w", 0.1),)),))
    with pytest.raises(RuleError, match=r"0\.3 is real"):
        to_text((Product("x0", 0.3),))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no product at all"),
        ({"dw": "x0*y1"}, "uses y1 but no trace y1 is given"),
        ({"dw": "x0*z", "z": Trace(1, 1)}, "unknown symbol 'z'"),
        ({"dw": "x0", "z": Trace(1, 1)}, "unknown trace 'z'"),
        ({"dw": "u1*w", "dt": "u2*t"}, "uses u1 and u2; dw, dd and dt share one k"),
        ({"dw": "x0", "t_epoch": 0}, "t_epoch is 0; it must be a whole number of steps, 1..63"),
        ({"dw": "x0", "t_epoch": 64}, r"1\.\.63"),
        ({"dw": "x0", "t_epoch": 2.5}, "whole number"),
        ({"dw": "x0", "rng_seed": -1}, "rng_seed is -1"),
    ],
)
def test_programs_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        program_from_text(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("impulse", "tau", "message"),
    [
        (16, 0, "tau 0, which clears it in every step; give tau in steps"),
        (-1, 5, "impulse is -1"),
        (1, -5, "tau is -5"),
        (float("nan"), 5, "impulse is nan"),
        (1, float("nan"), "tau is nan"),
    ],
)
def test_traces_are_checked(impulse: float, tau: float, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        Trace(impulse, tau)


@pytest.mark.parametrize(
    ("line", "message"),
    [("dw x0", "cannot read the program line"), ("x1 = 16", "cannot read"), ("t_epoch = one", "cannot read")],
)
def test_program_lines_are_checked(line: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        program_from_lines(f"dw = x0\n{line}\n")


def test_programs_can_be_keys() -> None:
    program = program_from_text("x0*y1", y1=Trace(1, 2))
    assert {program: 1}[Program((Product("x0", factors=(Factor("y1"),)),), y1=Trace(1, 2))] == 1
