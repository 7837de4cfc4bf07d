"""Figures that zoom and show values under the pointer. The only room that imports Bokeh.

Bokeh, since it is well kept (NumFOCUS), draws to a canvas from typed arrays, and its core is one file of 1.3 MB that can
lie in a page as it is; plotly's smallest file for these plots is three times that. Each of these figures stands in the
place of the still picture of the same key, which stays in the page for print, for readers without scripts, and where
Bokeh is not installed.
"""

from neuroalign.deployment import Deployment
from neuroalign.export.live.embed import NOTHING, Live, available, embed

__all__ = ["NOTHING", "Live", "available", "embed", "live_figures"]


def live_figures(deployment: Deployment) -> Live:
    """What the deployment has data for, by the keys of the still pictures; nothing where Bokeh is not installed."""
    if not available():
        return NOTHING
    from neuroalign.export.live.learning import learnt
    from neuroalign.export.live.outputs import errors, outputs
    from neuroalign.export.live.placement import cores, traffic
    from neuroalign.export.live.rasters import rasters
    from neuroalign.export.live.traces import membranes
    from neuroalign.export.live.weights import weights

    drawn = {
        "outputs": outputs(deployment),
        "errors": errors(deployment),
        "rasters": rasters(deployment),
        "membranes": membranes(deployment),
        "weights": weights(deployment),
    }
    if deployment.placed:
        placement = deployment.placed.placement
        drawn |= {"cores": cores(placement), "traffic": traffic(placement)}
    return embed({key: figure for key, figure in (drawn | learnt(deployment)).items() if figure is not None})
