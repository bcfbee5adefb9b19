"""The built-in datasets as they are known before any was read.

So a spec on `builtin:digits` is checked at POST, on a service that has never ingested it. A test
holds the bundled ones against what ingest finds; those of keras.datasets are stated from their
publishers' descriptions until ingest has read them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from models.profile import ArrayProfile, Column, DatasetProfile, TableProfile, ValueCount

PREFIX = "builtin:"


def _number(
    name: str,
    distinct: int,
    span: tuple[float, float],
    centre: tuple[float, float],
    *,
    integral: bool = False,
    top: Mapping[str, int] | None = None,
) -> Column:
    """Numbers without a gap; `span` is minimum and maximum, `centre` mean and deviation."""
    return Column(
        name=name,
        type="number",
        missing=0,
        distinct=distinct,
        integral=integral,
        minimum=span[0],
        maximum=span[1],
        mean=centre[0],
        standard_deviation=centre[1],
        top=_counts(top or {}),
    )


def _counts(rows: Mapping[str, int]) -> tuple[ValueCount, ...]:
    return tuple(ValueCount(value=value, rows=count) for value, count in rows.items())


def _labels(rows: Mapping[str, int]) -> Column:
    """A text target, its most frequent class first."""
    return Column(name="target", type="text", missing=0, distinct=len(rows), top=_counts(rows))


def _table(columns: tuple[Column, ...], target: Column, rows: int) -> TableProfile:
    return TableProfile(rows=rows, columns=(*columns, target), target=target.name)


def _images(
    shape: tuple[int, ...], rows: tuple[int, ...], *, y_standard_deviation: float
) -> ArrayProfile:
    """Bytes from 0 to 255 with labels 0 to 9, `rows` of each, and 10,000 test rows."""
    return ArrayProfile(
        rows=sum(rows),
        x_shape=shape,
        x_dtype="uint8",
        y_shape=(),
        y_dtype="uint8",
        y_integral=True,
        classes=_digit_classes(rows),
        minimum=0,
        maximum=255,
        y_minimum=0,
        y_maximum=9,
        y_standard_deviation=y_standard_deviation,
        test_rows=10_000,
    )


def _digit_classes(rows: tuple[int, ...]) -> tuple[ValueCount, ...]:
    return _counts({str(digit): count for digit, count in enumerate(rows)})


_IRIS = (
    _number("sepal length (cm)", 35, (4.3, 7.9), (5.84333, 0.825301)),
    _number("sepal width (cm)", 23, (2, 4.4), (3.05733, 0.434411)),
    _number("petal length (cm)", 43, (1, 6.9), (3.758, 1.7594)),
    _number("petal width (cm)", 22, (0.1, 2.5), (1.19933, 0.759693)),
)

_WINE = (
    _number("alcohol", 126, (11.03, 14.83), (13.0006, 0.809543)),
    _number("malic_acid", 133, (0.74, 5.8), (2.33635, 1.114)),
    _number("ash", 79, (1.36, 3.23), (2.36652, 0.273572)),
    _number("alcalinity_of_ash", 63, (10.6, 30), (19.4949, 3.33017)),
    _number("magnesium", 53, (70, 162), (99.7416, 14.2423), integral=True),
    _number("total_phenols", 97, (0.98, 3.88), (2.29511, 0.624091)),
    _number("flavanoids", 132, (0.34, 5.08), (2.02927, 0.996049)),
    _number("nonflavanoid_phenols", 39, (0.13, 0.66), (0.361854, 0.124103)),
    _number("proanthocyanins", 101, (0.41, 3.58), (1.5909, 0.570749)),
    _number("color_intensity", 132, (1.28, 13), (5.05809, 2.31176)),
    _number("hue", 78, (0.48, 1.71), (0.957449, 0.227929)),
    _number("od280/od315_of_diluted_wines", 122, (1.27, 4), (2.61169, 0.707993)),
    _number("proline", 121, (278, 1680), (746.893, 314.022), integral=True),
)

_BREAST_CANCER = (
    _number("mean radius", 456, (6.981, 28.11), (14.1273, 3.52095)),
    _number("mean texture", 479, (9.71, 39.28), (19.2896, 4.29725)),
    _number("mean perimeter", 522, (43.79, 188.5), (91.969, 24.2776)),
    _number("mean area", 539, (143.5, 2501), (654.889, 351.605)),
    _number("mean smoothness", 474, (0.05263, 0.1634), (0.0963603, 0.0140518)),
    _number("mean compactness", 537, (0.01938, 0.3454), (0.104341, 0.0527663)),
    _number("mean concavity", 537, (0, 0.4268), (0.0887993, 0.0796497)),
    _number("mean concave points", 542, (0, 0.2012), (0.0489191, 0.0387687)),
    _number("mean symmetry", 432, (0.106, 0.304), (0.181162, 0.0273902)),
    _number("mean fractal dimension", 499, (0.04996, 0.09744), (0.0627976, 0.00705416)),
    _number("radius error", 540, (0.1115, 2.873), (0.405172, 0.277069)),
    _number("texture error", 519, (0.3602, 4.885), (1.21685, 0.551163)),
    _number("perimeter error", 533, (0.757, 21.98), (2.86606, 2.02008)),
    _number("area error", 528, (6.802, 542.2), (40.3371, 45.451)),
    _number("smoothness error", 547, (0.001713, 0.03113), (0.00704098, 0.00299988)),
    _number("compactness error", 541, (0.002252, 0.1354), (0.0254781, 0.0178924)),
    _number("concavity error", 533, (0, 0.396), (0.0318937, 0.0301595)),
    _number("concave points error", 507, (0, 0.05279), (0.0117961, 0.00616486)),
    _number("symmetry error", 498, (0.007882, 0.07895), (0.0205423, 0.0082591)),
    _number("fractal dimension error", 545, (0.0008948, 0.02984), (0.0037949, 0.00264374)),
    _number("worst radius", 457, (7.93, 36.04), (16.2692, 4.82899)),
    _number("worst texture", 511, (12.02, 49.54), (25.6772, 6.14085)),
    _number("worst perimeter", 514, (50.41, 251.2), (107.261, 33.573)),
    _number("worst area", 544, (185.2, 4254), (880.583, 568.856)),
    _number("worst smoothness", 411, (0.07117, 0.2226), (0.132369, 0.0228124)),
    _number("worst compactness", 529, (0.02729, 1.058), (0.254265, 0.157198)),
    _number("worst concavity", 539, (0, 1.252), (0.272188, 0.208441)),
    _number("worst concave points", 492, (0, 0.291), (0.114606, 0.0656746)),
    _number("worst symmetry", 500, (0.1565, 0.6638), (0.290076, 0.0618131)),
    _number("worst fractal dimension", 535, (0.05504, 0.2075), (0.0839458, 0.0180454)),
)

_DIABETES = (
    _number("age", 58, (19, 79), (48.5181, 13.0942), integral=True),
    _number("sex", 2, (1, 2), (1.46833, 0.498996), integral=True, top={"1": 235, "2": 207}),
    _number("bmi", 163, (18, 42.2), (26.3758, 4.41312)),
    _number("bp", 100, (62, 133), (94.647, 13.8156)),
    _number("s1", 141, (97, 301), (189.14, 34.5689), integral=True),
    _number("s2", 302, (41.6, 242.4), (115.439, 30.3787)),
    _number("s3", 63, (22, 99), (49.7885, 12.9196)),
    _number("s4", 66, (2, 9.09), (4.07025, 1.28899)),
    _number("s5", 184, (3.2581, 6.107), (4.64141, 0.521799)),
    _number("s6", 56, (58, 124), (91.2602, 11.4833), integral=True),
)

# In the order of the file, which is not the order in Keras's documentation (keras issue 21886).
_CALIFORNIA_HOUSING = (
    _number("longitude", 844, (-124.35, -114.31), (-119.57, 2.00348)),
    _number("latitude", 862, (32.54, 41.95), (35.6319, 2.1359)),
    _number("housing_median_age", 52, (1, 52), (28.6395, 12.5853), integral=True),
    _number("total_rooms", 5926, (2, 39320), (2635.76, 2181.56), integral=True),
    _number("total_bedrooms", 1923, (1, 6445), (537.871, 421.375), integral=True),
    _number("population", 3888, (3, 35682), (1425.48, 1132.43), integral=True),
    _number("households", 1815, (1, 6082), (499.54, 382.32), integral=True),
    _number("median_income", 12928, (0.4999, 15.0001), (3.87067, 1.89978)),
)

_DIGITS = ArrayProfile(
    rows=1797,
    x_shape=(8, 8),
    x_dtype="float32",
    y_shape=(),
    y_dtype="int64",
    y_integral=True,
    classes=_digit_classes((178, 182, 177, 183, 181, 182, 181, 179, 174, 180)),
    minimum=0,
    maximum=16,
    y_minimum=0,
    y_maximum=9,
    y_standard_deviation=2.86451,
)

_MNIST_ROWS = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)

BUNDLED: Mapping[str, DatasetProfile] = MappingProxyType(
    {
        "digits": _DIGITS,
        "iris": _table(_IRIS, _labels({"setosa": 50, "versicolor": 50, "virginica": 50}), 150),
        "wine": _table(_WINE, _labels({"class_1": 71, "class_0": 59, "class_2": 48}), 178),
        "breast_cancer": _table(_BREAST_CANCER, _labels({"benign": 357, "malignant": 212}), 569),
        "diabetes": _table(
            _DIABETES, _number("target", 214, (25, 346), (152.133, 77.0057), integral=True), 442
        ),
    }
)
"""They come with scikit-learn, so they need no network."""

DOWNLOADED: Mapping[str, DatasetProfile] = MappingProxyType(
    {
        "mnist": _images((28, 28), _MNIST_ROWS, y_standard_deviation=2.88925),
        "fashion_mnist": _images((28, 28), (6000,) * 10, y_standard_deviation=2.87228),
        "cifar10": _images((32, 32, 3), (5000,) * 10, y_standard_deviation=2.87228),
        "california_housing": _table(
            _CALIFORNIA_HOUSING,
            _number("median_house_value", 3842, (14999, 500001), (206856, 115393), integral=True),
            20640,
        ),
    }
)
"""They come through keras.datasets, so their first use needs a network."""

CATALOGUE: Mapping[str, DatasetProfile] = MappingProxyType({**BUNDLED, **DOWNLOADED})
