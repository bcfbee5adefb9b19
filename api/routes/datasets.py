"""Datasets: uploaded, listed, looked at, deleted."""

from math import prod
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from api import problems, uploads
from api.addresses import DatasetId
from api.identity import Owner
from api.late import Late
from api.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit
from api.parts import Service
from api.waiting import Seen, Wait, enough
from models import errors
from models.lifecycle import DatasetState
from models.profile import ArrayProfile, DatasetProfile
from models.views.base import Page
from models.views.dataset import DatasetView, RowsView
from store import datasets

if TYPE_CHECKING:
    from store.formats import folder
else:
    folder = Late("store.formats.folder")

router = APIRouter(prefix="/datasets", tags=["datasets"])

DEFAULT_ROWS = 10
# About 20 MB of JSON: rows of large images are many numbers each.
MAX_VALUES = 1_000_000


@router.post(
    "",
    status_code=202,
    summary="Upload a dataset",
    response_description="Accepted; a worker reads it. `Location` leads to it.",
    responses={
        200: {"model": DatasetView, "description": "You have this very content already."},
        **problems.documented(
            errors.TooLarge, errors.UnknownFormat, errors.Unreadable, errors.StorageFull
        ),
    },
)
def upload(
    service: Service,
    owner: Owner,
    response: Response,
    file: Annotated[UploadFile, File(description="CSV, TSV or NPZ.")],
    name: Annotated[
        str | None,
        Form(
            min_length=1,
            max_length=uploads.MAX_NAME,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="The file's name when left out.",
        ),
    ] = None,
) -> DatasetView:
    """Tables as text (CSV, TSV, any separator) or NumPy archives (NPZ with `x` and `y`).

    The dataset is `processing` until a worker has read it; then it is `ready` and has a profile, or
    it is `failed` and says why and where. A small table is read at once, so that a mistake in it
    is a 422 here. The same content uploaded again is the same dataset.
    """
    view, is_new = uploads.upload(
        service, owner=owner, name=name, filename=file.filename, file=file.file
    )
    response.headers["Location"] = f"/datasets/{view.id}"
    response.status_code = 202 if is_new else 200
    return view


@router.get("", summary="List datasets", responses=problems.documented(errors.Invalid))
def list_datasets(
    service: Service, owner: Owner, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[DatasetView]:
    """The newest first, and the built-in ones that were used."""
    with service.database.snapshot() as tx:
        return datasets.page(tx, owner=owner, cursor=cursor, limit=limit)


@router.get("/{dataset_id}", summary="A dataset", responses=problems.documented(errors.NotFound))
async def show(
    service: Service, owner: Owner, dataset_id: DatasetId, wait: Wait = 0
) -> DatasetView:
    """Its state and, when it is ready, its profile. With `wait` it is answered once it is read."""

    def read() -> Seen[DatasetView]:
        with service.database.snapshot() as tx:
            view = datasets.get(tx, owner=owner, dataset_id=dataset_id)
        return Seen(view, view.state, view.state is not DatasetState.PROCESSING)

    return await enough(service.datasets, dataset_id, read, wait)


@router.get(
    "/{dataset_id}/rows",
    summary="The first rows",
    responses=problems.documented(errors.NotFound, errors.DatasetProcessing, errors.DatasetFailed),
)
def show_rows(
    service: Service,
    owner: Owner,
    dataset_id: DatasetId,
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="Fewer come when a row holds many numbers.")
    ] = DEFAULT_ROWS,
) -> RowsView:
    """As they were read: cells of a table, or x and y of arrays."""
    with service.database.snapshot() as tx:
        key = datasets.folder_of(tx, owner=owner, dataset_id=dataset_id)
    path = service.artifacts.local(key)
    profile = folder.read_profile(path)
    first = folder.first_rows(path, min(limit, _most_rows(profile)))
    return RowsView(columns=first.columns, rows=first.rows, total=profile.rows)


@router.delete(
    "/{dataset_id}",
    status_code=204,
    summary="Delete a dataset",
    responses=problems.documented(errors.NotFound, errors.IllegalMove, errors.DatasetInUse),
)
def delete(service: Service, owner: Owner, dataset_id: DatasetId) -> None:
    """Only while no experiment that is not over needs it. Experiments that are over keep theirs."""
    with service.database.transaction() as tx:
        keys = datasets.delete(tx, owner=owner, dataset_id=dataset_id)
    for key in keys:
        service.artifacts.delete(key)


def _most_rows(profile: DatasetProfile) -> int:
    width = prod(profile.x_shape) if isinstance(profile, ArrayProfile) else len(profile.columns)
    return max(1, MAX_VALUES // width)
