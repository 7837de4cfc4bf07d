"""Figures of nengo-loihi 1.1.0, which the tests beside hold this package against.

Run it in an environment of its own, whose versions it writes down as well::

    python3.11 -m venv oracle && oracle/bin/pip install nengo-loihi==1.1.0 "numpy<2"
    oracle/bin/python tests/placement/nengo_loihi_figures.py tests/placement/nengo_loihi_figures.json

It imports nothing of neuroalign. The tests run it again where NEUROALIGN_NENGO names such a python.
"""

import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")

import nengo  # noqa: E402
import nengo_loihi  # noqa: E402
from nengo_loihi.block import Axon, LoihiBlock, Synapse, SynapseConfig  # noqa: E402
from nengo_loihi.builder import Model  # noqa: E402
from nengo_loihi.builder.split_blocks import split_model  # noqa: E402
from nengo_loihi.builder.validate import validate_block  # noqa: E402
from nengo_loihi.conv import channel_idxs, conv2d_loihi_weights, pixel_idxs  # noqa: E402
from nengo_loihi.inputs import SpikeInput  # noqa: E402

SETTINGS, NETWORKS, IMAGES = 1500, 60, 12


def settings():
    """Columns: weight bits, delay bits, tag code, index bits, compression, synapses of an entry, synapses; bits."""
    rng, rows = np.random.default_rng(1), []
    for _ in range(SETTINGS):
        cfg = SynapseConfig(
            weight_bits=int(rng.integers(1, 8)),
            delay_bits=int(rng.integers(0, 7)),
            tag_bits=int(rng.integers(0, 4)) if rng.random() < 0.3 else 0,
            idx_bits=int(rng.integers(0, 8)),
            compression=int(rng.choice([0, 3])),
            n_synapses=63 if rng.random() < 0.8 else int(rng.integers(0, 63)),
        )
        count = int(rng.integers(0, 1400)) if rng.random() < 0.7 else int(rng.integers(0, 140))
        rows.append(
            [
                cfg.real_weight_bits,
                cfg.delay_bits,
                cfg.tag_bits,
                cfg.real_idx_bits,
                cfg.compression,
                cfg.n_synapses + 1,
                count,
                cfg.bits_per_axon(count),
            ]
        )
    return rows


def learning_axons():
    """A block with learning axons: what the check counts, and what the map of the chip gives them."""
    block, synapse = LoihiBlock(100), Synapse(3000)
    synapse.set_weights(np.ones((3000, 100), dtype=np.float32))
    synapse.set_learning()
    block.add_synapse(synapse)
    return {"counted": block.utilization()["in-axons"][0], "slots": synapse.n_axons * synapse.idxs_per_synapse()}


def cores_of(sizes, inputs, connections, images):
    """Cores and words after the split, and whether each core is one that the builder's own check lets pass."""
    model = Model()
    blocks = [LoihiBlock(size) for size in sizes]
    ports = []
    for size in inputs:
        port = SpikeInput(size)
        model.add_input(port)
        ports.append(port)
    for block in blocks:
        model.add_block(block)
    for source, target in connections:
        pre = ports[source] if source < len(ports) else blocks[source - len(ports)]
        synapse = Synapse(pre.n_neurons)
        # Weights that differ: the splitter holds equal rows once.
        synapse.set_weights(np.random.default_rng(0).random((pre.n_neurons, sizes[target]), dtype=np.float32))
        blocks[target].add_synapse(synapse)
        axon = Axon(pre.n_neurons)
        axon.target = synapse
        pre.add_axon(axon)
    for image in images:
        add_image(image, ports, blocks)
    split_model(model)
    words = sum(synapse.bits() for block in model.blocks for synapse in block.synapses) // 64
    return {"cores": len(model.blocks), "words": words, "valid": all(passes(block) for block in model.blocks)}


def add_image(image, ports, blocks):
    """A convolution by population axons, channels first; every weight another number."""
    channels, side, out, kernel, stride = image
    shape = (channels, side, side)
    rng = np.random.default_rng(0)
    transform = nengo.Convolution(
        out,
        shape,
        strides=(stride, stride),
        kernel_size=(kernel, kernel),
        channels_last=False,
        padding="valid",
        init=rng.permutation(kernel * kernel * channels * out).reshape(kernel, kernel, channels, out) + 1.0,
    )
    weights, indices, axon_to_weight, bases = conv2d_loihi_weights(transform)
    synapse = Synapse(side * side)
    synapse.set_population_weights(weights, indices, axon_to_weight, bases, pop_type=32)
    blocks[0].add_synapse(synapse)
    axon = Axon(side * side)
    axon.target = synapse
    axon.set_compartment_axon_map(pixel_idxs(transform.input_shape), atoms=channel_idxs(transform.input_shape))
    ports[0].add_axon(axon)


def passes(block):
    try:
        validate_block(block)
    except (nengo.exceptions.BuildError, AssertionError):
        return False
    return True


def networks():
    """Random networks of dense connections, and single convolutions."""
    rng, found = np.random.default_rng(2), []
    while len(found) < NETWORKS:
        inputs = [int(rng.integers(10, 1500)) for _ in range(rng.integers(1, 3))]
        sizes = [int(rng.integers(10, rng.choice([100, 400, 1400]))) for _ in range(rng.integers(1, 6))]
        connections = []
        for target in range(len(sizes)):
            sources = rng.choice(len(inputs) + len(sizes), size=int(rng.integers(1, 3)), replace=False)
            connections += [[int(source), target] for source in sources]
        found.append({"inputs": inputs, "sizes": sizes, "connections": connections})
        found[-1].update(cores_of(sizes, inputs, connections, []))
    for _ in range(IMAGES):
        channels, side, out = int(rng.integers(1, 5)), int(rng.integers(8, 20)), int(rng.integers(2, 13))
        kernel, stride = int(rng.integers(2, 6)), int(rng.integers(1, 3))
        places = ((side - kernel) // stride + 1) ** 2
        image = [channels, side, out, kernel, stride]
        found.append({"image": image, **cores_of([out * places], [channels * side * side], [], [image])})
    return found


def main(path):
    figures = {
        "versions": {"nengo-loihi": nengo_loihi.__version__, "nengo": nengo.__version__, "numpy": np.__version__},
        "settings": settings(),
        "learning_axons": learning_axons(),
        "networks": networks(),
    }
    text = json.dumps(figures, separators=(",", ":")).replace("],[", "],\n[").replace("},{", "},\n{")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
