"""The two lists of datasets: rules are changed by one, and their figures are those of the other."""

from collections.abc import Callable, Mapping

from benchmarks.health.reporting import REPORTING
from benchmarks.health.rows import Rows
from benchmarks.health.tuning import TUNING

Draw = Callable[[], Rows]

LISTS: Mapping[str, Mapping[str, Draw]] = {"tuning": TUNING, "reporting": REPORTING}
