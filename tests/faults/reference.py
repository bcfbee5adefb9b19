"""What an undisturbed training came to: its epochs, its health, its weights to the last bit."""

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import h5py

from tests.faults.client import Client, SeenEpoch
from tests.faults.plan import Order

WEIGHTS = "model.weights.h5"


@dataclass(frozen=True, slots=True)
class Reference:
    """One network trained once with one seed."""

    epochs: Sequence[SeenEpoch]
    weights: str
    health: str | None
    """Measurements, findings and checks; None compares none."""


References = Mapping[tuple[str, int], Reference]
"""By recipe and seed."""


class NotTrained(Exception):
    """A reference did not come to its end, so there is nothing to compare with."""


def weights_hash(keras_file: bytes) -> str:
    """One hash over the names, shapes, types and bits of all arrays of a network's file.

    Not of the file: it also holds times and the order in which it was packed.
    """
    digest = hashlib.sha256()
    with (
        zipfile.ZipFile(io.BytesIO(keras_file)) as archive,
        h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as weights,
    ):
        names: list[str] = []
        weights.visit(names.append)
        for name in sorted(names):
            if isinstance(weights[name], h5py.Dataset):
                array = weights[name][()]
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(array.tobytes())
    return digest.hexdigest()


def train(client: Client, orders: Sequence[Order]) -> References:
    """Train every order to its end, with nothing in the way.

    Raises:
        NotTrained: one did not succeed.
    """
    accepted = [client.submit(order) for order in orders]
    found: dict[tuple[str, int], Reference] = {}
    for experiment in accepted:
        if experiment is None:
            raise NotTrained("an order was not accepted")
        client.follow(experiment)
        for trial in experiment.trials:
            network = client.download(experiment.id, trial.number)
            health = client.health(experiment.id, trial.number)
            if network is None or health is None:
                raise NotTrained(f"{experiment.order.key}, trial {trial.number}")
            key = (experiment.order.recipe, experiment.order.seed + trial.number - 1)
            found[key] = Reference(tuple(trial.epochs), weights_hash(network), health)
    return found
