"""When a number is a label: the one rule that ingest and the reading of a spec share."""

from models.profile import MAX_CLASSES

# A target of up to this many whole numbers may be a class; school grades, digits and wine scores
# have fewer, ages and counts have more.
FEW_VALUES = 20
# A class needs rows to be learned from: 5 % of the rows a value, at most.
ROWS_A_VALUE = 20


def can_be_label(distinct: int, rows: int) -> bool:
    """Whether whole numbers may be classes if the spec says so; then their counts are listed."""
    return distinct <= FEW_VALUES or distinct <= min(MAX_CLASSES, rows // ROWS_A_VALUE)


def is_label(distinct: int, rows: int) -> bool:
    """Whether whole numbers are taken for classes when the spec does not say.

    Two values are always classes (0/1 answers). Up to 20 values are when each has 20 rows on
    average; a number that is hardly ever the same twice is a quantity.
    """
    return distinct <= 2 or (distinct <= FEW_VALUES and distinct <= rows // ROWS_A_VALUE)  # noqa: PLR2004
