"""Three learning rates as one would write it with Keras alone: a loop around `fit`."""

import time

from network import fitting, network, stopping
from task import answer, asked

IMPORTED = time.monotonic()


def main() -> None:
    """Train with each rate; the lowest val_loss wins."""
    task = asked()
    x, y = task.rows()
    losses, epochs = {}, {}
    for rate in task.rates:
        history = network(task, rate).fit(x, y, callbacks=[stopping(task)], **fitting(task))
        losses[rate] = min(history.history["val_loss"])
        epochs[rate] = len(history.epoch)
    answer(imported=IMPORTED, best=min(losses, key=losses.__getitem__), epochs=epochs)


main()
