"""neuroalign: trained spiking networks and local learning rules to Loihi-class hardware, with proof of what changed.

One call does what the command does; arrays in and out are numpy, and tensors of torch are taken as they are::

    import neuroalign
    deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, stimulus="spikes.npz", out="report")
    print(neuroalign.verdict(deployment).headline)

Networks
    read_nir, write_nir             NIR files in and out
    Network, Population, Connection, InputPort      the float model, in SI units
    deploy, Options                 convert, run, compare, place: a Deployment
    Deployment, verdict, write_report               all about one run, its verdict, its page
    compile_network                 the integers alone: ChipNetwork and ConversionTable
    Stimulus, Recording             arrays (samples, steps, channels); Recording.to_xarray()
    compare, Agreement              two recordings, by layer
Chips
    load_profile, available_profiles, Profile       what a chip can hold, each figure with its source
    place, Placement                cores, what binds, what is not checked
Learning rules
    load_rule, rule_from_text, LearningRule, RuleTrace, Term
    check_rule, CheckOptions, RuleChoices           float model, chip and Lava on the same spikes
Lava
    network_from_lava, rule_from_lava, check_lava_rule      a network or rule of your own Lava script
Errors
    NeuroalignError                 the base of all; its exit_code is that of the command

Each name has a docstring with an example: ``help(neuroalign.deploy)``. They are the public interface: see docs/versioning.md
for what stays as it is. Each is loaded when it is first used, so that importing the package takes no time.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalign.compiled_code import ensure_cache_folder

if TYPE_CHECKING:
    from neuroalign.chip import ChipNetwork as ChipNetwork
    from neuroalign.compile import compile_network as compile_network
    from neuroalign.conversion import ConversionTable as ConversionTable
    from neuroalign.deployment import Deployment as Deployment
    from neuroalign.deployment import verdict as verdict
    from neuroalign.errors import NeuroalignError as NeuroalignError
    from neuroalign.export.nir_graph import read_nir as read_nir
    from neuroalign.export.nir_graph import write_nir as write_nir
    from neuroalign.export.report import write_report as write_report
    from neuroalign.fidelity import Agreement as Agreement
    from neuroalign.fidelity import compare as compare
    from neuroalign.from_lava.networks import network_from_lava as network_from_lava
    from neuroalign.from_lava.rule_check import check_lava_rule as check_lava_rule
    from neuroalign.from_lava.rule_check import rule_from_lava as rule_from_lava
    from neuroalign.network import Connection as Connection
    from neuroalign.network import InputPort as InputPort
    from neuroalign.network import Network as Network
    from neuroalign.network import Population as Population
    from neuroalign.pipeline import deploy as deploy
    from neuroalign.pipeline.options import Options as Options
    from neuroalign.placement import Placement as Placement
    from neuroalign.placement import place as place
    from neuroalign.profile import Profile as Profile
    from neuroalign.profile import available_profiles as available_profiles
    from neuroalign.profile import load_profile as load_profile
    from neuroalign.quantise.rule_choices import RuleChoices as RuleChoices
    from neuroalign.recording import Recording as Recording
    from neuroalign.recording import Stimulus as Stimulus
    from neuroalign.rule import LearningRule as LearningRule
    from neuroalign.rule import RuleTrace as RuleTrace
    from neuroalign.rule import Term as Term
    from neuroalign.rule.text import rule_from_text as rule_from_text
    from neuroalign.rule_check import CheckOptions as CheckOptions
    from neuroalign.rule_check import check_rule as check_rule
    from neuroalign.rules import load_rule as load_rule

__version__ = "0.2.0"

_PLACES = {
    "ChipNetwork": "chip",
    "compile_network": "compile",
    "ConversionTable": "conversion",
    "Deployment": "deployment",
    "verdict": "deployment",
    "NeuroalignError": "errors",
    "read_nir": "export.nir_graph",
    "write_nir": "export.nir_graph",
    "write_report": "export.report",
    "network_from_lava": "from_lava.networks",
    "check_lava_rule": "from_lava.rule_check",
    "rule_from_lava": "from_lava.rule_check",
    "Agreement": "fidelity",
    "compare": "fidelity",
    "Connection": "network",
    "InputPort": "network",
    "Network": "network",
    "Population": "network",
    "Options": "pipeline.options",
    "deploy": "pipeline",
    "Placement": "placement",
    "place": "placement",
    "Profile": "profile",
    "available_profiles": "profile",
    "load_profile": "profile",
    "RuleChoices": "quantise.rule_choices",
    "Recording": "recording",
    "Stimulus": "recording",
    "LearningRule": "rule",
    "RuleTrace": "rule",
    "Term": "rule",
    "rule_from_text": "rule.text",
    "CheckOptions": "rule_check",
    "check_rule": "rule_check",
    "load_rule": "rules",
}

__all__ = ["__version__", *_PLACES]

ensure_cache_folder(Path(__file__).parent, os.environ)  # before numba, which reads the environment once


def __getattr__(name: str) -> Any:
    """A public name, from its module, which is loaded now."""
    if name in _PLACES:
        return getattr(importlib.import_module(f"neuroalign.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'neuroalign' has no attribute {name!r}; public are {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted({*globals(), *_PLACES})
