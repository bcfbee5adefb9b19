"""The two lists of datasets: rules are changed by one, and their figures are those of the other.

What is on the second was chosen for being like what people bring, and unlike what is on the first:
who falls ill, why a machine fails, what a star is, what a text is about, what a home costs, how
many bicycles are rented, how fat meat is, and two by which papers compare methods. Five tell two to
seven classes, four predict numbers, by five columns to forty, mostly in units of their own or marks
of 0 and 1; some are nearly straight, some curved; of some a few percent is chance, of some nearly
half. All are drawn, by models that somebody published, and mostly by their numbers: the locked
wheels carry no other table that has rows enough and that no test trains on. Enough is 300, and at
most 900: with some fifty validation rows two or three of them decide. Most findings that an earlier
run counted as wrong were of trainings that were better without the fault, but not by two standard
errors.

That each can be learned at all was seen by a forest and a straight line; nobody trains a network on
one, or looks at a finding there, before the run that is written down.
"""

from collections.abc import Callable, Mapping

from benchmarks.health.reporting import classes, quantities
from benchmarks.health.rows import Rows
from benchmarks.health.tuning import bundled, drawn, measured, photographs, published

Draw = Callable[[], Rows]

# Everybody may look at every trial of these. Three lists were reported on once, by the rules of
# their day, and have been looked at since: from wine on, from photos on, from processors on.
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
}

REPORTING: Mapping[str, Draw] = {
    "hearts": classes.hearts,
    "machines": classes.machines,
    "stars": classes.stars,
    "threenorm": classes.threenorm,
    "topics": classes.topics,
    "homes": quantities.homes,
    "piston": quantities.piston,
    "rentals": quantities.rentals,
    "spectra": quantities.spectra,
}

LISTS: Mapping[str, Mapping[str, Draw]] = {"tuning": TUNING, "reporting": REPORTING}
