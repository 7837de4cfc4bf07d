"""Random networks to be placed: several populations, all layouts, some of which learn, and cores that are soon full."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Convolution, Fixed, SparsePattern
from neuroalign.chip.connection import Plasticity
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.profile import Memory, Profile, load_profile

RULES = (
    Program(dw=(Product("x0", 1, 0, (Factor("y1"),)),), x1=Trace(16, 10), y1=Trace(16, 10), t_epoch=2),
    Program(
        dw=(Product("u", 1, 0, (Factor("t"),), k=1),),
        tag_update=(Product("y0", 2, -1, (Factor("x1"),)),),
        x1=Trace(8, 5),
        t_epoch=4,
    ),
    Program(dd=(Product("x0", 1, 0, (Factor("y1"),)),), y1=Trace(16, 10), t_epoch=2),
)


def population(name: str, size: int, shape: tuple[int, ...] | None = None, kinds: int = 1) -> ChipPopulation:
    """Neurons of ``kinds`` different decays and thresholds."""
    zeros, state = np.zeros(size, dtype=np.int64), Fixed(24)
    kind = np.arange(size) % kinds
    return ChipPopulation(
        name=name,
        shape=shape or (size,),
        du=100 + kind,
        dv=200 + kind,
        threshold=10 + kind,
        bias_mant=zeros,
        bias_exp=zeros,
        u0=zeros,
        v0=zeros,
        u_format=state,
        v_format=state,
        decay_bits=12,
        u_offset=1,
        v_offset=0,
        threshold_shift=6,
        weight_shift=6,
        spiking=True,
        latency_steps=1,
        volts_per_unit=np.ones(size),
        volts_offset=np.zeros(size),
    )


def network(
    inputs: list[ChipInput], populations: list[ChipPopulation], connections: list[ChipConnection]
) -> ChipNetwork:
    """The parts together."""
    return ChipNetwork("drawn", 1e-3, "loihi1", tuple(inputs), tuple(populations), tuple(connections), ())


def connection(
    name: str,
    source: str,
    target: str,
    weight: np.ndarray,
    *,
    bits: int = 8,
    pattern: SparsePattern | Convolution | None = None,
    program: Program | None = None,
    delays: np.ndarray | None = None,
) -> ChipConnection:
    """Synapses of ``bits`` bits."""
    plasticity = None if program is None else Plasticity(program, np.zeros_like(weight), 1.0)
    return ChipConnection(
        name, source, target, weight, Fixed(bits), 0, "mixed", delays=delays, plasticity=plasticity, pattern=pattern
    )


def random_network(seed: int) -> ChipNetwork:
    """One or two inputs, one to four populations, and a connection or two into each."""
    rng = np.random.default_rng(seed)
    inputs = [ChipInput(f"in{k}", int(rng.integers(1, 40))) for k in range(rng.integers(1, 3))]
    if rng.random() < 0.4:
        inputs.append(ChipInput("image", 0))
        side, channels = int(rng.integers(3, 7)), int(rng.integers(1, 4))
        inputs[-1] = replace(inputs[-1], size=channels * side * side)
    populations = [
        population(f"p{k}", int(rng.integers(1, 40)), kinds=int(rng.choice([1, 1, 2, 12])))
        for k in range(rng.integers(1, 4))
    ]
    connections: list[ChipConnection] = []
    plain = [i for i in inputs if i.name != "image"]
    for p in populations:
        sources = [*plain, *populations]
        for source in rng.choice(len(sources), size=int(rng.integers(1, 3)), replace=False):
            connections.append(_drawn(rng, f"c{len(connections)}", sources[source], p))
    if inputs[-1].name == "image":
        convolution = _kernel(rng, channels, side)
        populations.append(population("map", convolution.shape[0], convolution.target_shape))
        weight = rng.integers(-60, 60, convolution.weight_shape) * 2
        connections.append(connection("kernel", "image", "map", weight, pattern=convolution))
        if rng.random() < 0.5:
            connections.append(_drawn(rng, "behind", populations[-1], populations[0]))
    return network(inputs, populations, connections)


def _kernel(rng: np.random.Generator, channels: int, side: int) -> Convolution:
    size = int(rng.integers(1, 4))
    groups = channels if rng.random() < 0.3 else 1
    return Convolution(
        (channels, side, side),
        groups * int(rng.integers(1, 4)),
        (size, int(rng.integers(1, 4))),
        (int(rng.integers(1, 3)), 1),
        (int(rng.integers(0, 2)), int(rng.integers(0, 2))),
        groups=groups,
    )


def _drawn(
    rng: np.random.Generator, name: str, source: ChipInput | ChipPopulation, target: ChipPopulation
) -> ChipConnection:
    shape = (target.size, source.size)
    program = RULES[rng.integers(len(RULES))] if rng.random() < 0.35 else None
    bits = int(rng.choice([8, 8, 6, 4, 1, 7]))
    weight = rng.integers(-100, 100, shape) * 2
    pattern = None
    kind = rng.integers(4)
    if kind == 1:
        weight[:, ::5] = 0  # sources without any weight
    if kind == 0:
        weight[rng.random(shape) < 0.7] = 0
    if kind > 1:
        present = rng.random(shape) < rng.choice([0.05, 0.3, 0.9])
        pattern = SparsePattern(np.nonzero(present)[0], np.nonzero(present)[1], shape)
        weight = weight[present]
    delays = rng.integers(0, int(rng.choice([2, 8, 20])), weight.shape) if rng.random() < 0.3 else None
    return connection(
        name, source.name, target.name, weight, bits=bits, pattern=pattern, program=program, delays=delays
    )


def narrow_profile(seed: int) -> Profile:
    """Loihi 1 (or 2) with cores so small that networks of a hundred neurons take many, and some do not fit at all."""
    rng = np.random.default_rng(seed)
    profile = load_profile("loihi1" if seed % 5 else "loihi2")
    core = replace(
        profile.core,
        neurons_max=int(rng.integers(4, 40)),
        in_axons_max=int(rng.integers(40, 400)),
        out_axons_max=int(rng.integers(40, 400)),
        threshold_profiles_max=int(rng.integers(1, 8)),
        synapse_formats_max=int(rng.integers(3, 9)),
        memory=Memory("fixed", 64, synapse_words=int(rng.integers(60, 600))),
    )
    topology = replace(profile.topology, cores_per_chip=4, cores_per_chip_usable=int(rng.integers(1, 5)))
    return replace(profile, core=core, topology=topology)
