"""A batch is its members run one by one, whatever the number of threads."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from random_networks import draw_stimulus
from random_neurons import with_kinds
from random_plastic import PlasticRun, draw_plastic
from small_chips import chip, neurons, silence, wire

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError, NetworkError
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Batch, Emulator
from neuroalign.sim.emulator.batch import SEED_STRIDE
from neuroalign.sim.emulator.jobs import run_jobs, usable_threads

SIZE, SAMPLES, STEPS = 3, 2, 60


def drawn(seed: int = 5, samples: int = SAMPLES) -> PlasticRun:
    rng = np.random.default_rng(seed)
    run = draw_plastic(rng, 2, STEPS)
    network = with_kinds(rng, run.network)
    return PlasticRun(network, draw_stimulus(rng, network, samples=samples, steps=STEPS))


def probes_of(network: ChipNetwork) -> list[tuple[str, str]]:
    plastic = [c.name for c in network.connections if c.plasticity is not None]
    return [(p.name, state) for p in network.populations for state in "sv"] + [(name, "w") for name in plastic]


def batch_of(run: PlasticRun) -> Batch:
    """Other seeds, other initial weights, tags and thresholds for each member."""
    rng = np.random.default_rng(1)
    learns, population = run.plastic[0], run.network.populations[0]
    assert learns.plasticity is not None
    values: dict[tuple[str, str], Any] = {
        (learns.name, "weight"): [np.roll(learns.weight, n, axis=0) for n in range(SIZE)],
        (learns.name, "tag"): rng.integers(-100, 100, (SIZE, *learns.weight.shape)),
        (population.name, "threshold"): [np.maximum(population.threshold - 20 * n, 1) for n in range(SIZE)],
    }
    return Batch(SIZE, seeds=[0, 7, 8], values=values)


def one_by_one(run: PlasticRun, batch: Batch) -> list[Recording]:
    return [
        Emulator().run(batch.member(run.network, n), run.stimulus, probes_of(run.network), read_steps=[20, STEPS])
        for n in range(batch.size)
    ]


@pytest.mark.parametrize("threads", [1, 2, None])
@pytest.mark.parametrize("seed", [5, 6])
def test_a_batch_is_its_members_one_by_one(seed: int, threads: int | None) -> None:
    run = drawn(seed)
    batch = batch_of(run)
    singles = one_by_one(run, batch)
    probes = probes_of(run.network)
    found = Emulator().run(run.network, run.stimulus, probes, read_steps=[20, STEPS], batch=batch, threads=threads)
    for probe in probes:
        separate = found.states[probe].reshape(SAMPLES, SIZE, *found.states[probe].shape[1:])
        for n, single in enumerate(singles):
            np.testing.assert_array_equal(separate[:, n], single.states[probe], err_msg=f"{probe} of member {n}")
    total: Counter[str] = Counter()
    for single in singles:
        total.update(single.counts)
    assert dict(found.counts) == dict(total)


def test_members_differ_in_what_was_asked_for() -> None:
    run = drawn()
    batch = batch_of(run)
    members = [batch.member(run.network, n) for n in range(SIZE)]
    for before, zero, seven in zip(
        run.network.connections, members[0].connections, members[1].connections, strict=True
    ):
        if before.plasticity is not None and zero.plasticity is not None and seven.plasticity is not None:
            assert zero.plasticity.program.rng_seed == before.plasticity.program.rng_seed
            assert seven.plasticity.program.rng_seed == before.plasticity.program.rng_seed + 7 * SEED_STRIDE
            assert seven.plasticity.rounding_seed == before.plasticity.rounding_seed + 7 * SEED_STRIDE
    learns, population = run.plastic[0].name, run.network.populations[0]
    rolled = {c.name: c.weight for c in members[2].connections}[learns]
    np.testing.assert_array_equal(rolled, np.roll(run.plastic[0].weight, 2, axis=0))
    assert (members[2].populations[0].threshold < population.threshold).any()


def test_every_member_can_have_inputs_of_its_own() -> None:
    run = drawn(samples=SIZE)
    batch = replace(batch_of(run), inputs="own")
    found = Emulator().run(run.network, run.stimulus, probes_of(run.network), batch=batch, threads=2)
    for n in range(SIZE):
        own = Stimulus({name: array[n : n + 1] for name, array in run.stimulus.inputs.items()})
        single = Emulator().run(batch.member(run.network, n), own, probes_of(run.network))
        for probe, expected in single.states.items():
            np.testing.assert_array_equal(found.states[probe][n : n + 1], expected)
    with pytest.raises(InputError, match="needs as many samples; there are 2"):
        Emulator().run(run.network, drawn().stimulus, [], batch=batch)


def test_networks_of_one_structure_make_a_batch() -> None:
    networks = [chip([neurons("n", 2, bias_mant=[k, 2 * k])], [], channels=1) for k in (1, 2)]
    batch, nothing = Batch(2, networks=networks), Stimulus({"in": np.zeros((1, 3, 1))})
    found = Emulator().run(networks[0], nothing, [("n", "v")], batch=batch)
    assert found.states["n", "v"][:, :, 1].tolist() == [[2, 4, 6], [4, 8, 12]]
    other = chip([neurons("n", 3)], [], channels=1)
    with pytest.raises(InputError, match=r"populations of member 1 are .* must have one structure"):
        Emulator().run(networks[0], nothing, [], batch=Batch(2, networks=[networks[0], other]))


def test_the_reference_runs_batches_too() -> None:
    run = drawn()
    batch = batch_of(run)
    probes = probes_of(run.network)
    kernels = Emulator().run(run.network, run.stimulus, probes, batch=batch)
    reference = Emulator().run(run.network, run.stimulus, probes, batch=batch, implementation="reference")
    for probe, expected in reference.states.items():
        np.testing.assert_array_equal(kernels.states[probe], expected)
    assert dict(kernels.counts) == dict(reference.counts)


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_counts_members_and_ends_at_its_total(threads: int) -> None:
    run = drawn()
    told: list[tuple[int, int]] = []
    callers = set()

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        callers.add(threading.get_ident())

    Emulator().run(run.network, run.stimulus, [], batch=batch_of(run), threads=threads, progress=tell)
    total = SIZE * SAMPLES * run.steps
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (total, total)
    assert callers == {threading.get_ident()}


def small(**changes: Any) -> Any:
    return Batch(2, **changes).member(chip([neurons("n", 1)], [wire("n", "n", [[2]])]), 0)


REFUSED: list[tuple[Any, str]] = [
    (lambda: Batch(0), "a batch of 0 members"),
    (lambda: Batch(2, inputs="each"), "inputs is 'each'; 'all' or 'own' is needed"),  # type: ignore[arg-type]
    (lambda: Batch(2, seeds=[1]), "seeds has 1 entries for 2 members"),
    (lambda: Batch(2, seeds=[1, -1]), "whole numbers >= 0"),
    (lambda: Batch(2, values={("n", "dv"): [0]}), "'dv' of 'n' has 1 entries for 2"),
    (lambda: small(values={("m", "dv"): [0, 0]}), "no population or connection 'm'; it has n, n->n"),
    (lambda: small(values={("n", "name"): ["a", "b"]}), "'name' of population 'n' cannot vary"),
    (lambda: small(values={("n", "escape_seed"): [1, 2]}), "'escape_seed' of population 'n' cannot vary"),
    (lambda: small(values={("n->n", "rng_seed"): [1, 2]}), "'rng_seed' of connection 'n->n' cannot vary"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_batches_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_member_that_the_chip_cannot_hold_is_refused_before_anything_runs() -> None:
    network = chip([neurons("n", 1)], [wire("n", "n", [[2]])])
    told: list[int] = []
    with pytest.raises(NetworkError, match="= 3 is not held"):
        Emulator().run(
            network,
            silence(5),
            [],
            batch=Batch(2, values={("n->n", "weight"): [np.array([[2]]), np.array([[3]])]}),
            progress=lambda done, _: told.append(done),
        )
    assert told == []


def test_threads_are_no_more_than_jobs_or_processors() -> None:
    assert usable_threads(1, 100) == 1
    assert usable_threads(10_000, 1) == 1
    assert usable_threads(None, 10_000) == usable_threads(10_000, 10_000)
    with pytest.raises(InputError, match="threads is 0"):
        usable_threads(0, 1)


@pytest.mark.parametrize("threads", [0, 2])
def test_the_first_error_of_a_job_is_raised_and_ends_the_others(threads: int) -> None:
    done: list[int] = []

    def work(job: int, tell: Any) -> None:
        if job == 1:
            raise InputError("job 1")
        done.append(job)
        tell(1)

    with pytest.raises(InputError, match="job 1"):
        run_jobs(range(1000), work, lambda _: None, threads)
    assert len(done) < 1000
    assert threading.active_count() == 1 or all(not t.name.startswith("emulator") for t in threading.enumerate())
