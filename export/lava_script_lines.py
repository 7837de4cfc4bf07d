"""Lines of a Lava script: one call for each process, with its arrays read by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution, Fixed, Plasticity, SparsePattern
from neuroalign.fixed_point import WEIGHT_BITS
from neuroalign.microcode import PRE_TRACES, TRACES
from neuroalign.microcode.text import to_text
from neuroalign.recording import Stimulus

NO_DECAY = 1e17
"""A time constant in steps of which exp(-1/tau) is 1 in double precision, and which Lava's integers hold."""

ONE_LINE = 80
"""Characters of keywords that are written in one line."""

_GRADED = {
    "impulse": "USE_REGULAR_IMPULSE",
    "overwrite": "OVERWRITE",
    "add-saturate": "ADD_WITH_SATURATION",
    "add-carry": "ADD_WITHOUT_SATURATION",
}
_IMPORTS = {
    "LIF": "lava.proc.lif.process",
    "LIFReset": "lava.proc.lif.process",
    "TernaryLIF": "lava.proc.lif.process",
    "Dense": "lava.proc.dense.process",
    "DelayDense": "lava.proc.dense.process",
    "LearningDense": "lava.proc.dense.process",
    "Sparse": "lava.proc.sparse.process",
    "DelaySparse": "lava.proc.sparse.process",
    "LearningSparse": "lava.proc.sparse.process",
    "Conv": "lava.proc.conv.process",
    "SignMode": "lava.utils.weightutils",
    "Loihi2FLearningRule": "lava.magma.core.learning.learning_rule",
    "Loihi3FLearningRule": "lava.magma.core.learning.learning_rule",
    "GradedSpikeCfg": "lava.magma.core.learning.constants",
    "csr_matrix": "scipy.sparse",
}


@dataclass
class ScriptText:
    """Lines and arrays as they come together."""

    arrays: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def array(self, name: str, values: Any, dtype: Any) -> str:
        """Keep an array; the expression that reads it."""
        self.arrays[name] = np.ascontiguousarray(np.asarray(values).astype(dtype))
        return f"data[{name!r}]"

    def number(self, name: str, values: Any) -> str:
        """The number where all are the same, as Lava documents it; else an array, which its arithmetic takes as well."""
        if np.all(values == values[0]):
            return str(int(values[0]))
        return self.array(name, values, np.int64)

    def call(self, process: str, options: Mapping[str, str]) -> str:
        """A process made of keywords, its import noted."""
        self.used.add(process)
        keywords = [f"{key}={value}" for key, value in options.items()]
        if sum(map(len, keywords)) < ONE_LINE:
            return f"{process}({', '.join(keywords)})"
        return f"{process}(\n" + "".join(f"        {keyword},\n" for keyword in keywords) + "    )"


def imports(used: set[str]) -> list[str]:
    modules: dict[str, list[str]] = {}
    for name in sorted(used):
        modules.setdefault(_IMPORTS[name], []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]


def input_lines(text: ScriptText, name: str, stimulus: Stimulus) -> list[str]:
    values = text.array(f"{name}.input", stimulus.inputs[name], np.int32)
    return [
        f"nodes[{name!r}] = RingBuffer(data=column_a_step({values}[sample]))",
        f"ports[{name!r}] = entering(nodes[{name!r}], hardware)",
    ]


def neuron_call(text: ScriptText, p: ChipPopulation) -> str:
    options = {
        "shape": f"({p.size},)",
        "u": text.array(f"{p.name}.u0", p.u0, np.int32),
        "v": text.array(f"{p.name}.v0", p.v0, np.int32),
        "du": text.number(f"{p.name}.du", p.du),
        "dv": text.number(f"{p.name}.dv", p.dv),
        "bias_mant": text.array(f"{p.name}.bias_mant", p.bias_mant, np.int16),
        "bias_exp": text.array(f"{p.name}.bias_exp", p.bias_exp, np.int16),
        "name": repr(p.name),
    }
    if p.threshold_low is not None:
        thresholds = {"vth_hi": str(int(p.threshold[0])), "vth_lo": str(int(p.threshold_low[0]))}
        return text.call("TernaryLIF", options | thresholds)
    options["vth"] = text.number(f"{p.name}.threshold", p.threshold)
    if p.reset_interval:
        resets = {"reset_interval": str(p.reset_interval), "reset_offset": str(p.reset_offset)}
        return text.call("LIFReset", options | resets)
    return text.call("LIF", options)


def synapse_lines(text: ScriptText, chip: ChipNetwork, c: ChipConnection) -> list[str]:
    node, target = f"nodes[{c.name!r}]", f"nodes[{c.target!r}]"
    entering = c.source in {port.name for port in chip.inputs}
    source = f"ports[{c.source!r}]" if entering else f"nodes[{c.source!r}].s_out"
    if isinstance(c.pattern, Convolution):
        return [
            f"{node} = {_conv(text, c, c.pattern)}",
            f"{source}.reshape({c.pattern.source_shape!r}).transpose((2, 1, 0)).connect({node}.s_in)",
            f"{node}.a_out.transpose((2, 1, 0)).reshape(({c.shape[0]},)).connect({target}.a_in)",
        ]
    lines = [f"{node} = {_process(text, c)}", f"{source}.connect({node}.s_in)"]
    if c.drives:
        lines.append(f"{node}.a_out.connect({target}.a_in)")
    if c.plasticity is not None:
        lines.append(f"{target}.s_out.connect({node}.s_in_bap)")
        for trace, sender in c.plasticity.modulators:
            lines.append(_modulator(chip, c, trace, sender))
    return lines


