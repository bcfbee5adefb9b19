"""Whether every part that the service needs is there."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from api.late import Late
from models.errors import EpochdError, Unavailable
from models.views.service import Check, Readiness
from store.database import Database
from store.doorbell import Doorbell

if TYPE_CHECKING:
    from store import schema
else:
    schema = Late("store.schema")


def readiness(database: Database, doorbell: Doorbell) -> Readiness:
    """Look at the database, the broker and the schema, each by itself."""

    def migrated() -> None:
        if not schema.at_head(database):
            raise Unavailable("The tables are not those of this version; run `epochd migrate`.")

    checks = {
        "database": _check(database.ping),
        "broker": _check(doorbell.ping),
        "migrations": _check(migrated),
    }
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


def _check(ask: Callable[[], None]) -> Check:
    try:
        ask()
    except EpochdError as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True, detail="ok")
