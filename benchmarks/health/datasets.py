"""The two lists of datasets: rules are changed by one, and their figures are those of the other.

What is on the second was chosen for being like the tables of industry and science, and unlike what
is on the first: which digit a broken display shows, how a day feels, how strong concrete is, how
much flows through a borehole or out of a solar panel, and one by which papers compare methods.
Three tell two to ten classes, three predict numbers, by five columns to twenty, mostly in units of
their own. Three are nearly straight, three curved. All are drawn, by models that somebody
published, since the locked wheels carry no other table that has rows enough and that no test trains
on. Enough is 400, and at most 900: with some fifty validation rows two or three of them decide. No
column nearly repeats others throughout: on such a table, spectra, clean settings diverged by
themselves.

That each can be learned at all was seen by a forest and a straight line; nobody trains a network on
one, or looks at a finding there, before the run that is written down.
"""

from collections.abc import Callable, Mapping

from benchmarks.health.reporting import classes, quantities
from benchmarks.health.rows import Rows
from benchmarks.health.tuning import (
    bundled,
    classified,
    drawn,
    measured,
    photographs,
    predicted,
    published,
)

Draw = Callable[[], Rows]

# Everybody may look at every trial of these. Four lists were reported on once, by the rules of
# their day, and have been looked at since: from wine on, from photos on, from processors on, from
# hearts on.
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
    "processors": measured.processors,
    "penguins": measured.penguins,
    "glass": measured.glass,
    "chess": measured.chess,
    "vowels": published.vowels,
    "waveforms": published.waveforms,
    "arm": published.arm,
    "earnings": published.earnings,
    "hearts": classified.hearts,
    "machines": classified.machines,
    "stars": classified.stars,
    "threenorm": classified.threenorm,
    "topics": classified.topics,
    "homes": predicted.homes,
    "piston": predicted.piston,
    "rentals": predicted.rentals,
    "spectra": predicted.spectra,
}

REPORTING: Mapping[str, Draw] = {
    "ringnorm": classes.ringnorm,
    "segments": classes.segments,
    "weather": classes.weather,
    "concrete": quantities.concrete,
    "borehole": quantities.borehole,
    "panels": quantities.panels,
}

LISTS: Mapping[str, Mapping[str, Draw]] = {"tuning": TUNING, "reporting": REPORTING}
