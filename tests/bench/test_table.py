"""Tables and Markdown from known measurements."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_benchmark import benchmark, result, scaling

from neuroalign.bench.table import BEGIN, END, inserted, markdown, number, tables, verdicts, where


def test_each_case_becomes_a_table_with_a_column_for_each_result() -> None:
    static, scaled = tables(benchmark())
    assert static.columns == ("", "N = 128", "N = 256 †")
    cell = "200 (≥ 100, 250: must)"
    assert static.rows[0] == ("Lava's best / emulator's median (times)", cell, cell)
    assert static.rows[1] == ("median / median (times)", "250", "250")
    assert static.rows[2][1] == "120 (≤ 100: missed)"
    assert static.notes == ("checked",)
    assert len(scaled.columns) == 5


def test_many_results_become_rows() -> None:
    many = replace(benchmark(), results=[scaling(n, 0.02) for n in range(1, 9)])
    (table,) = tables(many)
    assert [row[0] for row in table.rows] == [f"N = {n}, 2.0%" for n in range(1, 9)]
    assert table.columns == ("", "x")


def test_a_note_of_one_result_names_it() -> None:
    mixed = replace(benchmark(), results=[result(128), replace(result(256), notes=("checked", "odd"))])
    assert tables(mixed)[0].notes == ("checked", "N = 256: odd")


def test_load_machine_and_what_was_not_measured_are_told() -> None:
    text = markdown(benchmark())
    assert "16.0 GiB" in text
    assert "lava-nc" not in text
    assert "(1 of 6 results; at most 1.5)" in text
    assert "- rivals : neither is installed" in text
    quiet = replace(benchmark(), results=[result(128)])
    assert not any("under load" in line for line in where(quiet))


def test_verdicts_are_counted() -> None:
    assert verdicts(benchmark()) == {"stretch": 0, "must": 2, "missed": 2}


def test_markdown_tables_are_rectangular() -> None:
    lines = [line for line in markdown(benchmark()).splitlines() if line.startswith("|")]
    widths = [line.count("|") for line in lines]
    assert set(widths) == {4, 6}


def test_the_block_of_a_document_is_replaced_and_the_rest_kept() -> None:
    once = inserted("# Speed\n\ntext\n", "first\n")
    assert once == f"# Speed\n\ntext\n\n{BEGIN}\nfirst\n{END}\n"
    again = inserted(once + "after\n", "second\n")
    assert again == f"# Speed\n\ntext\n\n{BEGIN}\nsecond\n{END}\nafter\n"
    assert inserted("", "alone\n") == f"{BEGIN}\nalone\n{END}\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.01234, "0.0123"), (99.94, "99.9"), (100.4, "100"), (12345.6, "12,346"), (3.14e7, "31.4 M"), (2.8e10, "28 G")],
)
def test_numbers_keep_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown
