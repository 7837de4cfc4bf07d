"""The stages of a deployment in order: search, quantise, place, run on every backend, compare."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuroalign.calibration.mixed_precision import with_bits
from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.conversion import ConversionTable
from neuroalign.deployment import Deployment, Placed, Run, has_capacities, placed
from neuroalign.deployment.plastic_runs import (
    compare_plastic,
    model_reads,
)
from neuroalign.encoding import Encoded
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import ImportedNetwork
from neuroalign.network import Network
from neuroalign.pipeline.backend_runs import (
    agree,
    bit_equality,
    require_backends,
    run_all,
    warnings_of,
    with_cycle_cost,
)
from neuroalign.pipeline.options import Options
from neuroalign.pipeline.refusals import refuse_other_reset, refuse_what_does_not_fit
from neuroalign.pipeline.searched import searched
from neuroalign.pipeline.stimulus import check_labels
from neuroalign.pipeline.stored_chip import only_stored, preferred, with_stored_widths
from neuroalign.pipeline.versions import versions
from neuroalign.profile import Profile, assumed_in_words, not_checked_in_words
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.legality import resets_alike, with_microcode
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.recording import Stimulus, first_samples


def deploy_network(
    imported: ImportedNetwork,
    profile: Profile,
    encoded: Encoded,
    options: Options,
    stored: ChipNetwork | None = None,
) -> Deployment:
    """Every stage in order, for a network and a stimulus in memory; ``stored`` are integers that its file holds for the profile."""
    require_backends(options.backends)
    check_labels(imported.network, encoded.stimulus)
    if options.microcode:
        if resets_alike(imported.network, profile):
            raise InputError(
                f"--microcode holds a reset by subtraction, but neurons of profile {profile.id!r} reset as the network does; leave "
                "it out, or say --reset subtract"
            )
        profile = with_microcode(profile)
    if isinstance(options.bits, Mapping):
        imported = replace(imported, network=with_bits(imported.network, options.bits))
    refuse_other_reset(imported.network, profile, encoded)
    found = searched(imported.network, profile, encoded, options)
    network, scales = (imported.network, {}) if found is None else (found.network, found.scales)
    chip, table = _compiled(network, profile, encoded, options, scales, stored)
    if options.strict:
        refuse_what_does_not_fit(chip, profile, options.board)
    runs = run_all(network, profile, chip, encoded, options)
    lies, not_placed = _placed(chip, profile, runs, encoded.stimulus, options.board)
    reference = runs[0]
    agreements = tuple(agree(network, encoded.stimulus, reference, run) for run in runs[1:])
    reads = model_reads(encoded.stimulus.steps)
    table = with_cycle_cost(network, table, agreements)
    notes = [encoded.note] if encoded.note else []
    return Deployment(
        source=imported.source,
        network=network,
        profile_id=profile.id,
        chip=chip,
        table=table,
        stimulus=encoded.stimulus,
        runs=runs,
        reference=reference.label,
        agreements=agreements,
        bit_equality=bit_equality(runs),
        learning=tuple(a for run in runs[1:] for a in compare_plastic(network, reference, run, reads)),
        repairs=imported.repairs,
        assumptions=(*imported.assumptions, *notes),
        assumed_figures=assumed_in_words(profile),
        not_checked=not_checked_in_words(profile),
        warnings=warnings_of(options, runs),
        versions=versions(),
        command=options.command,
        seed=options.seed,
        search=None if found is None else found.told,
        placed=lies,
        not_placed=not_placed,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def _compiled(
    network: Network,
    profile: Profile,
    encoded: Encoded,
    options: Options,
    scales: Mapping[str, ScaleChoice],
    stored: ChipNetwork | None,
) -> tuple[ChipNetwork, ConversionTable]:
    """What the profile holds: the file's own integers where these are the same network, else quantised now."""
    try:
        chip, table = compile_network(
            network if stored is None else with_stored_widths(network, stored, profile),
            profile,
            strict=options.strict,
            graded=encoded.graded,
            learning=_learning(network, options),
            scales=scales,
        )
    except ConversionRefused as error:
        if stored is None or options.strict or encoded.graded:
            raise
        return only_stored(stored, str(error))
    return (None if stored is None else preferred(stored, chip, table)) or (chip, table)


def _placed(
    chip: ChipNetwork, profile: Profile, runs: Sequence[Run], stimulus: Stimulus, board: str | None
) -> tuple[Placed | None, str]:
    """Where the chip's run lies and what it costs; None, and why, where nothing is placed."""
    if not has_capacities(profile):
        return None, f"Profile {profile.id} gives no limit of a core or its memory, so there is nothing to place on."
    run = next((run for run in runs if run.chip is chip and run.raw is not None), None)
    if run is None or run.raw is None:
        return None, "Nothing ran on the chip's integers, so there are no events to place by."
    samples = min(len(a) for a in run.raw.states.values())
    return placed(chip, profile, run.raw, chip_stimulus(first_samples(stimulus, samples), chip), board=board), ""


def _learning(network: Network, options: Options) -> Mapping[str, RuleChoices]:
    """How each plastic connection is put on chip, where it is said."""
    plastic = [c.name for c in network.connections if c.rule is not None]
    return {**(dict.fromkeys(plastic, options.choices) if options.choices else {}), **(options.learning or {})}
