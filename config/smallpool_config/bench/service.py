"""`smallpool bench service`: how many pages a second one HTTP worker gives, and how soon, with the load beside it.

In: sizes, rates and a seed. Out: for each rate percentiles over open-loop arrivals and what the server's process cost; the largest rate
that holds the aim. The server is `smallpool serve` in a process of its own over an embedded directory that was filled before; people are
those of `bench recall`, each with a full seen list and at least twenty triggers.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.open_loop import Load, Step, post
from smallpool_config.bench.recall import PAGE, SEEN, make_pools, prepare, store_items
from smallpool_config.bench.report import machine, percentile, tracked
from smallpool_config.cli.admin_key import VARIABLE
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded
from smallpool_core.errors import SmallpoolError

AIM_MS: Final = 50.0
"""The aim: so long at most, for 99 of 100 requests."""
WARM_UP_S: Final = 3.0
HOPELESS_MS: Final = 1_000.0
"""Beyond this at p99 a server falls ever further behind, and larger rates say nothing."""
TIMES: Final = 5
OVERLOADED_CONNECTIONS: Final = 600
RECOVERED_WITHIN_S: Final = 30
ENDS_WITHIN_S: Final = 20.0
_MAIN: Final = "import sys; from smallpool_config.cli import main; sys.exit(main())"
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class Sizes(Struct, frozen=True):
    """What is filled and asked: each of `rates` (requests a second) for so many seconds over so many connections; then, for `overload_s`,
    five times what the server can answer.
    """

    items: int
    pools: int
    people: int
    rates: Sequence[float]
    seconds: float
    connections: int
    overload_s: float = 0.0


def bench_service(settings: Settings, sizes: Sizes, config: Path | None, seed: int) -> dict[str, Any]:
    """The figures as JSON values; works in a directory of its own, which it removes. `config` is the settings file, for the server."""
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        requests, secret = _filled(settings, directory, sizes, seed), secrets.token_hex(24)
        sent = cycle([post(f"/v1/pools/{pool}/recall", secret, body) for pool, body in requests])
        with _serving(directory, secret, config) as (process, host, port):
            steps = asyncio.run(_steps(host, port, sent, sizes, seed, process.pid))
            overload = asyncio.run(_overload(host, port, sent, sizes, steps)) if sizes.overload_s else None
    return _summed_up(steps) | {
        "steps": steps,
        "overload": overload,
        "aim_ms": AIM_MS,
        "items": sizes.items,
        "pools": sizes.pools,
        "people": sizes.people,
        "size": PAGE,
        "seen": SEEN,
        "seconds": sizes.seconds,
        "connections": sizes.connections,
        "seed": seed,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": machine(),
    }


def _filled(settings: Settings, directory: str, sizes: Sizes, seed: int) -> list[tuple[str, bytes]]:
    """Fills the directory; the pools and bodies of the requests, one a person."""
    system = Embedded(replace(settings, store=replace(settings.store, directory=directory)))
    try:
        market = Marketplace(sizes.items, sizes.pools, seed, system.clock.now_ms())
        store_items(system, market)
        asked = market.requested_pools(sizes.people)
        asyncio.run(_peopled(system, market, asked))
    finally:
        system.close()
    bodies = [msgspec.json.encode({"user_id": f"user-{person:08d}", "size": PAGE}) for person in range(sizes.people)]
    return [(market.pool_id(pool), body) for pool, body in zip(asked, bodies, strict=True)]


async def _peopled(system: Embedded, market: Marketplace, asked: Sequence[int]) -> None:
    await make_pools(system, market)
    for person, pool in enumerate(tracked(asked, "people", len(asked))):
        await prepare(system, market, person, pool)


@contextmanager
def _serving(directory: str, secret: str, config: Path | None) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The server once it answers, with its address; stopped at the end of the block."""
    chosen = [] if config is None else ["--config", str(config)]
    command = [sys.executable, "-c", _MAIN, *chosen, "serve", "--port", "0", "--data", directory]
    environment = {**os.environ, VARIABLE: secret, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603, fixed arguments, no shell
        try:
            greeting = process.stdout.readline() if process.stdout is not None else ""
            address = urlsplit(greeting.rpartition(" ")[2].strip())
            if address.hostname is None or address.port is None:
                raise SmallpoolError("the server of the benchmark ended before it listened; run `smallpool serve` to see what it says")
            yield process, address.hostname, address.port
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


async def _steps(host: str, port: int, sent: Iterator[bytes], sizes: Sizes, seed: int, pid: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with Load(host, port, sizes.connections).opened() as load:
        await load.step(sent, min(sizes.rates), WARM_UP_S, seed)
        for number, rate in enumerate(tracked(sizes.rates, "rates", len(sizes.rates))):
            cpu_s, began = _cpu_s(pid), perf_counter()
            step = await load.step(sent, rate, sizes.seconds, seed + number + 1)
            found.append(_told(rate, step, _cpu_s(pid) - cpu_s, perf_counter() - began))
            if found[-1]["p99_ms"] is None or found[-1]["p99_ms"] > HOPELESS_MS:
                break
    return found


async def _overload(host: str, port: int, sent: Iterator[bytes], sizes: Sizes, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Five times the best answers a second of the steps, over more connections than the server takes requests at once; then how many
    seconds pass before the least of the rates is answered within the aim again.
    """
    peak, least = max(step["rps"] for step in steps), min(sizes.rates)
    async with Load(host, port, OVERLOADED_CONNECTIONS).opened() as load:
        step = await load.step(sent, TIMES * peak, sizes.overload_s, 0)
    recovery_s = 0
    async with Load(host, port, sizes.connections).opened() as load:
        while recovery_s < RECOVERED_WITHIN_S:
            after = await load.step(sent, least, 1.0, recovery_s)
            if after.late_ms and not after.failed and percentile(after.late_ms, 99) <= AIM_MS:
                break
            recovery_s += 1
    answered = len(step.late_ms)
    return {
        "rate": round(TIMES * peak, 1),
        "goodput_rps": round(answered / step.seconds, 1),
        "share_of_peak": round(answered / step.seconds / peak, 3),
        "p50_ms": percentile(step.late_ms, 50) if answered else None,
        "p99_ms": percentile(step.late_ms, 99) if answered else None,
        "refused": step.failed,
        "recovery_s": recovery_s,
    }


def _told(rate: float, step: Step, cpu_s: float, took_s: float) -> dict[str, Any]:
    """One rate as JSON values."""
    answered = len(step.late_ms)
    known = {f"p{share}_ms": percentile(step.late_ms, share) if answered else None for share in (50, 95, 99)}
    return {
        "rate": rate,
        "rps": round(answered / step.seconds, 1),
        **known,
        "max_ms": round(max(step.late_ms, default=0.0), 3),
        "answered": answered,
        "errors": sum(step.failed.values()),
        "errors_by_status": step.failed,
        "sent_late_p99_ms": percentile(step.sent_late_ms, 99) if step.sent_late_ms else None,
        "server_cores": round(cpu_s / took_s, 2),
        "server_cpu_ms": round(1000 * cpu_s / answered, 3) if answered else None,
    }


def _summed_up(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The largest rate with p99 within the aim and no error, nought where none is; p50 and p99 are those of that rate, or of the least."""
    held = [step for step in steps if not step["errors"] and step["answered"] and step["p99_ms"] <= AIM_MS]
    best = max(held, key=lambda step: step["rps"], default=steps[0])
    return {
        "rps": best["rps"] if held else 0.0,
        "rate": best["rate"] if held else None,
        **{name: best[name] for name in ("p50_ms", "p99_ms", "server_cores", "server_cpu_ms")},
        "errors": sum(step["errors"] for step in steps),
    }


def _cpu_s(pid: int) -> float:
    """Seconds of computing of a process so far, its own and the system's for it (proc(5), fields 14 and 15 of `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
