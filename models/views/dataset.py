"""What the API says about a dataset."""

from pydantic import computed_field

from models.lifecycle import DatasetState
from models.profile import DatasetProfile
from models.specs.data import Cell
from models.views.base import Problem, Time, View


class DatasetView(View):
    """A dataset as it stands."""

    id: str
    name: str
    source: str
    sha256: str
    bytes: int
    state: DatasetState
    profile: DatasetProfile | None
    """What was found in it; None until it is ready."""
    error: Problem | None
    created_at: Time
    finished_at: Time | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def links(self) -> dict[str, str]:
        """Where to go from here."""
        return {"self": f"/datasets/{self.id}", "rows": f"/datasets/{self.id}/rows"}


class RowsView(View):
    """The first rows of a dataset, as they will be read."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | list[object], ...], ...]
    total: int
