"""Variants of one network that run side by side: seeds, parameters, programs, or inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Plasticity
from neuroalign.errors import InputError

SEED_STRIDE = 4
"""A Program draws from four seeds, ``rng_seed`` and the three after it: members must lie as far apart."""

_PLASTICITY = {f.name for f in fields(Plasticity)}
_CONNECTION = {f.name for f in fields(ChipConnection)} - {"name", "source", "target", "plasticity", "weight_format"}
_POPULATION = {f.name for f in fields(ChipPopulation)} - {"name", "shape", "u_format", "v_format"}


@dataclass(frozen=True, eq=False)
class Batch:
    """``size`` members, each a variant of the network that is run; they share nothing while they run.

    Parameters
    ----------
    size : int
        Number of members.
    seeds : size whole numbers >= 0, or None
        Member b has every seed of the network (of Programs, of rounding, of escape noise) raised by ``4 seeds[b]``:
        0 leaves it as it is, other numbers give other draws everywhere.
    values
        (population or connection, field) to one value for each member: ``{("learns", "weight"): weights}`` with
        weights (size, N_target, N_source). Fields are those of ChipPopulation, ChipConnection and Plasticity;
        ``rng_seed`` of a connection is that of its Program, ``escape_seed`` of a population that of its noise.
    networks : size networks, or None
        The members themselves, instead of the network that is run; of the same structure: names, sizes, connections,
        latencies, number format. ``seeds`` and ``values`` act on them.
    inputs : "all" or "own"
        Every member runs every sample of the stimulus; or member b sample b alone, the stimulus having ``size`` samples.

    Notes
    -----
    Axis 0 of the Recording is sample x member: entry ``sample * size + member``, so that
    ``recording.states[probe].reshape(samples, size, ...)`` has one axis for each. With inputs "own" it is the member.
    """

    size: int
    seeds: Sequence[int] | None = None
    values: Mapping[tuple[str, str], Sequence[Any]] = field(default_factory=dict)
    networks: Sequence[ChipNetwork] | None = None
    inputs: Literal["all", "own"] = "all"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        if self.size < 1:
            raise InputError(f"a batch of {self.size} members; at least 1 is needed")
        if self.inputs not in ("all", "own"):
            raise InputError(f"batch: inputs is {self.inputs!r}; 'all' or 'own' is needed")
        if self.seeds is not None:
            _check_length("seeds", self.seeds, self.size)
            if any(int(seed) != seed or seed < 0 for seed in self.seeds):
                raise InputError(f"batch: seeds {list(self.seeds)[:8]}; whole numbers >= 0 are needed")
        if self.networks is not None:
            _check_length("networks", self.networks, self.size)
        for (name, label), given in self.values.items():
            _check_length(f"values of {label!r} of {name!r}", given, self.size)

    def member(self, network: ChipNetwork, number: int) -> ChipNetwork:
        """Member ``number`` (from 0) as a network of its own.

        Raises
        ------
        InputError
            If a value belongs to no population, connection or field of the network, or the member is of another
            structure.
        """
        member = network if self.networks is None else self.networks[number]
        for (name, label), given in self.values.items():
            member = _changed(member, name, label, given[number])
        if self.seeds is not None:
            member = reseeded(member, SEED_STRIDE * int(self.seeds[number]))
        for (what, wanted), (_, found) in zip(_structure(network), _structure(member), strict=True):
            if wanted != found:
                raise InputError(
                    f"batch: the {what} of member {number} are {found!s:.80}, but {wanted!s:.80} in network "
                    f"{network.name!r}; members must have one structure"
                )
        return member


def _structure(network: ChipNetwork) -> list[tuple[str, Any]]:
    """What all members must share, each with its name."""
    ends = [(c.name, c.source, c.target, c.plasticity is not None) for c in network.connections]
    return [
        ("number formats", "Fixed" if network.is_fixed else "Float64"),
        ("inputs", [astuple(port) for port in network.inputs]),
        ("populations", [(p.name, p.shape, p.latency_steps) for p in network.populations]),
        ("connections", ends),
    ]


def _check_length(what: str, given: Sequence[Any], size: int) -> None:
    if len(given) != size:
        raise InputError(f"batch: {what} has {len(given)} entries for {size} members; give one for each")


def reseeded(network: ChipNetwork, raise_by: int) -> ChipNetwork:
    """The network with every seed raised."""
    connections = tuple(
        c if c.plasticity is None else _seeded_connection(c, c.plasticity, raise_by) for c in network.connections
    )
    populations = tuple(
        p if p.escape is None else replace(p, escape=replace(p.escape, seed=p.escape.seed + raise_by))
        for p in network.populations
    )
    return replace(network, connections=connections, populations=populations)


def _seeded_connection(c: ChipConnection, plasticity: Plasticity, raise_by: int) -> ChipConnection:
    program = replace(plasticity.program, rng_seed=plasticity.program.rng_seed + raise_by)
    rounding_seed = plasticity.rounding_seed + raise_by
    return replace(c, plasticity=replace(plasticity, program=program, rounding_seed=rounding_seed))


def _changed(network: ChipNetwork, name: str, label: str, value: Any) -> ChipNetwork:
    if name in {p.name for p in network.populations}:
        populations = tuple(_changed_population(p, label, value) if p.name == name else p for p in network.populations)
        return replace(network, populations=populations)
    if name in {c.name for c in network.connections}:
        connections = tuple(_changed_connection(c, label, value) if c.name == name else c for c in network.connections)
        return replace(network, connections=connections)
    known = sorted([*(p.name for p in network.populations), *(c.name for c in network.connections)])
    raise InputError(
        f"batch: network {network.name!r} has no population or connection {name!r}; it has {', '.join(known)}"
    )


def _changed_population(p: ChipPopulation, label: str, value: Any) -> ChipPopulation:
    if label == "escape_seed" and p.escape is not None:
        return replace(p, escape=replace(p.escape, seed=int(value)))
    if label not in _POPULATION:
        raise InputError(
            f"batch: {label!r} of population {p.name!r} cannot vary; one of {', '.join(sorted(_POPULATION))}"
        )
    return replace(p, **{label: value})


def _changed_connection(c: ChipConnection, label: str, value: Any) -> ChipConnection:
    if label in _CONNECTION:
        return replace(c, **{label: value})
    if c.plasticity is not None and label == "rng_seed":
        program = replace(c.plasticity.program, rng_seed=int(value))
        return replace(c, plasticity=replace(c.plasticity, program=program))
    if c.plasticity is not None and label in _PLASTICITY:
        return replace(c, plasticity=replace(c.plasticity, **{label: value}))
    possible = _CONNECTION if c.plasticity is None else _CONNECTION | _PLASTICITY | {"rng_seed"}
    raise InputError(f"batch: {label!r} of connection {c.name!r} cannot vary; one of {', '.join(sorted(possible))}")
