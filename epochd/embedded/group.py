"""The processes of the embedded service as one: a thread keeps them running until `stop`."""

import threading

from epochd.embedded.child import Child

# How soon a death is noticed.
WATCH_SECONDS = 0.2


class Group:
    """Children that live and end together.

    They are ended in tiers: those of one tier at the same time, the next when they are gone.
    """

    def __init__(self) -> None:
        self._tiers: list[list[Child]] = []
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="group", daemon=True)
        self._lock = threading.Lock()

    def start(self, *tier: Child) -> None:
        """Start these children, which end before all that were started earlier."""
        with self._lock:
            self._tiers.append([])
            for child in tier:
                child.start()
                self._tiers[-1].append(child)
        if not self._watcher.is_alive():
            self._watcher.start()

    def stop(self) -> None:
        """End all, the last tier first, and return when the last is gone."""
        self._stop_watching()
        while self._tiers:
            tier = self._tiers[-1]
            for child in tier:
                child.ask_to_end()
            for child in tier:
                child.wait_or_kill()
            self._tiers.pop()

    def kill(self) -> None:
        """End all at once, without asking."""
        self._stop_watching()
        for tier in self._tiers:
            for child in tier:
                child.kill()
        self._tiers.clear()

    def _stop_watching(self) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            with self._lock:
                for tier in self._tiers:
                    for child in tier:
                        child.tend()
