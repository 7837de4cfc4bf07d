"""Pictures of a deployment as PNG bytes. The only room that imports matplotlib, and only its object interface."""

from neuroalign.deployment import Deployment
from neuroalign.export.figures.learning import learning, learnt
from neuroalign.export.figures.placement import heat_map, traffic_matrix
from neuroalign.export.figures.style import Picture
from neuroalign.export.figures.tallies import errors, outputs, weights
from neuroalign.export.figures.traces import membranes, rasters

__all__ = [
    "Picture",
    "errors",
    "heat_map",
    "learning",
    "learnt",
    "membranes",
    "outputs",
    "pictures",
    "rasters",
    "traffic_matrix",
    "weights",
]


def pictures(deployment: Deployment) -> tuple[Picture, ...]:
    """Every picture that the deployment has data for, in reading order."""
    drawn = (
        *learnt(deployment),
        outputs(deployment),
        errors(deployment),
        rasters(deployment),
        membranes(deployment),
        weights(deployment),
        *(draw(deployment.placed.placement) for draw in (heat_map, traffic_matrix) if deployment.placed),
    )
    return tuple(picture for picture in drawn if picture is not None)
