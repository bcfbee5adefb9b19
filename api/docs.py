"""The documentation pages, served from an installed package so that they work without a network."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

_ASSETS = "/docs/assets"

router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Add /docs and the files that it needs."""
    # The package's own patch_fastapi puts absolute addresses into the page, which are wrong behind
    # a proxy, and reads its 2 MB anew for each visit; its files are what we want of it.
    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]))
    app.include_router(router)


@router.get("/")
def home() -> RedirectResponse:
    """A person who opens the service in a browser wants to read."""
    return RedirectResponse("docs")


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Swagger UI over the service's OpenAPI document."""
    root = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title="epochd",
        swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{_ASSETS}/favicon-32x32.png",
        # Without a validator address Swagger UI would ask a server on the internet.
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True, "deepLinking": True},
    )
