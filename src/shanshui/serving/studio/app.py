"""The page as an ASGI application, which starts and stops the service behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from shanshui.serving.jobs.service import Service
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.page import CSS, THEME, WORDS, page_of

_HOSTS = ["localhost", "127.0.0.1"]


def create_studio(service: Service, folder: Path) -> FastAPI:
    """The page over `service`, whose pictures lie in `folder`; it answers to names of this machine only."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop(0)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page_of(Desk(service)),
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
