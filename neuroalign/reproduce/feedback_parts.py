"""Networks that learn with feedback from anywhere: the comparison, and the tuning of its rates."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from neuroalign.feedback.chip_phases import chip_methods
from neuroalign.feedback.methods import Method, method_named, methods
from neuroalign.feedback.protocols import protocol_for
from neuroalign.reproduce.paired import paired_interval
from neuroalign.reproduce.part import Case, Part, Values
from neuroalign.reproduce.table import Bar, Check

SOURCE = "protocol and bars are our own; methods as neuroalign.feedback.methods names them"
TASKS = "feedback_tasks:"
WORSE_BY, ANGLE_BELOW = 0.5, 15.0
"""An aligned method may be this many points below backpropagation, and is to be this many degrees below FA."""
FASHION_GOAL = 88.0
ACCURACY, ANGLE = "accuracy, %", "error angle, degrees"
CHIP_SEEDS, LOCAL_SEEDS = 3, 3
CHIP_ROW = ", 8 bits"
QUICK = {"epochs": 1, "images": 320}


def feedback_parts(data: str = "digits", names: Sequence[str] | None = None) -> tuple[Part, ...]:
    """The parts for a data set and some methods; all methods unless given (InputError for unknown ones)."""
    chosen = [method_named(name) for name in dict.fromkeys(names or methods())]
    protocol = protocol_for(data)
    shape = "-".join(map(str, protocol.hidden))
    title = f"{data}: hidden layers {shape}, {protocol.epochs} epochs, batches of {protocol.batch}"
    return (
        Part(
            "learning",
            f"Learning with feedback from anywhere; {title}",
            SOURCE,
            tuple(
                Case(m.name, TASKS + "trained", {"method": m.name, "data": data}, QUICK, _bars(m, data)) for m in chosen
            ),
            seeds=protocol.seeds,
            checks=learning_checks,
            quick_note="one epoch on 320 images, so bars do not apply",
            notes=("Same weights at the start and same order of images for all methods; one rate for each, tuned.",),
            x_label="epochs",
        ),
        *_local_part(data),
        *_chip_part([m.name for m in chosen if m.name in chip_methods()], data, title),
        Part(
            "tuning",
            f"Rates by accuracy on the validation split; {title}",
            SOURCE,
            tuple(
                Case(
                    f"{m.name}, rate {rate:g}",
                    TASKS + "tuned",
                    {"method": m.name, "data": data, "rate": rate},
                    {"epochs": 1},
                )
                for m in chosen
                for rate in protocol.grid
            ),
            seeds=protocol.tuning_seeds,
        ),
    )


def _bars(method: Method, data: str) -> tuple[Bar, ...]:
    """Fashion-MNIST's goal for the best aligned method stands beside each of them."""
    if not method.aligned or not data.startswith("fashion-mnist"):
        return ()
    return (Bar(ACCURACY, ">=", FASHION_GOAL, known="goal"),)


def _local_part(data: str) -> tuple[Part, ...]:
    """The network that learns on chip by itself; on the digits, whatever the methods."""
    if data != "digits":
        return ()
    part = Part(
        "local",
        "Digits learnt wholly by local rules on the emulator: delta rule above, direct feedback below",
        "after Neftci et al. 2017, Front. Neurosci. 11:324; constants are our own",
        (
            Case("both layers learn", TASKS + "local", {}, {"epochs": 1, "images": 200}),
            Case("the output layer learns", TASKS + "local", {"deep": False}, {"epochs": 1, "images": 200}),
        ),
        seeds=LOCAL_SEEDS,
        quick_note="one epoch on 200 images",
        notes=("Accuracy as found; no bar was set for it.",),
        x_label="epochs",
    )
    return (part,)


def _chip_part(names: Sequence[str], data: str, title: str) -> tuple[Part, ...]:
    """Feedback aligned by the 8-bit Program beside its float row; no part without a method that has a chip form."""
    cases = tuple(
        Case(name + (CHIP_ROW if chip else ""), TASKS + "trained", arguments | ({"chip": True} if chip else {}), QUICK)
        for name in names
        for arguments in ({"method": name, "data": data},)
        for chip in (False, True)
    )
    if not cases:
        return ()
    part = Part(
        "chip", f"Feedback aligned by 8-bit Programs on the emulator; {title}", SOURCE, cases, CHIP_SEEDS, chip_checks,
        "one epoch on 320 images", x_label="epochs",
    )  # fmt: skip
    return (part,)


def chip_checks(values: Values) -> tuple[Check, ...]:
    """How far each chip row is from the float row of the same rule (the float mirror is another one)."""
    found = []
    known = methods()
    for name in [case.removesuffix(CHIP_ROW) for case in values if case.endswith(CHIP_ROW)]:
        if not known[name].spiking:
            continue
        seeds = len(values[name][ACCURACY])
        apart = fmean(values[name + CHIP_ROW][ACCURACY]) - fmean(values[name][ACCURACY])
        statement = f"{name}: mean accuracy of the chip row is within {WORSE_BY:g} points of the float row's"
        found.append(Check(statement, abs(apart) <= WORSE_BY if seeds >= CHIP_SEEDS else None, f"{apart:+.2f} points"))
    return tuple(found)


def learning_checks(values: Values) -> tuple[Check, ...]:
    """What each aligned method has to show against backpropagation and FA, as far as those were run."""
    found = []
    aligned = [name for name, method in methods().items() if method.aligned and name in values]
    for name in aligned:
        if "bp" in values:
            found.append(_against_bp(values, name))
        if "fa" in values:
            found += [_against_fa(values, name), _angle_against_fa(values, name)]
    return tuple(found)


def _against_bp(values: Values, name: str) -> Check:
    statement = f"{name}: not below bp by more than {WORSE_BY:g} points"
    if len(values[name][ACCURACY]) < 2:
        return Check(statement, None, "one seed")
    mean, low, high = paired_interval(values[name][ACCURACY], values["bp"][ACCURACY])
    return Check(statement, low >= -WORSE_BY, f"{mean:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}")


def _against_fa(values: Values, name: str) -> Check:
    statement = f"{name}: better than fa"
    if len(values[name][ACCURACY]) < 2:
        return Check(statement, None, "one seed")
    mean, low, high = paired_interval(values[name][ACCURACY], values["fa"][ACCURACY])
    return Check(statement, low > 0, f"{mean:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}")


def _angle_against_fa(values: Values, name: str) -> Check:
    below = fmean(values["fa"][ANGLE]) - fmean(values[name][ANGLE])
    return Check(
        f"{name}: error angle at least {ANGLE_BELOW:g} degrees below fa's", below >= ANGLE_BELOW, f"{below:.1f} degrees"
    )
