"""The conversion table: one row per number class per population, written as the conversion happens."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal

from neuroalign.errors import BackendMissing
from neuroalign.notebook import html_table

if TYPE_CHECKING:
    import pandas

Status = Literal["exact", "rounded", "saturated", "substituted", "approximate"]


@dataclass(frozen=True)
class ConversionRow:
    """What one class of numbers lost on its way to the chip; the figures are those of its worst case.

    Parameters
    ----------
    where : str
        Population, connection or input.
    quantity : str
        Such as "weight", "decay_u", "threshold", "bias", "v0", "latency", "reset", "delay".
    count : int
        How many numbers the row stands for.
    float_value, stored_value : float
        The worst case before, and what the stored number means in the same ``unit``.
    stored : str
        The worst case as the chip holds it, such as "163" or "117 << 2".
    error, relative_error : float
        ``abs(stored_value - float_value)``, and the same over the largest magnitude of the class.
    unit : str
        Of ``float_value``, ``stored_value`` and ``error``; empty for pure numbers.
    worst : str
        Index of the worst case, such as "[3, 7]"; empty where there is one value only.
    saturated : int
        How many of the ``count`` numbers ran into the limit of their format.
    status : Status
        "exact"; "rounded"; "saturated"; "substituted" (something else stands in, without loss of meaning);
        "approximate" (the chip does something else than the model, and the note says what).
    note : str
        What was done and why, in plain words.
    """

    where: str
    quantity: str
    count: int
    float_value: float
    stored: str
    stored_value: float
    error: float
    relative_error: float
    unit: str
    worst: str
    saturated: int
    status: Status
    note: str = ""


@dataclass(frozen=True)
class ConversionTable:
    """All rows of one conversion, in the order in which they arose.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir").network
    >>> _, table = neuroalign.compile_network(network, neuroalign.load_profile("loihi2"))
    >>> sum(row.saturated for row in table.rows)
    0
    >>> table.to_frame().sort_values("relative_error").iloc[-1]["quantity"]  # needs pandas
    'weight'
    """

    rows: tuple[ConversionRow, ...] = ()

    def __add__(self, other: ConversionTable) -> ConversionTable:
        """The rows of both, in order."""
        return ConversionTable(self.rows + other.rows)

    def of(self, where: str) -> tuple[ConversionRow, ...]:
        """The rows about one population, connection or input."""
        return tuple(row for row in self.rows if row.where == where)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas frame with a line for each row and a column for each of its fields.

        Raises
        ------
        BackendMissing
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise BackendMissing("ConversionTable.to_frame needs pandas: pip install pandas") from None
        return pandas.DataFrame([asdict(row) for row in self.rows], columns=[f.name for f in fields(ConversionRow)])

    def _repr_html_(self) -> str:
        rows = [
            (r.where, r.quantity, r.count, r.float_value, r.stored, f"{r.relative_error:.2%}", r.note)
            for r in self.rows
        ]
        return html_table("Conversion", ("where", "what", "numbers", "float", "stored", "error", "note"), rows)
