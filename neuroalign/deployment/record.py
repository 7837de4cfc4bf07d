"""All of one deployment: what went in, what the chip holds, what every backend recorded, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuroalign.chip import ChipNetwork
from neuroalign.conversion import ConversionTable
from neuroalign.deployment.placed import Placed
from neuroalign.deployment.searched import Searched
from neuroalign.fidelity import Agreement, EqualStates, LearningAgreement
from neuroalign.network import Network
from neuroalign.notebook import html_table
from neuroalign.recording import Recording, Stimulus


@dataclass(frozen=True, eq=False)
class Run:
    """One backend's run.

    Parameters
    ----------
    label
        What the report calls it; unique in a deployment.
    recording
        State "v" in volts, as :func:`neuroalign.fidelity.compare` takes it.
    raw
        The recording in the chip's own numbers, where there is one.
    chip
        What was run; None where the backend ran the float model itself.
    seconds
        Wall time of the run.
    """

    label: str
    backend: str
    profile_id: str
    recording: Recording
    raw: Recording | None
    chip: ChipNetwork | None
    seconds: float


@dataclass(frozen=True)
class BitEquality:
    """Two runs of the same integers, compared without tolerance."""

    left: str
    right: str
    states: EqualStates

    @property
    def holds(self) -> bool:
        """Whether the two are bit-equal, on at least one value that changes."""
        return self.states.mismatches == 0 and self.states.compared > 0


@dataclass(frozen=True, eq=False)
class Deployment:
    """Everything about one deployment; report.json is :func:`to_json` of it.

    Parameters
    ----------
    source
        The file, or what else the network came from.
    chip
        What the profile holds; None where the conversion was refused (``warnings`` then say why).
    reference
        Label of the run that the others are compared with.
    repairs, assumptions, assumed_figures, not_checked, warnings
        One plain sentence each: repairs to the file; guesses about the model (dt, reset mode, units); figures of the
        profile that are assumed rather than documented; limits that nothing has checked; whatever else a user must know.
    learning
        Agreement of the weights of each plastic connection; the weights are in the runs' recordings, state "w" in the
        model's unit.
    search
        How scales and integers were searched for; None where they follow from the weights alone.
    placed, not_placed
        Where the chip's run lies on the target and what it costs; None, and why, where nothing was placed.
    command, seed, created
        How to get the same again; ``created`` is an ISO 8601 time.

    Examples
    --------
    >>> import neuroalign
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus="spikes.npz")
    >>> [run.label for run in deployment.runs]
    ['float model', 'ideal (chip order, no rounding)', 'loihi2 (emulator)']
    >>> deployment.run("loihi2 (emulator)").recording.states["readout", "v"].shape
    (8, 42, 10)
    """

    source: str
    network: Network
    profile_id: str
    chip: ChipNetwork | None
    table: ConversionTable
    stimulus: Stimulus
    runs: tuple[Run, ...]
    reference: str
    agreements: tuple[Agreement, ...] = ()
    bit_equality: tuple[BitEquality, ...] = ()
    learning: tuple[LearningAgreement, ...] = ()
    repairs: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    assumed_figures: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    seed: int = 0
    created: str = ""
    search: Searched | None = None
    placed: Placed | None = None
    not_placed: str = ""

    def _repr_html_(self) -> str:
        from neuroalign.deployment.judgement import verdict  # which imports this module

        judged = verdict(self)
        rows = [
            (a.candidate, p.name, p.spikes.reference_spikes, p.spikes.candidate_spikes, f"{p.spikes.equal_bins:.3%}")
            for a in self.agreements
            for p in a.populations
            if p.spikes is not None
        ]
        columns = ("run", "population", "spikes", "on chip", "bins equal")
        return (
            html_table(f"Deployment of {self.source} to {self.profile_id}", ("verdict",), [(judged.headline,)])
            + html_table("", ("facts",), [(fact,) for fact in judged.facts])
            + html_table(f"Against {self.reference}", columns, rows)
        )

    def run(self, label: str) -> Run:
        """The run called ``label`` (KeyError if there is none)."""
        return {run.label: run for run in self.runs}[label]

    @property
    def chip_runs(self) -> tuple[Run, ...]:
        """The runs on the number formats of the profile, the reference left out."""
        return tuple(
            r
            for r in self.runs
            if r.label != self.reference and r.profile_id == self.profile_id and r.chip is not None and r.chip.is_fixed
        )
