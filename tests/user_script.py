"""What a user writes: the public interface of neuroalign, typed; test_user_script.py checks it from outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import neuroalign
from neuroalign.demo import load_demo


def accuracy_on_chip(out: Path) -> float:
    """Deploy the network of the demonstration on two images and ask for everything that a user may want."""
    file, images = load_demo()
    spikes = np.asarray(images.inputs["input"][:2])
    deployment: neuroalign.Deployment = neuroalign.deploy(
        file, "loihi2", dt=1e-3, backends=["emulator"], stimulus={"input": spikes}, seed=1, out=out
    )
    judged = neuroalign.verdict(deployment)
    chip = deployment.chip_runs[0]
    states = chip.recording.states["readout", "v"]
    found: int = int(states.sum(axis=1).argmax(axis=1)[0])
    network: neuroalign.Network = deployment.network
    rounded = [row.where for row in deployment.table.rows if row.status == "rounded"]
    profile: neuroalign.Profile = neuroalign.load_profile("loihi1")
    again, table = neuroalign.compile_network(network, profile)
    neuroalign.write_nir(out / "network.nir", again, network=network)
    print(judged.headline, len(rounded), len(table.rows), profile.id)
    return float(found)


def check(name: str) -> str:
    """A rule on the emulator, for a few steps."""
    rule: neuroalign.LearningRule = neuroalign.load_rule(name)
    options = neuroalign.CheckOptions(("emulator",), 200)
    neuroalign.check_rule(rule, neuroalign.load_profile("loihi2"), neuroalign.RuleChoices("carry"), options)
    return rule.locality


if __name__ == "__main__":
    try:
        print(accuracy_on_chip(Path("report")), check("stdwi"))
    except neuroalign.NeuroalignError as error:
        raise SystemExit(error.exit_code) from error
