"""The two lists of datasets: rules are changed by one, and their figures are those of the other."""

from collections.abc import Callable, Mapping

from benchmarks.health.reporting import measured
from benchmarks.health.rows import Rows
from benchmarks.health.tuning import bundled, drawn, photographs

Draw = Callable[[], Rows]

# Everybody may look at every trial of these. From wine on they were reported on once, when rules
# were younger, and have been looked at since.
TUNING: Mapping[str, Draw] = {
    "iris": bundled.iris,
    "breast_cancer": bundled.breast_cancer,
    "rings": drawn.rings,
    "prices": drawn.prices,
    "wine": bundled.wine,
    "digits": bundled.digits,
    "diabetes": bundled.diabetes,
    "blobs": drawn.blobs,
    "friedman": drawn.friedman,
    "photos": photographs.photos,
    "blue": photographs.blue,
    "proline": bundled.proline,
    "hastie": drawn.hastie,
    "impedance": drawn.impedance,
    "moons": drawn.moons,
    "corners": drawn.corners,
}

# Nobody trains on these before the run that is written down.
REPORTING: Mapping[str, Draw] = {
    "processors": measured.processors,
    "penguins": measured.penguins,
    "glass": measured.glass,
    "chess": measured.chess,
}

LISTS: Mapping[str, Mapping[str, Draw]] = {"tuning": TUNING, "reporting": REPORTING}
