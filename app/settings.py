"""All settings of the server, in one frozen object read from `STATEWISE_*` variables.

Flags of `statewise serve` override them. Options of the engine itself are not repeated here: what
stands after `--` on the command line goes to vLLM's own parser.
"""

from __future__ import annotations

import os
import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ADAPTER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+")
_SERVER: Final = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?")


def _state_dir() -> Path:
    """`$XDG_STATE_HOME/statewise`, or a private folder in the temporary one without a home."""
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "statewise"
    home = Path.home()
    if os.access(home, os.W_OK):
        return home / ".local" / "state" / "statewise"
    return Path(tempfile.gettempdir()) / f"statewise-{os.getuid()}"


def _starter() -> str:
    """The checkpoint that is shipped: beside the packages in a checkout, inside one in a wheel."""
    root = Path(__file__).resolve().parent.parent
    checkout = root / "checkpoints" / "starter"
    return str(checkout if checkout.is_dir() else root / "statewise" / "starter")


class Settings(BaseSettings):
    """Settings of one server process."""

    model_config = SettingsConfigDict(
        env_prefix="STATEWISE_",
        # `STATEWISE_HOST=` in an env file means "not set"; taken as "" it would be every address.
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )

    host: Annotated[str, Field(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port; 0 takes a free one.")] = 8000
    engine: Annotated[
        Literal["vllm", "remote", "scripted"],
        Field(
            description="`vllm`, `remote`: vLLM servers elsewhere, or `scripted`: replays recorded "
            "traces, for client developers."
        ),
    ] = "vllm"
    model: Annotated[
        str, Field(description="Checkpoint folder or hub id; default: the starter that is shipped.")
    ] = Field(default_factory=_starter)
    model_name: Annotated[
        str | None, Field(description="Name clients use; default: the folder's or the hub id.")
    ] = None
    profile: Annotated[
        Literal["auto", "trained", "prompted", "plain"],
        Field(
            description="How the model is asked: as it was `trained`; `prompted` with instructions "
            "and a grammar of states; `plain` as any model. `auto`: as trained if it has a card, "
            "else prompted."
        ),
    ] = "auto"
    adapters: Annotated[
        dict[str, Path],
        NoDecode,
        Field(description="LoRA adapters on the model, by commas, like `algebra=FOLDER`."),
    ] = {}
    adapters_dir: Annotated[
        Path | None,
        Field(
            description="The folder from which `POST /v1/adapters` may load adapters; without it "
            "nobody may."
        ),
    ] = None
    max_in_flight: Annotated[
        int, Field(ge=1, description="Solutions at a time; more wait in the queue.")
    ] = 512
    max_queued: Annotated[
        int, Field(ge=0, description="Requests that may wait; more are refused with 503.")
    ] = 256
    queue_timeout_s: Annotated[
        float, Field(gt=0, description="Longest wait in the queue, in seconds; then 503.")
    ] = 30.0
    keys_file: Annotated[
        Path | None,
        Field(description="API keys, as `statewise keys` writes them; without it none is needed."),
    ] = None
    metrics_need_key: Annotated[
        bool, Field(description="Whether `/metrics` and `/version` need an API key too.")
    ] = False
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Web origins whose pages may call the API, by commas; `*` is every one."),
    ] = ()
    page: Annotated[bool, Field(description="Whether the web page is served, at `/`.")] = True
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body.")] = 2_000_000
    default_max_tokens: Annotated[
        int, Field(ge=1, description="Generated tokens of a request that names no limit.")
    ] = 2048
    default_timeout_s: Annotated[
        float, Field(gt=0, description="Deadline of a request that names none, in seconds.")
    ] = 600.0
    chat_text_tokens: Annotated[
        int, Field(ge=1, description="Generated tokens for a chat that asks no maths problem.")
    ] = 64
    chat_context: Annotated[
        bool | None,
        Field(
            description="Whether a chat's earlier turns stand before the problem; default: unless "
            "the checkpoint has a card, which means that it was trained on single problems."
        ),
    ] = None
    heartbeat_s: Annotated[
        float, Field(gt=0, description="Silence after which a stream sends a comment, in seconds.")
    ] = 15.0
    shutdown_grace_s: Annotated[
        float, Field(ge=0, description="How long running streams may finish after SIGTERM.")
    ] = 10.0
    warm_up: Annotated[
        bool,
        Field(
            description="Whether everything that is slow when first used is used once before the "
            "server is ready."
        ),
    ] = True
    ops_port: Annotated[
        int | None,
        Field(
            ge=0,
            le=65535,
            description="A port for probes and metrics alone, answered also while the event loop "
            "is busy; without it they are on `port` only.",
        ),
    ] = None
    loop_stall_s: Annotated[
        float,
        Field(
            gt=0,
            description="How long the event loop may stand still before `/livez` on `ops_port` "
            "says 503, in seconds.",
        ),
    ] = 60.0
    canary_after_s: Annotated[
        float,
        Field(
            gt=0,
            description="Silence of the engine, while it has requests, after which it is asked "
            "for one token, in seconds.",
        ),
    ] = 30.0
    canary_limit_s: Annotated[
        float,
        Field(
            gt=0,
            description="How long that may take before the engine is taken for dead, in seconds.",
        ),
    ] = 60.0
    engine_restarts: Annotated[
        int,
        Field(
            ge=0,
            description="How often within 10 minutes an engine that has died is started again in "
            "this process; then, or with 0, the process ends and its supervisor starts another.",
        ),
    ] = 0
    stream_interval: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Most tokens gathered before they are sent: those of 0.25 s, and where "
            "these are fewer than 8, up to 8 within 1 s.",
        ),
    ] = 32
    upstream: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Remote engine: its vLLM servers, by commas, like `http://gpu-1:8000`."),
    ] = ()
    upstream_key: Annotated[
        SecretStr | None, Field(description="Remote engine: the API key of its servers.")
    ] = None
    upstream_silence_s: Annotated[
        float,
        Field(
            gt=0,
            description="Remote engine: silence after which a server's answer is given up, in "
            "seconds; a full server is silent, too, unless it has `--sse-keep-alive-interval`.",
        ),
    ] = 120.0
    upstream_width: Annotated[
        int,
        Field(
            ge=1,
            description="Remote engine: requests that one server works on at a time, its "
            "`--max-num-seqs`; batches take their share of it.",
        ),
    ] = 128
    cpu_kv_cache_gib: Annotated[
        int, Field(ge=1, description="Memory for the key-value cache on a CPU, in GiB.")
    ] = 1
    cpu_max_num_seqs: Annotated[
        int, Field(ge=1, description="Sequences the engine runs at a time on a CPU.")
    ] = 128
    database_url: Annotated[
        str | None,
        Field(
            description="Where solutions are kept: `sqlite:///FILE` or "
            "`postgresql://USER:PASSWORD@HOST/NAME`; default: a file in the state folder."
        ),
    ] = None
    files_url: Annotated[
        str | None,
        Field(
            description="Where files are kept: a folder or an fsspec URL like `s3://BUCKET/PATH`; "
            "default: a folder in the state folder."
        ),
    ] = None
    max_file_bytes: Annotated[
        int, Field(ge=1024, description="Largest file that can be uploaded.")
    ] = 200_000_000
    batch_slots: Annotated[
        int | None,
        Field(
            ge=1,
            description="Lines of batches at a time; default: as many as the engine works on at a "
            "time, but for the reserved share.",
        ),
    ] = None
    batch_reserved_share: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Share of the engine that batches leave free for requests that somebody "
            "waits for.",
        ),
    ] = 0.25
    retention_s: Annotated[
        float, Field(gt=0, description="How long solutions are kept, in seconds.")
    ] = 30 * 86_400.0
    lease_s: Annotated[
        float,
        Field(
            ge=1,
            le=600,
            description="Silence after which a server that shares the store is taken for dead, "
            "in seconds.",
        ),
    ] = 15.0
    reward_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s?#]+$",
            description="A vLLM server with a process reward model, for `beam.reward`.",
        ),
    ] = None
    reward_model: Annotated[
        str | None, Field(description="Its name there; default: the one that is served.")
    ] = None
    reward_key: Annotated[SecretStr | None, Field(description="The API key it asks for.")] = None
    reward_tag: Annotated[
        str, Field(min_length=1, description="The token that ends a step, as it is written.")
    ] = "<extra_0>"
    reward_timeout_s: Annotated[
        float, Field(gt=0, description="Longest wait for a reward; then the beam does without.")
    ] = 5.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="The least that is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"],
        Field(
            description="`json`: an object for each line; `console`: text for people; `auto`: text "
            "at a terminal, else JSON."
        ),
    ] = "auto"
    log_content: Annotated[
        bool,
        Field(
            description="Whether logs may hold questions, answers and the messages of unforeseen "
            "errors."
        ),
    ] = False
    state_dir: Annotated[
        Path,
        Field(
            description="Records and logs of running servers and, unless they are named elsewhere, "
            "the database and the files; `$XDG_STATE_HOME/statewise` if that is set."
        ),
    ] = Field(default_factory=_state_dir)

    @field_validator("cors_origins", "upstream", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("adapters", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        for name, sign, path in pairs:
            if not sign or not path.strip():
                raise ValueError(f"{name.strip()!r} names no folder; write it like algebra=FOLDER")
        names = [name.strip() for name, _, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError("two adapters have one name")
        return {name.strip(): path.strip() for name, _, path in pairs}

    @field_validator("adapters")
    @classmethod
    def _names(cls, adapters: dict[str, Path]) -> dict[str, Path]:
        for name in adapters:
            if not ADAPTER_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name of an adapter; take up to 64 letters, digits, dots, "
                    "dashes and underscores"
                )
        return adapters

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            # A browser sends neither a path nor a final slash: such an entry would never match.
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write it like https://example.org:8443")
        return origins

    @field_validator("upstream")
    @classmethod
    def _servers(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        urls = tuple(dict.fromkeys(url.rstrip("/").removesuffix("/v1") for url in urls))
        for url in urls:
            if not _SERVER.fullmatch(url):
                raise ValueError(f"{url!r} is no server; write it like http://gpu-1:8000")
        return urls

    @property
    def checkpoint(self) -> str | None:
        """The checkpoint that is known before the engine has started, if one is."""
        if self.engine == "vllm" or (self.engine == "remote" and "model" in self.model_fields_set):
            return self.model
        return None

    @property
    def database(self) -> str:
        """The address of the database."""
        return self.database_url or f"sqlite:///{self.state_dir / 'statewise.db'}"

    @property
    def files(self) -> str:
        """Where files are kept: a folder or an fsspec URL."""
        return self.files_url or str(self.state_dir / "files")

    @cached_property
    def served_name(self) -> str:
        """The model name that clients use."""
        if self.model_name:
            return self.model_name
        if (checkpoint := self.checkpoint) is None:
            return self.engine
        path = Path(checkpoint)
        return path.resolve().name if path.is_dir() else checkpoint
