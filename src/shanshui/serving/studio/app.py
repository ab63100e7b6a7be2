"""The page as an ASGI application, which starts and stops the service behind it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from shanshui.serving.jobs.service import Service
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.page import CSS, THEME, page_of
from shanshui.serving.studio.school import School
from shanshui.serving.studio.tabs.training import REPORT
from shanshui.serving.studio.words import WORDS

_HOSTS = ["localhost", "127.0.0.1"]


def create_studio(service: Service, folder: Path, recipes: Mapping[str, Sequence[str]]) -> FastAPI:
    """The page over `service`, whose pictures lie in `folder`; it answers to names of this machine only.

    Args:
        service: does the jobs.
        folder: of the service.
        recipes: names of those that each subject of training has.
    """

    school = School(folder, recipes)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await school.close()
        await service.stop(0)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)

    @app.get(REPORT)
    def report() -> FileResponse:
        """The page of the training that was started last."""
        if school.report is None:
            raise HTTPException(404, "There is no training yet.")
        return FileResponse(school.report, headers={"Cache-Control": "no-store"})

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page_of(Desk(service), school),
        path="/",
        server_name="127.0.0.1",
        allowed_paths=[str(folder.absolute() / "jobs")],
        max_file_size=service.limits.bytes,
        footer_links=[],
        ssr_mode=False,
        enable_monitoring=False,
        i18n=WORDS,
        theme=THEME,
        css=CSS,
    )
    return mounted