def _modulator(chip: ChipNetwork, c: ChipConnection, trace: str, sender: str) -> str:
    """A third factor; one that is the same for all targets comes from a source that repeats it."""
    sizes = {port.name: port.size for port in chip.inputs}
    into = f".connect(nodes[{c.name!r}].s_in_{trace})"
    if sender not in sizes:
        return f"nodes[{sender!r}].s_out{into}"
    if sizes[sender] == c.shape[0]:
        return f"ports[{sender!r}]{into}"
    repeated = f"np.repeat(column_a_step(data[{f'{sender}.input'!r}][sample]), {c.shape[0]}, axis=0)"
    return f"entering(RingBuffer(data={repeated}), hardware){into}"


def _process(text: ScriptText, c: ChipConnection) -> str:
    text.used.add("SignMode")
    bits = c.weight_format.bits if isinstance(c.weight_format, Fixed) else WEIGHT_BITS
    options = {
        "weight_exp": str(c.weight_exp),
        "num_weight_bits": str(min(bits, WEIGHT_BITS)),
        "sign_mode": f"SignMode.{c.sign_mode.upper()}",
        "num_message_bits": str(c.message_bits),
        "name": repr(c.name),
    }
    kind = "Dense" if c.pattern is None else "Sparse"
    if c.plasticity is not None:
        options = (
            _arrays(text, c, {"tag_1": c.plasticity.tag} | ({"tag_2": None} if c.pattern else {}))
            | options
            | _rule(text, c.plasticity)
        )
        return text.call(f"Learning{kind}", options)
    if c.delays is None:
        return text.call(kind, _arrays(text, c, {}) | options)
    return text.call(f"Delay{kind}", _arrays(text, c, {"delays": c.delays}) | options)


def _arrays(text: ScriptText, c: ChipConnection, more: Mapping[str, Any]) -> dict[str, str]:
    """Weights and what else has the synapses' shape; None stands for zeros, which only sparse synapses need said."""
    if not isinstance(c.pattern, SparsePattern):
        found = {"weights": text.array(f"{c.name}.weights", c.weight, np.int32)}
        held = {key: values for key, values in more.items() if values is not None}
        kinds = {"delays": np.int64, "tag_1": np.int32}  # as Lava asks for them
        return found | {key: text.array(f"{c.name}.{key}", values, kinds[key]) for key, values in held.items()}
    text.used.add("csr_matrix")
    starts = np.searchsorted(c.pattern.target, np.arange(c.pattern.shape[0] + 1))
    for key, values in (("shape", c.pattern.shape), ("source", c.pattern.source), ("starts", starts)):
        text.array(f"{c.name}.{key}", values, np.int64)
    text.array(f"{c.name}.weights", c.weight, np.int32)
    for key, values in more.items():
        text.array(f"{c.name}.{key}", np.zeros_like(c.weight) if values is None else values, np.int64)
    return {key: f"csr(data, {c.name!r}, {'.' + key!r})" for key in ("weights", *more)}


def _rule(text: ScriptText, plasticity: Plasticity) -> dict[str, str]:
    """Lava's own learning rule, and what a graded spike does."""
    program, third = plasticity.program, bool(plasticity.modulators)
    rules = {"dw": program.dw, "dd": program.dd, "dt": program.tag_update}
    options = {name: repr(to_text(products)) for name, products in rules.items() if products}
    for name in PRE_TRACES if third else TRACES:
        trace = program.trace(name)
        options |= {f"{name}_impulse": _literal(trace.impulse), f"{name}_tau": _literal(min(trace.tau, NO_DECAY))}
    options |= {"t_epoch": str(program.t_epoch), "rng_seed": str(program.rng_seed)}
    text.used.add("GradedSpikeCfg")
    rule = text.call("Loihi3FLearningRule" if third else "Loihi2FLearningRule", options)
    return {"learning_rule": rule, "graded_spike_cfg": f"GradedSpikeCfg.{_GRADED[plasticity.graded]}"}


def _literal(value: float) -> str:
    """A Python number, whatever numpy type it came in."""
    return repr(int(value)) if isinstance(value, int | np.integer) else repr(float(value))


def _conv(text: ScriptText, c: ChipConnection, pattern: Convolution) -> str:
    """Lava numbers places (column, row, channel) and turns the kernel round; the ports' lines turn the image."""
    weight = c.weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1)
    options = {
        "weight": text.array(f"{c.name}.weights", weight, np.int32),
        "input_shape": repr(pattern.source_shape[::-1]),
        "padding": repr(pattern.padding[::-1]),
        "stride": repr(pattern.stride[::-1]),
        "dilation": repr(pattern.dilation[::-1]),
        "groups": str(pattern.groups),
        "num_message_bits": str(c.message_bits),
        "name": repr(c.name),
    }
    return text.call("Conv", options)
