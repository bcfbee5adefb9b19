"""`epochd api`: makes the parts of the HTTP service, puts them together and answers requests."""

import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app, release_waiting
from api.limits import ApiLimits
from epochd.embedded.listening import listen
from epochd.ending import end_on_signals
from epochd.log import log_to_stderr
from epochd.settings import Settings
from epochd.timing import timing
from store.database import Database
from store.doorbell import Doorbell
from store.remote_artifacts import open_artifacts
from worker.sweep import Sweeper

# What an upload that is under way may take to finish when the service is asked to end.
OPEN_REQUESTS_SECONDS = 5


class _Server(uvicorn.Server):
    """Answers long polls at once when it is asked to end, instead of waiting them out."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=OPEN_REQUESTS_SECONDS,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        release_waiting(self._app)
        super().handle_exit(sig, frame)


def serve_http(settings: Settings, *, descriptor: int | None) -> None:
    """Answer requests until SIGTERM or Ctrl-C.

    Args:
        settings: of the service.
        descriptor: a listening socket to take over; None opens one at host and port.

    Raises:
        PortTaken: the port is not free.
        BadSettings: no broker was named.
    """
    end_on_signals()
    log_to_stderr(settings.log_level)
    database = Database(settings.database)
    doorbell = Doorbell(settings.broker)
    app = create_app(
        database=database,
        doorbell=doorbell,
        artifacts=open_artifacts(settings.artifacts, settings.cache),
        limits=ApiLimits(
            max_body_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes
        ),
        background=[Sweeper(database=database, doorbell=doorbell, timing=timing(settings))],
    )
    with (
        listen(settings.host, settings.port)
        if descriptor is None
        else socket.socket(fileno=descriptor)
    ) as listener:
        try:
            _Server(app).run(sockets=[listener])
        except KeyboardInterrupt:  # how uvicorn passes on the signal that it has obeyed
            pass
        finally:
            database.dispose()
            doorbell.close()
